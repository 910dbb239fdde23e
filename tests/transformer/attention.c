/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention and its cache against plain loops in double precision: blocks and windows that begin
 * and end anywhere, more query heads than a kernel has rows, heads that fill no panel. */
#include <math.h>

#include "kernels/kernel.h"
#include "src/core/dispatch.h"
#include "src/transformer/attention.h"
#include "tests/unit/suite.h"

enum { HEADS = 2, LAYERS = 2, LIMIT = 200 };

typedef struct problem {
  size_t group, dim;
  float *key, *value; /* [LIMIT][dim] */
  float *q;           /* [group][dim] */
} problem;

static float noise(void)
{
  static uint32_t state = 12345;
  state = state * 1664525u + 1013904223u;
  return (float)(int32_t)state * 0x1p-31f;
}

static float *random_floats(size_t count)
{
  float *x = malloc(count * sizeof *x);
  for (size_t i = 0; i < count; ++i) x[i] = noise();
  return x;
}

static problem make(size_t group, size_t dim)
{
  return (problem){group, dim, random_floats(LIMIT * dim), random_floats(LIMIT * dim),
                   random_floats(group * dim)};
}

static void drop(problem *p)
{
  free(p->key);
  free(p->value);
  free(p->q);
}

static void naive(const problem *p, size_t first, size_t position, size_t g, double *out)
{
  double weight[LIMIT], all = 0;
  for (size_t i = 0; i < p->dim; ++i) out[i] = 0;
  for (size_t t = first; t <= position; ++t) {
    double dot = 0;
    for (size_t i = 0; i < p->dim; ++i) {
      dot += (double)p->q[g * p->dim + i] * (double)p->key[t * p->dim + i];
    }
    weight[t] = exp(dot / sqrt((double)p->dim));
    all += weight[t];
  }
  for (size_t t = first; t <= position; ++t) {
    for (size_t i = 0; i < p->dim; ++i) {
      out[i] += weight[t] / all * (double)p->value[t * p->dim + i];
    }
  }
}

static void check(const problem *p, const float *out, size_t first, size_t position)
{
  double want[256];
  for (size_t g = 0; g < p->group; ++g) {
    naive(p, first, position, g, want);
    for (size_t i = 0; i < p->dim; ++i) {
      const double got = (double)out[g * p->dim + i];
      ck_assert_msg(fabs(got - want[i]) < 2e-6,
                    "group %zu, dim %zu, [%zu, %zu], head %zu, %zu: %g, expected %g", p->group,
                    p->dim, first, position, g, i, got, want[i]);
    }
  }
}

/* Head 1 of layer 1, whose neighbours hold NaN: nothing of them may be read. */
static void fill(svf_kv *kv, const problem *p)
{
  float nan[256];
  size_t more[1] = {LIMIT};
  for (size_t i = 0; i < kv->count * kv->block_floats; ++i) kv->data[i] = NAN;
  for (size_t i = 0; i < p->dim; ++i) nan[i] = NAN;
  ck_works(svf_kv_grow(kv, more));
  for (size_t t = 0; t < LIMIT; ++t) {
    svf_kv_store(kv, kv->sequence, 1, 1, t, p->key + t * p->dim, p->value + t * p->dim);
    svf_kv_store(kv, kv->sequence, 1, 0, t, nan, nan);
    svf_kv_store(kv, kv->sequence, 0, 1, t, nan, nan);
  }
}

/* `count` rows up to `last`, all with the same queries, each like plain loops; those of a run have
 * the bits of each row alone. */
static void attend(const svf_attention *a, const svf_kv *kv, const problem *p, size_t last,
                   size_t count, size_t window, float *scratch)
{
  const size_t width = p->group * p->dim, bytes = count * width * sizeof(float);
  float *q = malloc(bytes), *out = malloc(bytes), *alone = malloc(bytes);
  for (size_t i = 0; i < count; ++i) memcpy(q + i * width, p->q, width * sizeof *q);
  svf_attention_task t = {kv->sequence, 1, 1, last + 1 - count, count, window, q, out, width};
  svf_attend(a, kv, &t, scratch);
  t.count = 1;
  for (size_t i = 0; i < count; ++i) {
    const size_t position = last + 1 - count + i;
    check(p, out + i * width, position + 1 > window ? position + 1 - window : 0, position);
    t.position = position;
    t.out = alone + i * width;
    svf_attend(a, kv, &t, scratch);
  }
  ck_assert_mem_eq(out, alone, bytes);
  free(q);
  free(out);
  free(alone);
}

static void run(svf_isa isa, size_t group, size_t dim)
{
  static const size_t ends[] = {0, 1, 15, 16, 62, 63, 64, 65, 126, 127, 128, 129, LIMIT - 1};
  static const size_t windows[] = {1, 2, 16, 63, 64, 65, 128, LIMIT};
  svf_attention a = {
      .ops = svf_dispatch_ops(), .heads_per_kv = group, .scale = (float)(1 / sqrt((double)dim))};
  problem p = make(group, dim);
  svf_kv kv;
  ck_works(svf_dispatch(isa, SVF_FORMAT_F32, 0, 1, &a.kernel));
  ck_works(svf_kv_create(&kv, LAYERS, HEADS, dim, LIMIT, 1, LIMIT));
  float *scratch = aligned_alloc(SVF_LINE, svf_attention_scratch(&a, &kv, LIMIT) * sizeof(float));
  fill(&kv, &p);
  for (size_t e = 0; e < sizeof ends / sizeof *ends; ++e) {
    for (size_t w = 0; w < sizeof windows / sizeof *windows; ++w) {
      const size_t most = svf_attention_rows(&a), count = most <= ends[e] ? most : ends[e] + 1;
      attend(&a, &kv, &p, ends[e], count, windows[w], scratch);
    }
  }
  free(scratch);
  svf_kv_free(&kv);
  drop(&p);
}

START_TEST(agrees_with_plain_loops)
{
  static const size_t shapes[][2] = {{1, 2}, {3, 24}, {16, 16}, {71, 6}, {7, 80}, {71, 130}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
    for (size_t k = 0; k <= svf_isa_count(); ++k) { /* beyond them is AUTO */
      if (svf_isa_supported(svf_isa_at(k))) run(svf_isa_at(k), shapes[i][0], shapes[i][1]);
    }
  }
}
END_TEST

SUITE("attention", agrees_with_plain_loops)
