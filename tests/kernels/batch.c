/* SPDX-License-Identifier: Apache-2.0
 *
 * Batch invariance, stated directly: a row computed alone, and the same row anywhere in a batch of
 * strangers with other experts, have the same bits; and so do all offsets of unaligned operands. */
#include <stdlib.h>
#include <string.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

enum { M = 37, N = 70, R = 151, ROWS = 33 };

/* A call over rows [first, first + rows) of the problem, serially, into y. */
static void call_rows(run *r, const problem *p, size_t first, size_t rows, float *y)
{
  svf_matmul_args a = p->args;
  size_t bytes;
  a.isa = r->isa;
  a.rows = rows;
  a.x = (const float *)a.x + (ptrdiff_t)first * a.x_stride;
  a.gains = a.gains ? a.gains + first : NULL;
  a.y = y;
  a.y_stride = M;
  if (svf_matmul_workspace(&a, 1, &bytes) != SVF_OK) abort();
  void *workspace = aligned_alloc(64, bytes);
  if (!workspace || svf_matmul(&a, 1, workspace, bytes) != SVF_OK) abort();
  free(workspace);
}

/* All batches of up to 9 rows: there kernels change. */
static void sub_batches(run *r, svf_quant quant)
{
  const spec s = {.format = r->format,
                  .quant = quant,
                  .m = M,
                  .n = N,
                  .r = R,
                  .rows = ROWS,
                  .kind = VALUES_RANDOM,
                  .gains = true};
  problem p;
  float whole[ROWS * M], part[ROWS * M];
  problem_make(&p, &s, &r->state);
  call_rows(r, &p, 0, ROWS, whole);
  for (size_t rows = 1; rows <= ROWS; rows += r->quick && rows > 8 ? 5 : 1) {
    for (size_t first = 0; first + rows <= ROWS; first += rows == 1 ? 1 : 3) {
      call_rows(r, &p, first, rows, part);
      gate_case(r, memcmp(part, whole + first * M, rows * M * sizeof *part) == 0,
                "rows [%zu, %zu) alone differ from the same rows in a batch of %d, groups of %zu",
                first, first + rows, ROWS, quant.group);
    }
  }
  problem_free(&p);
}

/* Operands at every offset of a cache line that their element type allows. */
static void offsets(run *r)
{
  const spec s = {.format = r->format,
                  .m = M,
                  .n = N,
                  .r = R,
                  .rows = 11,
                  .kind = VALUES_RANDOM,
                  .gains = true};
  problem p;
  float whole[11 * M];
  problem_make(&p, &s, &r->state);
  call_rows(r, &p, 0, 11, whole);
  float *x = aligned_alloc(64, (11 * N + 32) * sizeof *x / 64 * 64 + 64);
  float *y = aligned_alloc(64, (11 * M + 32) * sizeof *y / 64 * 64 + 64);
  if (!x || !y) abort();
  for (size_t offset = 0; offset < 16; ++offset) {
    memcpy(x + offset, p.args.x, 11 * N * sizeof *x);
    problem q = p;
    q.args.x = x + offset;
    q.args.x_stride = N;
    call_rows(r, &q, 0, 11, y + 15 - offset);
    gate_case(r, memcmp(y + 15 - offset, whole, sizeof whole) == 0,
              "x %zu and y %zu floats after a cache line change the result", offset, 15 - offset);
  }
  free(x);
  free(y);
  problem_free(&p);
}

void gate_batch(run *r)
{
  const bool grouped = gate_grouped(r->format);
  for (size_t group = 32; group <= (grouped ? 128 : 32); group *= 2) {
    sub_batches(r, (svf_quant){.group = grouped ? group : 0,
                               .head = gate_traits(r->format).bands ? 64 : 0});
  }
  offsets(r);
}
