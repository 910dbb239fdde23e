/* SPDX-License-Identifier: Apache-2.0
 *
 * Gate A in less than a second: with small integers every sum is exact, in any order, so each
 * kernel must give the bits of integer arithmetic in plain C. Formats with integers round their
 * operands: there the kernel in plain C must come near the exact result, and the others must equal
 * it. */
#include <svf/selftest.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <svf/cpu.h>
#include <svf/linear.h>
#include <svf/matmul.h>

#include "kernels/format.h"
#include "src/core/dispatch.h"
#include "src/core/status.h"
#include "src/matmul/run.h"

/* X, U, V in [-1, 1], gains in {1, 2, -1}: |T| <= 2n <= 2^8, which bf16 holds, and |Y| < 2^24. */
typedef struct shape {
  size_t m, n, r, rows;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1},    {16, 16, 16, 4},  {17, 33, 15, 3},  {15, 7, 31, 9},
    {33, 40, 49, 8}, {70, 65, 50, 31}, {48, 120, 96, 2}, {129, 66, 17, 65},
};

enum { EXPERTS = 3, SHARES = 3 };

typedef struct buffers {
  float *u, *vt, *sigma, *gains, *x, *bias, *y, *expected;
  const float **rows;
  void *block;
  size_t block_bytes;
} buffers;

static uint32_t next_random(uint32_t *state)
{
  *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
  return *state >> 16;
}

static void fill_randomly(float *p, size_t count, uint32_t *state)
{
  for (size_t i = 0; i < count; ++i) p[i] = (float)(next_random(state) % 3) - 1.0f;
}

/* Sections of one allocation, each on a cache line; p may be NULL to count only. */
static void *carve(char *p, size_t *at, size_t bytes)
{
  void *here = p ? p + *at : NULL;
  *at += (bytes + 63) / 64 * 64;
  return here;
}

static size_t carve_buffers(buffers *b, char *p, const shape *s)
{
  size_t at = 0;
  b->u = carve(p, &at, s->m * s->r * sizeof(float));
  b->vt = carve(p, &at, s->r * s->n * sizeof(float));
  b->sigma = carve(p, &at, s->r * sizeof(float));
  b->gains = carve(p, &at, EXPERTS * s->r * sizeof(float));
  b->x = carve(p, &at, s->rows * s->n * sizeof(float));
  b->bias = carve(p, &at, s->m * sizeof(float));
  b->y = carve(p, &at, s->rows * s->m * sizeof(float));
  b->expected = carve(p, &at, s->rows * s->m * sizeof(float));
  b->rows = carve(p, &at, s->rows * sizeof(float *));
  b->block = carve(p, &at, b->block_bytes);
  return at;
}

static svf_linear_source source_of(const shape *s, svf_format format)
{
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .format = format,
                             .m = s->m,
                             .n = s->n,
                             .r = s->r,
                             .u_stride = s->r,
                             .vt_stride = s->n};
}

/* Random integers, and the rows spread over the base model and EXPERTS experts. */
static svf_status fill_all(buffers *b, const shape *s, svf_format format)
{
  uint32_t state = 1;
  fill_randomly(b->u, s->m * s->r, &state);
  fill_randomly(b->vt, s->r * s->n, &state);
  fill_randomly(b->x, s->rows * s->n, &state);
  fill_randomly(b->bias, s->m, &state);
  for (size_t k = 0; k < s->r; ++k) b->sigma[k] = 1.0f;
  for (size_t k = 0; k < EXPERTS * s->r; ++k) b->gains[k] = k % 3 ? 2.0f : -1.0f;
  for (size_t row = 0; row < s->rows; ++row) {
    const size_t expert = next_random(&state) % (EXPERTS + 1);
    b->rows[row] = expert < EXPERTS ? b->gains + expert * s->r : NULL;
  }
  svf_linear_source source = source_of(s, format);
  source.u = b->u;
  source.vt = b->vt;
  source.sigma = b->sigma;
  return svf_linear_pack(&source, b->block, b->block_bytes);
}

/* Sums of integers below 2^24: exact in fp32, in any order. */
static void expect(const buffers *b, const shape *s)
{
  for (size_t row = 0; row < s->rows; ++row) {
    const float *gains = b->rows[row] ? b->rows[row] : b->sigma;
    float *y = b->expected + row * s->m;
    memcpy(y, b->bias, s->m * sizeof *y);
    for (size_t k = 0; k < s->r; ++k) {
      float t = 0;
      for (size_t j = 0; j < s->n; ++j) t += b->x[row * s->n + j] * b->vt[k * s->n + j];
      for (size_t i = 0; i < s->m; ++i) y[i] += t * gains[k] * b->u[i * s->r + k];
    }
  }
}

static svf_status compare(const buffers *b, const shape *s, const svf_kernel *kernel, size_t nth)
{
  for (size_t i = 0; i < s->rows * s->m; ++i) {
    if (memcmp(&b->y[i], &b->expected[i], sizeof(float)) != 0) {
      return svf_fail(SVF_ERR_FAILED,
                      "%s: m = %zu, n = %zu, r = %zu, rows = %zu in %zu shares: y[%zu][%zu] is %g, "
                      "expected %g",
                      kernel->name, s->m, s->n, s->r, s->rows, nth, i / s->m, i % s->m,
                      (double)b->y[i], (double)b->expected[i]);
    }
  }
  return SVF_OK;
}

/* Carries the prepared call out in nth shares. */
static svf_status multiply_in_shares(const buffers *b, const shape *s, svf_isa isa, size_t nth)
{
  const svf_matmul_args args = {.size = sizeof args,
                                .linear = b->block,
                                .rows = s->rows,
                                .x = b->x,
                                .x_stride = (ptrdiff_t)s->n,
                                .gains = b->rows,
                                .bias = b->bias,
                                .y = b->y,
                                .y_stride = (ptrdiff_t)s->m,
                                .isa = isa};
  size_t bytes;
  svf_status status = svf_matmul_workspace(&args, nth, &bytes);
  if (status != SVF_OK) return status;
  void *workspace = aligned_alloc(SVF_MATMUL_WORKSPACE_ALIGNMENT, bytes);
  if (!workspace) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", bytes);
  memset(workspace, 0xff, bytes); /* NaN: shows what is read before it is written */
  memset(b->y, 0xff, s->rows * s->m * sizeof(float));
  svf_plan plan;
  status = svf_matmul_plan(&plan, &args, nth, workspace, bytes);
  if (status == SVF_OK) svf_plan_run(&plan, &(svf_member){.shares = 1});
  free(workspace);
  return status;
}

/* Checks that the plain C kernel of a format with integers comes near the exact result; what it
 * gives is then expected of the others. */
static svf_status expect_rounded(buffers *b, const shape *s, svf_format format)
{
  const double nearness = 0.03; /* int4 and int8 T round to 1/15 and 1/254 of the largest */
  double largest = 1;
  svf_status status = multiply_in_shares(b, s, SVF_ISA_REF, 1);
  for (size_t i = 0; i < s->rows * s->m; ++i) {
    if (fabs((double)b->expected[i]) > largest) largest = fabs((double)b->expected[i]);
  }
  for (size_t i = 0; i < s->rows * s->m && status == SVF_OK; ++i) {
    if (!(fabs((double)b->y[i] - (double)b->expected[i]) <= nearness * largest)) {
      status = svf_fail(SVF_ERR_FAILED, "%s: m = %zu, n = %zu, r = %zu: y is %g, %g is exact",
                        svf_format_name(format), s->m, s->n, s->r, (double)b->y[i],
                        (double)b->expected[i]);
    }
  }
  memcpy(b->expected, b->y, s->rows * s->m * sizeof(float));
  return status;
}

/* Checks one kernel on one prepared shape, in one share and in several. */
static svf_status run_kernel(const buffers *b, const shape *s, const svf_kernel *kernel)
{
  svf_status status = SVF_OK;
  for (size_t nth = 1; nth <= SHARES && status == SVF_OK; nth += SHARES - 1) {
    status = multiply_in_shares(b, s, kernel->isa, nth);
    if (status == SVF_OK) status = compare(b, s, kernel, nth);
  }
  return status;
}

/* Every kernel of `isa` for `format` on one shape; counts those that ran. */
static svf_status run_shape(const shape *s, svf_isa isa, svf_format format, int *ran)
{
  buffers b;
  const svf_linear_source source = source_of(s, format);
  const svf_format_traits *t = &svf_format_of(format)->traits;
  svf_status status = svf_linear_bytes(&source, &b.block_bytes);
  if (status != SVF_OK) return status;
  const size_t bytes = carve_buffers(&b, NULL, s);
  char *memory = aligned_alloc(64, bytes);
  if (!memory) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", bytes);
  carve_buffers(&b, memory, s);
  status = fill_all(&b, s, format);
  if (status == SVF_OK) expect(&b, s);
  if (status == SVF_OK && t->integer) status = expect_rounded(&b, s, format);
  for (size_t i = 0; i < svf_kernel_count() && status == SVF_OK; ++i) {
    const svf_kernel *kernel = svf_kernel_at(i);
    if (isa != SVF_ISA_AUTO && kernel->isa != isa) continue;
    if (kernel->format != t->weights) continue;
    /* If another kernel of the same ISA is preferred, this one cannot be asked for. */
    const svf_kernel *serves = NULL;
    if (svf_dispatch(kernel->isa, t->weights, 0, SIZE_MAX, &serves) != SVF_OK || serves != kernel)
      continue;
    status = run_kernel(&b, s, kernel);
    ++*ran;
  }
  free(memory);
  return status;
}

svf_status svf_selftest(svf_isa isa, int *executed)
{
  svf_status status = SVF_OK;
  int ran = 0;
  if (!svf_isa_supported(isa)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "isa is %s (%d), which cannot run here", svf_isa_name(isa),
                    (int)isa);
  }
  for (size_t f = 0; f < svf_format_count() && status == SVF_OK; ++f) {
    const svf_format format = svf_format_at(f);
    int now = 0; /* kernels that ran; counted once per format of weights */
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && status == SVF_OK; ++i) {
      now = 0;
      status = run_shape(&shapes[i], isa, format, &now);
    }
    if (svf_format_of(format)->traits.weights == format) ran += now;
  }
  if (executed) *executed = ran;
  if (status == SVF_OK && ran == 0) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "isa is %s, of which no kernel could be executed",
                    svf_isa_name(isa));
  }
  return status;
}
