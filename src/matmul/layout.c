/* SPDX-License-Identifier: Apache-2.0
 *
 * X, or T in fp32, becomes the A of a product. */
#include "src/matmul/layout.h"

/* Pieces of A in a strip. No piece crosses the cut. */
static size_t pieces_of(const svf_product *p)
{
  const size_t cut = p->bands.cut_k;
  return svf_size_ceil(cut, SVF_PIECE) + svf_size_ceil(p->k - cut, SVF_PIECE);
}

/* Lays out one piece of a strip; `a` is the A of the strip that begins at row0. */
static void lay_out_piece(const svf_call *call, int product, size_t strip, size_t piece,
                          size_t row0, char *a)
{
  const svf_matmul_args *args = &call->args;
  const svf_product *p = &call->product[product];
  const size_t cut = p->bands.cut_k, before = svf_size_ceil(cut, SVF_PIECE);
  const size_t k0 = piece < before ? piece * SVF_PIECE : cut + (piece - before) * SVF_PIECE;
  const size_t k = svf_size_min(SVF_PIECE, (piece < before ? cut : p->k) - k0);
  const size_t row = svf_strip_row(call, strip), rows = svf_strip_row(call, strip + 1) - row;
  char *to = a + svf_a_offset(call, p, row - row0, rows, k0);
  if (product == call->x_product) {
    call->kernel->pack_rows(svf_x_at(args, row, k0), args->x_type, args->x_stride, (int)rows, k,
                            p->a_planes, to);
  } else {
    call->kernel->pack_rows(call->t + row * call->t_stride + k0, SVF_DTYPE_F32,
                            (ptrdiff_t)call->t_stride, (int)rows, k, p->a_planes, to);
  }
}

void svf_lay_out(const svf_call *call, int product, size_t strip0, size_t strip1, char *a)
{
  const size_t pieces = pieces_of(&call->product[product]), row0 = svf_strip_row(call, strip0);
  for (size_t strip = strip0; strip < strip1; ++strip) {
    for (size_t i = 0; i < pieces; ++i) lay_out_piece(call, product, strip, i, row0, a);
  }
}

/* A share of the pieces, strip after strip, so that it finds much of what it wrote in its own
 * cache. */
void svf_lay_out_share(const svf_call *call, int product, size_t ith, size_t nth)
{
  const svf_product *p = &call->product[product];
  const size_t pieces = pieces_of(p), all = call->strips * pieces;
  const size_t end = svf_share(all, nth, ith + 1);
  for (size_t i = svf_share(all, nth, ith); i < end; ++i) {
    lay_out_piece(call, product, i / pieces, i % pieces, 0, p->a);
  }
}
