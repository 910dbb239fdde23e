/* SPDX-License-Identifier: Apache-2.0
 *
 * The back end oneDNN: the same calls, against double precision. It knows no instruction set of
 * ours, so it runs once, for that of plain C. */
#include <math.h>
#include <stdlib.h>

#include "tests/kernels/gates.h"
#include "tests/kernels/problem.h"

/* The limits of our own kernels (accuracy.c), with a margin for another order of sums. */
static double limit_of(const spec *s)
{
  const double rounded_y = s->y_type == SVF_DTYPE_BF16 ? ldexp(1, -16) : 0;
  const double sums = (double)(s->n + s->r) * ldexp(1, -46);
  return rounded_y + (s->format == SVF_FORMAT_F32 ? sums : 1.6e-5);
}

static void one_call(run *r, const spec *s)
{
  problem p;
  problem_make(&p, s, &r->state);
  const size_t count = s->rows * s->m;
  double *ref = malloc(count * sizeof *ref), error = 0, power = 0;
  char where[256];
  if (!ref) abort();
  const oracle_input in = problem_oracle(&p);
  oracle_double(&in, ref);
  svf_backend_select(SVF_BACKEND_ONEDNN);
  problem_run(&p, r->isa, WAY_SERIAL, 1, &r->state);
  svf_backend_select(SVF_BACKEND_OWN);
  for (size_t i = 0; i < count; ++i) {
    const double d = (double)problem_y(&p, i / s->m, i % s->m) - ref[i];
    error += d * d;
    power += ref[i] * ref[i];
  }
  spec_describe(s, where, sizeof where);
  gate_case(r, error <= limit_of(s) * power, "%s: NMSE %.3g exceeds %.3g", where, error / power,
            limit_of(s));
  free(ref);
  problem_free(&p);
}

/* Formats that oneDNN does not have are refused. */
static void refused(run *r)
{
  const spec s = {.format = r->format, .m = 20, .n = 30, .r = 25, .rows = 2};
  problem p;
  size_t bytes;
  problem_make(&p, &s, &r->state);
  svf_matmul_workspace(&p.args, 1, &bytes);
  void *workspace = aligned_alloc(64, bytes);
  if (!workspace) abort();
  svf_backend_select(SVF_BACKEND_ONEDNN);
  const svf_status status = svf_matmul(&p.args, 1, workspace, bytes);
  svf_backend_select(SVF_BACKEND_OWN);
  gate_case(r, status == SVF_ERR_UNSUPPORTED, "not refused but %s", svf_status_name(status));
  free(workspace);
  problem_free(&p);
}

void gate_onednn(run *r)
{
  if (r->isa != SVF_ISA_REF) return;
  if (r->format != SVF_FORMAT_F32 && r->format != SVF_FORMAT_BF16) {
    refused(r);
    return;
  }
  const size_t cases = r->quick ? 30 : 300;
  for (size_t i = 0; i < cases; ++i) {
    const uint64_t mix = random_next(&r->state);
    const size_t unit = mix & 1 ? 16 : 1, most = i % 4 ? 60 : 300; /* layouts differ by the unit */
    const spec s = {.format = r->format,
                    .m = 1 + random_below(&r->state, most),
                    .n = (1 + random_below(&r->state, most) / unit) * unit,
                    .r = (1 + random_below(&r->state, most) / unit) * unit,
                    .rows = 1 + random_below(&r->state, 40),
                    .kind = VALUES_RANDOM,
                    .x_type = mix & 2 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                    .y_type = mix & 4 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                    .x_pad = mix & 8 ? 3 : 0,
                    .y_pad = mix & 16 ? 5 : 0,
                    .x_backward = (mix & 32) != 0,
                    .y_backward = (mix & 64) != 0,
                    .bias = (mix & 128) != 0,
                    .accumulate = (mix & 256) != 0,
                    .gains = (mix & 512) != 0,
                    .at_end = (mix & 1024) != 0};
    one_call(r, &s);
  }
}
