/* SPDX-License-Identifier: Apache-2.0
 *
 * Packed blocks and workspaces at any address: files and engines align as they like. For the
 * sanitizers too. */
#include <math.h>
#include <stddef.h>

#include "tests/unit/suite.h"

enum { M = 37, N = 300, R = 150, ROWS = 9, BLOCK = 1 << 19, WORKSPACE = 1 << 20 };
enum { LINE = 64, LANES = 16 };

static _Alignas(LINE) float expert[R + LANES];
static float u[M * R], vt[R * N], sigma[R], x[ROWS * N], y[ROWS * M], want[ROWS * M];
static _Alignas(LINE) unsigned char block[BLOCK], moved[BLOCK + LINE];
static _Alignas(LINE) unsigned char workspace[WORKSPACE + LINE];
static size_t bytes;

static svf_linear_source pack(svf_format format)
{
  for (size_t i = 0; i < M * R; ++i) u[i] = sinf((float)i);
  for (size_t i = 0; i < R * N; ++i) vt[i] = cosf((float)i);
  for (size_t i = 0; i < R; ++i) sigma[i] = 1 / (float)(i + 1);
  for (size_t i = 0; i < ROWS * N; ++i) x[i] = sinf(3 * (float)i);
  const svf_linear_source s = {.size = sizeof s,
                               .m = M,
                               .n = N,
                               .r = R,
                               .format = format,
                               .u = u,
                               .u_stride = R,
                               .vt = vt,
                               .vt_stride = N,
                               .sigma = sigma,
                               .quant.head = format == SVF_FORMAT_W84 ? 64 : 0};
  ck_works(svf_linear_bytes(&s, &bytes));
  ck_assert_uint_le(bytes, sizeof block);
  ck_works(svf_linear_pack(&s, block, bytes));
  return s;
}

/* Half of the rows have an expert, whose gains begin `place` floats after the beginning of a line;
 * the others read sigma in the block. */
static svf_matmul_args call_on(const void *linear, svf_isa isa, size_t rows, size_t place)
{
  static const float *gains[ROWS];
  for (size_t i = 0; i < R; ++i) expert[place + i] = sigma[i] * (1 + 0.1f * (float)(i % 3));
  for (size_t i = 0; i < ROWS; ++i) gains[i] = i % 2 ? expert + place : NULL;
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = linear,
                           .rows = rows,
                           .x = x,
                           .x_stride = N,
                           .gains = gains,
                           .y = y,
                           .y_stride = M,
                           .isa = isa};
}

static void check(svf_isa isa, size_t rows, size_t at)
{
  size_t needed;
  svf_matmul_args a = call_on(block, isa, rows, 0);
  ck_works(svf_matmul(&a, 1, workspace, WORKSPACE));
  memcpy(want, y, sizeof want);
  memset(moved, 0xff, sizeof moved);
  memcpy(moved + at, block, bytes);
  a = call_on(moved + at, isa, rows, at % LANES);
  ck_works(svf_matmul_workspace(&a, 2, &needed));
  ck_assert_uint_le(needed, WORKSPACE);
  memset(workspace, 0xff, sizeof workspace);
  memset(y, 0xff, sizeof y);
  ck_works(svf_matmul(&a, 2, workspace + at, needed));
  ck_assert_mem_eq(y, want, rows * M * sizeof *y);
  ck_filled(workspace, at, 0xff);
  ck_filled(workspace + at + needed, sizeof workspace - at - needed, 0xff);
}

START_TEST(any_address)
{
  for (size_t f = 0; f < svf_format_count(); ++f) {
    pack(svf_format_at(f));
    for (size_t n = 0; n < svf_isa_count(); ++n) {
      if (!svf_isa_supported(svf_isa_at(n))) continue;
      for (size_t at = 0; at < LINE; at = at < 9 ? at + 1 : at + 11) {
        check(svf_isa_at(n), 1, at);
        check(svf_isa_at(n), ROWS, at);
      }
    }
  }
}
END_TEST

/* Packed where it lies, in shares, it has the same bytes, and nothing around it is touched. */
START_TEST(packing_at_any_address)
{
  for (size_t f = 0; f < svf_format_count(); ++f) {
    const svf_linear_source s = pack(svf_format_at(f));
    for (size_t at = 1; at < LINE; at += 9) {
      memset(moved, 0xee, sizeof moved);
      for (size_t i = 0; i < 3; ++i) ck_works(svf_linear_pack_part(&s, moved + at, bytes, i, 3));
      ck_works(svf_linear_seal(moved + at, bytes));
      ck_assert_mem_eq(moved + at, block, bytes);
      ck_filled(moved, at, 0xee);
      ck_filled(moved + at + bytes, sizeof moved - at - bytes, 0xee);
    }
  }
}
END_TEST

START_TEST(what_is_read_of_a_moved_block)
{
  static float all[M * R], other[M * R];
  svf_linear_header h;
  for (size_t f = 0; f < svf_format_count(); ++f) {
    pack(svf_format_at(f));
    for (size_t at = 1; at < LINE; at += 6) {
      memcpy(moved + at, block, bytes);
      ck_works(svf_linear_check(moved + at, bytes, true));
      ck_works(svf_linear_unpack(block, bytes, all, R, NULL, N));
      ck_works(svf_linear_unpack(moved + at, bytes, other, R, NULL, N));
      ck_assert_mem_eq(all, other, sizeof all);
      memcpy(&h, svf_linear_info(moved + at), sizeof h);
      ck_assert_uint_eq(h.m, M);
      ck_assert_mem_eq(svf_linear_sigma(moved + at), sigma, sizeof sigma);
      memset(moved + at + offsetof(svf_linear_header, checksum), 0, sizeof h.checksum);
      ck_fails(svf_linear_check(moved + at, bytes, false), SVF_ERR_CORRUPT, "sealed");
      ck_works(svf_linear_seal(moved + at, bytes));
      ck_assert_mem_eq(moved + at, block, bytes);
    }
  }
}
END_TEST

SUITE("address", any_address, packing_at_any_address, what_is_read_of_a_moved_block)
