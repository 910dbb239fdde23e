/* SPDX-License-Identifier: Apache-2.0
 *
 * svf-check-ops [--bench]: the row operations of every ISA that runs here. To the bit against plain
 * C, between guard pages; against double precision; and what special values become. */
#include "tests/kernels/ops.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <svf/svf.h>

#include "src/core/dispatch.h"
#include "src/core/isa.h"
#include "tests/kernels/guard.h"
#include "tests/kernels/rng.h"

static size_t failures, cases;

void ops_expect(bool ok, const svf_ops_kernel *kernel, const char *what, size_t at, double got,
                double want)
{
  ++cases;
  if (ok) return;
  if (++failures <= 20) {
    printf("FAIL %s %s at %zu: %.9g, expected %.9g\n", svf_isa_name(kernel->isa), what, at, got,
           want);
  }
}

bool ops_same(float x, float y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

void ops_close(const svf_ops_kernel *kernel, const char *what, size_t at, double got, double want,
               double error)
{
  ops_expect(fabs(got - want) <= error, kernel, what, at, got, want);
}

void ops_equal(const svf_ops_kernel *kernel, const char *what, const float *got, const float *want,
               size_t n)
{
  for (size_t i = 0; i < n; ++i) {
    ops_expect(ops_same(got[i], want[i]), kernel, what, i, (double)got[i], (double)want[i]);
  }
}

static void rmsnorm(const svf_ops_kernel *k, const ops_rows *r)
{
  k->rmsnorm(r->a, r->b, r->n, 1e-5f, r->y);
}

static void rmsnorm_over(const svf_ops_kernel *k, const ops_rows *r)
{
  k->rmsnorm(r->a, r->b, r->n, 1e-5f, r->a);
}

static void swiglu(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu(r->a, r->b, r->n, r->y);
}

static void swiglu_over_gate(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu(r->a, r->b, r->n, r->a);
}

static void swiglu_over_up(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu(r->a, r->b, r->n, r->b);
}

static void rope(const svf_ops_kernel *k, const ops_rows *r) { k->rope(r->a, r->b, r->c, r->n); }

static void softmax(const svf_ops_kernel *k, const ops_rows *r)
{
  r->y[1] = k->softmax(r->a, r->n, 0.125f, r->y);
}

static void sum_exp(const svf_ops_kernel *k, const ops_rows *r)
{
  r->y[1] = k->sum_exp(r->a, r->n, r->y);
}

static void add_products(const svf_ops_kernel *k, const ops_rows *r)
{
  k->add_products(r->a, r->b, r->n, r->y);
}

static void dot(const svf_ops_kernel *k, const ops_rows *r) { *r->y = k->dot(r->a, r->b, r->n); }

static void rmsnorm_back(const svf_ops_kernel *k, const ops_rows *r)
{
  k->rmsnorm_back(r->a, r->b, r->n, 1e-5f, r->c, r->y);
}

static void swiglu_back(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->y, r->a + r->n);
}

static void swiglu_back_over_own(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->a, r->b);
}

static void swiglu_back_over_other(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->b, r->a);
}

static void swiglu_back_gate_over_g(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->c, r->y);
}

static void swiglu_back_up_over_g(const svf_ops_kernel *k, const ops_rows *r)
{
  k->swiglu_back(r->a, r->b, r->n, r->c, r->y, r->c);
}

static void rope_back(const svf_ops_kernel *k, const ops_rows *r)
{
  k->rope_back(r->a, r->b, r->c, r->n);
}

static void softmax_again(const svf_ops_kernel *k, const ops_rows *r)
{
  k->softmax_again(r->a, r->n, 0.125f, fabsf(r->b[0]), r->c[0]);
}

static void softmax_back(const svf_ops_kernel *k, const ops_rows *r)
{
  k->softmax_back(r->b, r->n, 0.125f, r->c[0], r->a);
}

const ops_form ops_forms[OPS_FORMS] = {
    {"rmsnorm", rmsnorm, 1, 3},
    {"rmsnorm over x", rmsnorm_over, 1, 3},
    {"rmsnorm_back", rmsnorm_back, 1, 5},
    {"swiglu", swiglu, 1, 3},
    {"swiglu over gate", swiglu_over_gate, 1, 3},
    {"swiglu over up", swiglu_over_up, 1, 3},
    {"swiglu_back", swiglu_back, 2, 5},
    {"swiglu_back over gate and up", swiglu_back_over_own, 1, 5},
    {"swiglu_back over up and gate", swiglu_back_over_other, 1, 5},
    {"swiglu_back, dgate over g", swiglu_back_gate_over_g, 1, 5},
    {"swiglu_back, dup over g", swiglu_back_up_over_g, 1, 5},
    {"rope", rope, 2, 6},
    {"rope_back", rope_back, 2, 6},
    {"softmax", softmax, 1, 2},
    {"softmax_again", softmax_again, 1, 2},
    {"softmax_back", softmax_back, 1, 3},
    {"sum_exp", sum_exp, 1, 1},
    {"add_products", add_products, 1, 4},
    {"dot", dot, 1, 2},
};

typedef enum kind { PLAIN, SPREAD, SCORES, EQUAL, SPECIAL, KINDS } kind;

static float draw(kind k, uint64_t *state)
{
  static const float special[] = {0,       -0.0f,    1e-40f,   -1e-45f, FLT_MIN,
                                  FLT_MAX, -FLT_MAX, INFINITY, -1e30f,  -INFINITY};
  switch (k) {
    case PLAIN: return 4 * random_float(state);
    case SPREAD: return ldexpf(random_float(state), (int)random_below(state, 121) - 60);
    case SCORES: return random_below(state, 3) == 0 ? -1e30f : 700 * random_float(state);
    case EQUAL: return 0.7f;
    default:
      if (random_below(state, 300) == 0) return NAN;
      if (random_below(state, 3) > 0) return 60 * random_float(state);
      return special[random_below(state, sizeof special / sizeof *special)];
  }
}

/* An array between guard pages, and one like it. */
typedef struct array {
  guard guards[2];
  float *p[2];
  size_t count;
} array;

/* Placed at the end of its pages, or `skip` elements after their beginning. */
static void make(array *x, size_t count, kind k, bool at_end, size_t skip, uint64_t *state)
{
  x->count = count;
  if (at_end) skip = 0;
  for (int i = 0; i < 2; ++i) {
    x->p[i] = (float *)(void *)guard_take(&x->guards[i], (count + skip) * sizeof(float), at_end);
    x->p[i] += skip;
  }
  for (size_t i = 0; i < count; ++i) x->p[0][i] = x->p[1][i] = draw(k, state);
}

/* The memory around is as guard_take left it. */
static bool untouched(const array *x, bool at_end)
{
  static const float poison[2] = {NAN, NAN};
  unsigned char near[sizeof poison], all[sizeof poison];
  const size_t page_offset = (size_t)((char *)(void *)x->p[0] - x->guards[0].base);
  memset(all, 0xff, sizeof all);
  if (at_end) {
    if (page_offset < sizeof near) return true;
    memcpy(near, (char *)(void *)x->p[0] - sizeof near, sizeof near);
  } else {
    if (page_offset + x->count * sizeof(float) + sizeof near > x->guards[0].bytes) return true;
    memcpy(near, x->p[0] + x->count, sizeof near);
  }
  return memcmp(near, all, sizeof near) == 0;
}

/* One call in one set of arrays, the plain one in the other; then all arrays agree, those that are
 * only read too. */
static void compare(const svf_ops_kernel *kernel, const ops_form *form, array x[4], size_t n,
                    bool at_end)
{
  form->run(kernel, &(ops_rows){x[0].p[0], x[1].p[0], x[2].p[0], x[3].p[0], n});
  form->run(&svf_ops_ref, &(ops_rows){x[0].p[1], x[1].p[1], x[2].p[1], x[3].p[1], n});
  for (int q = 0; q < 4; ++q) {
    size_t i = 0;
    while (i + 1 < x[q].count && ops_same(x[q].p[0][i], x[q].p[1][i])) ++i;
    const double got = (double)x[q].p[0][i], want = (double)x[q].p[1][i];
    ops_expect(ops_same(x[q].p[0][i], x[q].p[1][i]), kernel, form->name, n, got, want);
    ops_expect(untouched(&x[q], at_end), kernel, "memory around", n, q, q);
  }
}

static void bits(const svf_ops_kernel *kernel)
{
  static const size_t long_ones[] = {1000, 1024, 1040, 4096 + 3};
  enum { SHORT = 70, LONG = sizeof long_ones / sizeof *long_ones };
  array x[4] = {0};
  uint64_t state = 1;
  for (size_t l = 1; l <= SHORT + LONG; ++l) {
    const size_t n = l <= SHORT ? l : long_ones[l - SHORT - 1];
    for (int k = 0; k < KINDS * 2; ++k) {
      for (int f = 0; f < OPS_FORMS; ++f) {
        const bool at_end = k % 2;
        const size_t y = n < OPS_Y_LEAST ? OPS_Y_LEAST : n;
        for (size_t q = 0; q < 4; ++q) {
          const size_t count = q == 0 ? n * ops_forms[f].a_rows : q == 3 ? y : n;
          make(&x[q], count, (kind)(k / 2), at_end, (l * q) % 16, &state);
        }
        compare(kernel, &ops_forms[f], x, n, at_end);
      }
    }
  }
  for (int q = 0; q < 4; ++q) {
    for (int i = 0; i < 2; ++i) guard_free(&x[q].guards[i]);
  }
}

/* The selected ISA's operations, or the nearest below it. */
static void dispatch(void)
{
  for (size_t k = 0; k < svf_isa_count(); ++k) {
    const svf_isa isa = svf_isa_at(k);
    if (!svf_isa_supported(isa) || svf_isa_select(isa) != SVF_OK) continue;
    const svf_ops_kernel *got = svf_dispatch_ops(), *want = &svf_ops_ref;
    for (size_t i = 0; i < svf_ops_count(); ++i) {
      if (svf_isa_within(svf_ops_at(i)->isa, isa)) want = svf_ops_at(i);
    }
    ops_expect(got == want, got, "dispatch of ISA", (size_t)isa, got->isa, want->isa);
  }
  (void)svf_isa_select(SVF_ISA_AUTO);
}

int main(int argc, char **argv)
{
  const bool bench = argc == 2 && strcmp(argv[1], "--bench") == 0;
  size_t executed = 0;
  if (argc > 1 && !bench) {
    fprintf(stderr, "usage: svf-check-ops [--bench]\n");
    return 2;
  }
  for (size_t i = 0; i < svf_ops_count(); ++i) {
    const svf_ops_kernel *kernel = svf_ops_at(i);
    if (kernel->needs & ~svf_cpu_features()) {
      printf("%s not executed: this CPU lacks it\n", svf_isa_name(kernel->isa));
      continue;
    }
    ++executed;
    if (bench) {
      ops_bench(kernel);
      continue;
    }
    bits(kernel);
    ops_accuracy(kernel);
    ops_special(kernel);
    ops_back(kernel);
  }
  if (bench) return 0;
  ops_exp();
  dispatch();
  printf("%zu of %zu sets of row operations executed, %zu cases, %zu failed\n", executed,
         svf_ops_count(), cases, failures);
  return failures == 0 && executed > (svf_ops_count() > 1 ? 1 : 0) ? 0 : 1;
}
