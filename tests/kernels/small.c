/* SPDX-License-Identifier: Apache-2.0
 *
 * Gate A over all small shapes around the sizes of tiles: integers whose sums are exact, so every
 * kernel must equal integer arithmetic. Types, strides and placement run through their combinations
 * along with the shapes. */
#include <string.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

static void one_shape(run *r, size_t m, size_t n, size_t k, size_t rows)
{
  const uint64_t mix = random_next(&r->state);
  const spec s = {.format = r->format,
                  .isa = r->isa,
                  .m = m,
                  .n = n,
                  .r = k,
                  .rows = rows,
                  .kind = VALUES_INTEGER,
                  .x_type = mix & 1 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                  .u_type = mix & 2 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                  .vt_type = mix & 4 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                  .x_pad = mix & 8 ? 3 : 0,
                  .y_pad = mix & 16 ? 5 : 0,
                  .x_backward = (mix & 32) != 0,
                  .y_backward = (mix & 64) != 0,
                  .factor_pad = mix & 128 ? 7 : 0,
                  .bias = (mix & 256) != 0,
                  .accumulate = (mix & 512) != 0,
                  .gains = (mix & 1024) != 0,
                  .at_end = (mix & 2048) != 0,
                  .keep = (mix & 4096) != 0};
  problem p;
  char where[256], what[256];
  problem_make(&p, &s, &r->state);
  spec_describe(&s, where, sizeof where);
  if (!gate_traits(r->format).integer) { /* else scales are no integers */
    float exact[64 * 64];
    const oracle_input in = problem_oracle(&p);
    oracle_exact(&in, exact);
    gate_case(r, memcmp(exact, p.expected, rows * m * sizeof(float)) == 0,
              "the oracles disagree: %s", where);
  }
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  const bool same = problem_matches(&p, what, sizeof what);
  gate_case(r, same, "%s: %s", where, what);
  problem_free(&p);
}

/* The largest sums of integers, in whole and partial spans, for every group. */
static void lowest(run *r, size_t group, size_t rows)
{
  const spec s = {.format = r->format,
                  .quant = {.group = group, .head = gate_traits(r->format).bands ? 128 : 0},
                  .isa = r->isa,
                  .m = 17,
                  .n = 300,
                  .r = 270,
                  .rows = rows,
                  .kind = VALUES_LOWEST};
  problem p;
  char what[256];
  problem_make(&p, &s, &r->state);
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  const bool same = problem_matches(&p, what, sizeof what);
  gate_case(r, same, "%zu rows, lowest weights in groups of %zu: %s", rows, group, what);
  problem_free(&p);
}

void gate_small(run *r)
{
  enum { ROWS_MAX = 33 };
  static const size_t lots[] = {1, 3, 4, 8, 9, ROWS_MAX}; /* kernels change between these */
  static const size_t sizes[] = {1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 48, 49};
  enum { SIZES = sizeof sizes / sizeof *sizes };
  const size_t step = r->quick ? 13 : 1;
  size_t at = 0;
  const bool grouped = gate_grouped(r->format), integer = gate_traits(r->format).integer;
  for (size_t group = 32; integer && group <= (grouped ? 128 : 32); group *= 2) {
    for (size_t i = 0; i < sizeof lots / sizeof *lots; ++i) {
      lowest(r, grouped ? group : 0, lots[i]);
    }
  }
  for (size_t m = 0; m < SIZES; ++m) {
    for (size_t n = 0; n < SIZES; ++n) {
      for (size_t k = 0; k < SIZES; ++k) {
        /* Every number of rows with every m, and each triple with two of them. */
        for (int again = 0; again < 2; ++again, ++at) {
          if (at % step == 0) one_shape(r, sizes[m], sizes[n], sizes[k], 1 + at % ROWS_MAX);
        }
      }
    }
  }
}
