/* SPDX-License-Identifier: Apache-2.0
 *
 * Random calls against the documented chain of fused multiply-adds, to the bit: every type, stride,
 * kind of values, number and order of shares. What is equal to the chain is equal across ISAs,
 * threads, batches and alignments too. */
#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

static const size_t shares[] = {1, 2, 3, 5, 7, 16, 64};

static spec random_spec(svf_format format, uint64_t *state, size_t largest, size_t rows)
{
  const uint64_t mix = random_next(state);
  static const size_t groups[] = {0, 32, 64, 128};
  const bool grouped = gate_grouped(format), bands = gate_traits(format).bands;
  /* One in four is a dense layer; a format in two bands has none. */
  const bool dense = !bands && random_below(state, 4) == 0;
  const size_t rank = dense ? 0 : 1 + random_below(state, largest);
  const size_t head = bands ? random_below(state, rank / 64 + 1) * 64 : 0;
  return (spec){.format = format,
                .quant = {.group = grouped ? groups[random_below(state, 4)] : 0, .head = head},
                .m = 1 + random_below(state, largest),
                .n = 1 + random_below(state, largest),
                .r = rank,
                .rows = 1 + random_below(state, rows),
                .kind = (values)random_below(state, 5),
                .x_type = mix & 1 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                .y_type = mix & 2 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                .u_type = mix & 4 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                .vt_type = mix & 8 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                .x_pad = (ptrdiff_t)random_below(state, 20),
                .y_pad = (ptrdiff_t)random_below(state, 20),
                .x_backward = (mix & 16) != 0,
                .y_backward = (mix & 32) != 0,
                .x_same = (mix & 0x1c0) == 0x1c0,
                .factor_pad = random_below(state, 20),
                .bias = (mix & 512) != 0,
                .accumulate = (mix & 1024) != 0,
                .gains = (mix & 0x1800) != 0,
                .at_end = (mix & 0x2000) != 0,
                .transposed = (mix & 0xc000) == 0,
                .keep = (mix & 0x30000) != 0};
}

static void one_way(run *r, problem *p, way how, size_t nth)
{
  static const char *const ways[] = {"serial", "OpenMP", "shares", "pool", "group"};
  char where[256], what[256];
  problem_run(p, r->isa, how, nth, &r->state);
  const bool same = problem_matches(p, what, sizeof what);
  spec_describe(&p->s, where, sizeof where);
  gate_case(r, same, "%s, %s %zu: %s", where, ways[how], nth, what);
}

static void all_ways(run *r, const spec *shape)
{
  problem p;
  spec s = *shape;
  s.format = r->format;
  if (!gate_traits(s.format).bands)
    s.quant.head = 0;
  else if (s.quant.head == 0)
    s.quant.head = s.r / 2 / 64 * 64;
  s.isa = r->isa;
  problem_make(&p, &s, &r->state);
  one_way(r, &p, WAY_SERIAL, 1);
  for (size_t i = 0; i < sizeof shares / sizeof *shares; ++i) {
    one_way(r, &p, WAY_SHARES, shares[i]);
    if (shares[i] <= 16) one_way(r, &p, WAY_GROUP, shares[i]);
    if (shares[i] <= 7) one_way(r, &p, WAY_OPENMP, shares[i]);
    if (shares[i] <= 7) one_way(r, &p, WAY_POOL, shares[i]);
  }
  problem_free(&p);
}

void gate_random(run *r)
{
  const int few = r->isa == SVF_ISA_REF ? 12 : 30; /* it is slow, and is the same everywhere */
  const int cases = r->quick ? few : r->full ? 300 : 100;
  for (int i = 0; i < cases; ++i) {
    const spec s = random_spec(r->format, &r->state,
                               i % 4   ? 80
                               : i % 8 ? 200
                                       : 600,
                               i % 4 ? 40 : 90);
    all_ways(r, &s);
  }
}

void gate_large(run *r)
{
  /* Many rows (several chunks), long reductions (several slices), wide layers (several
   * passes), and ranks of which some numbers of shares have whole spans of T. The first ones
   * are the quick ones. */
  static const spec shapes[] = {
      {.m = 35, .n = 1100, .r = 20, .rows = 601, .gains = true, .keep = true},
      {.m = 1500, .n = 17, .r = 19, .rows = 310, .accumulate = true, .gains = true, .keep = true},
      {.m = 20,
       .n = 200,
       .r = 1024,
       .rows = 90,
       .x_type = SVF_DTYPE_BF16,
       .gains = true,
       .keep = true},
      {.m = 33, .n = 300, .r = 768, .rows = 3, .gains = true, .keep = true},
      {.m = 33,
       .n = 64,
       .r = 2240,
       .rows = 5,
       .quant.head = 192,
       .gains = true,
       .keep = true}, /* in 3 shares */
      {.m = 40,
       .n = 1100,
       .r = 530,
       .rows = 90,
       .x_type = SVF_DTYPE_BF16,
       .gains = true,
       .keep = true},
      {.m = 20, .n = 24, .r = 1050, .rows = 300, .bias = true, .gains = true, .keep = true},
      {.m = 700, .n = 530, .r = 610, .rows = 9, .keep = true},
      {.m = 130, .n = 1030, .r = 517, .rows = 1, .gains = true, .keep = true},
      {.m = 64,
       .n = 513,
       .r = 1025,
       .rows = 70,
       .y_type = SVF_DTYPE_BF16,
       .gains = true,
       .keep = true},
      {.m = 1500, .n = 1030, .r = 0, .rows = 310, .accumulate = true},
      {.m = 700, .n = 1100, .r = 0, .rows = 1, .bias = true},
      {.m = 530, .n = 530, .r = 0, .rows = 9, .x_type = SVF_DTYPE_BF16},
  };
  const size_t count = r->quick ? 5 : sizeof shapes / sizeof *shapes;
  for (size_t i = 0; i < count; ++i) {
    spec s = shapes[i];
    if (r->quick) s.rows = s.rows / 2 + 2;
    if (s.r == 0 && gate_traits(r->format).bands) continue;
    for (int end = 0; end < 2; ++end) {
      s.at_end = end;
      all_ways(r, &s);
      if (r->quick) break;
    }
  }
}
