/* SPDX-License-Identifier: Apache-2.0
 *
 * svf-check-quant [--quick]: the kernels that quantise weights, of every ISA that runs here. To the
 * bit against plain C, between guard pages; against double precision, and against the best of all
 * bf16 scales; and what special values become. */
#include "kernels/quant.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <svf/svf.h>

#include "src/core/dispatch.h"
#include "src/core/isa.h"
#include "tests/kernels/guard.h"
#include "tests/kernels/oracle.h"
#include "tests/kernels/rng.h"

enum { LANES = 16, MOST = 256 };

typedef enum form { S8, W8, W4, FORMS } form;

static const char *const form_names[FORMS] = {"s8", "w8", "w4"};

static svf_quantise_fn *form_of(const svf_quant_kernel *kernel, form f)
{
  return f == S8 ? kernel->s8 : f == W8 ? kernel->w8 : kernel->w4;
}

static size_t failures, cases;

static void expect(bool ok, const svf_quant_kernel *kernel, form f, const char *what, size_t count,
                   double got, double want)
{
  ++cases;
  if (ok) return;
  if (++failures <= 20) {
    printf("FAIL %s %s, %s, %zu steps: %.9g, expected %.9g\n", svf_isa_name(kernel->isa),
           form_names[f], what, count, got, want);
  }
}

/* --- Weights ---------------------------------------------------------------------------------- */

typedef enum kind { NORMAL, HEAVY, GRID, EQUAL, SPREAD, SPECIAL, KINDS } kind;

static float normal(uint64_t *state)
{
  float sum = 0;
  for (int i = 0; i < 12; ++i) sum += random_float(state);
  return sum / 2;
}

static float draw(kind k, uint64_t *state)
{
  static const float special[] = {0,       -0.0f,    1e-40f,   -1e-45f,   FLT_MIN, 1e-36f,
                                  FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN,     -1e30f};
  const float x = normal(state);
  switch (k) {
    case NORMAL: return x / 64;
    case HEAVY: return x * x * x;
    case GRID: return (float)((int)random_below(state, 16) - 8) * 0.0078125f; /* exact in int4 */
    case EQUAL: return -0.7f;
    case SPREAD: return ldexpf(x, (int)random_below(state, 200) - 120);
    default:
      return random_below(state, 40) > 0 ? x : special[random_below(state, sizeof special / 4)];
  }
}

static void fill(float *w, size_t count, kind k, uint64_t *state)
{
  for (size_t i = 0; i < count * LANES; ++i) w[i] = draw(k, state);
}

/* --- To the bit ------------------------------------------------------------------------------- */

/* One call between guard pages, one of plain C: all three arrays agree, the weights too. */
static void same_as_plain(const svf_quant_kernel *kernel, form f, const float *w, size_t count,
                          bool at_end)
{
  static guard guards[3];
  float *in = (float *)(void *)guard_take(&guards[0], count * LANES * sizeof *w, at_end);
  float *scale = (float *)(void *)guard_take(&guards[1], LANES * sizeof *w, at_end),
        scale_ref[LANES];
  int8_t *q = (int8_t *)guard_take(&guards[2], count * LANES, at_end), q_ref[MOST * LANES];
  memcpy(in, w, count * LANES * sizeof *w);
  form_of(kernel, f)(in, count, scale, q);
  form_of(&svf_quant_ref, f)(w, count, scale_ref, q_ref);
  expect(memcmp(in, w, count * LANES * sizeof *w) == 0, kernel, f, "weights", count, 0, 0);
  for (size_t j = 0; j < LANES; ++j) {
    expect(memcmp(&scale[j], &scale_ref[j], sizeof *scale) == 0, kernel, f, "scale", count,
           (double)scale[j], (double)scale_ref[j]);
  }
  size_t i = 0;
  while (i + 1 < count * LANES && q[i] == q_ref[i]) ++i;
  expect(q[i] == q_ref[i], kernel, f, "integer", count, q[i], q_ref[i]);
  const unsigned char *after = (const unsigned char *)q + count * LANES;
  if (!at_end && (count * LANES) % 4096 != 0) { /* the guard's poison begins there */
    expect(*after == 0xff, kernel, f, "memory after the integers", count, *after, 0xff);
  }
}

static void bits(const svf_quant_kernel *kernel, size_t apart)
{
  float w[MOST * LANES];
  uint64_t state = 1;
  for (size_t count = 1; count <= MOST; count += apart) {
    for (int k = 0; k < KINDS * 2; ++k) {
      fill(w, count, (kind)(k / 2), &state);
      for (int f = 0; f < FORMS; ++f) same_as_plain(kernel, (form)f, w, count, k % 2);
    }
  }
}

/* --- Against double precision ----------------------------------------------------------------- */

/* The squared error of a channel for these integers, or with q = NULL for the best ones of w4. */
static double error_of(const float *w, size_t count, double scale, const int8_t *q)
{
  double error = 0;
  for (size_t k = 0; k < count; ++k) {
    const double x = (double)w[k * LANES];
    const double v = q ? q[k * LANES] : fmin(fmax(nearbyint(x / scale), -8), 7);
    error += (x - v * scale) * (x - v * scale);
  }
  return error;
}

static double extreme(const float *w, size_t count)
{
  double most = 0;
  for (size_t k = 0; k < count; ++k) {
    if (fabs((double)w[k * LANES]) > fabs(most)) most = (double)w[k * LANES];
  }
  return most;
}

static double as_bf16(double x) { return (double)bf16_widen(bf16_round((float)x)); }

/* The least error of the documented search, in doubles. */
static double search(const float *w, size_t count)
{
  double least = HUGE_VAL;
  for (int i = 0; i < 12; ++i) {
    double scale = as_bf16(extreme(w, count) / -8 / (0.88 + 0.06 * i));
    for (int again = 0; again < 2; ++again) {
      double along = 0, power = 0;
      least = fmin(least, error_of(w, count, scale, NULL));
      for (size_t k = 0; k < count; ++k) {
        const double q = fmin(fmax(nearbyint((double)w[k * LANES] / scale), -8), 7);
        along += (double)w[k * LANES] * q;
        power += q * q;
      }
      if (power > 0) scale = as_bf16(along / power);
    }
  }
  return least;
}

/* The least error of all bf16 scales that could be. */
static double optimum(const float *w, size_t count)
{
  const double most = extreme(w, count);
  double least = HUGE_VAL;
  float scale = bf16_widen(bf16_round((float)(fabs(most) / 16)));
  while ((double)scale < fabs(most) / 4) {
    for (int sign = -1; sign <= 1; sign += 2) {
      least = fmin(least, error_of(w, count, sign * (double)scale, NULL));
    }
    scale = bf16_widen((uint16_t)(bf16_round(scale) + 1));
  }
  return least;
}

static void int8_is_nearest(const svf_quant_kernel *kernel, form f, const float *w, size_t count)
{
  float scale[LANES];
  int8_t q[MOST * LANES];
  form_of(kernel, f)(w, count, scale, q);
  for (size_t j = 0; j < LANES; ++j) {
    const float exact = (float)(fabs(extreme(w + j, count)) / 127);
    const double want = f == W8 ? as_bf16((double)exact) : (double)exact;
    expect((double)scale[j] == want, kernel, f, "scale", count, (double)scale[j], want);
    for (size_t k = 0; k < count; ++k) {
      const double x = fmin(fmax((double)w[k * LANES + j] / want, -127), 127);
      expect(fabs(x - q[k * LANES + j]) <= 0.5 + 1e-4, kernel, f, "nearest integer", count,
             q[k * LANES + j], x);
    }
  }
}

/* What w4 loses in all channels, what the search in doubles does, and what nothing can avoid. */
typedef struct loss {
  double got, search, optimum;
} loss;

static void int4_loss(const svf_quant_kernel *kernel, const float *w, size_t count, loss *sum)
{
  float scale[LANES];
  int8_t q[MOST * LANES];
  kernel->w4(w, count, scale, q);
  for (size_t j = 0; j < LANES; ++j) {
    const double got = error_of(w + j, count, (double)scale[j], q + j);
    const double wanted = search(w + j, count), power = error_of(w + j, count, 0, q + j);
    expect(got <= wanted * 1.001 + 1e-9 * power, kernel, W4, "squared error", count, got, wanted);
    sum->got += got / power;
    sum->search += wanted / power;
    sum->optimum += optimum(w + j, count) / power;
  }
}

static void accuracy(const svf_quant_kernel *kernel, int draws)
{
  static const size_t lengths[] = {32, 64, 128, 256, 3, 37};
  float w[MOST * LANES];
  uint64_t state = 2;
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; ++l) {
    for (int k = NORMAL; k <= EQUAL; ++k) {
      loss sum = {0, 0, 0};
      for (int i = 0; i < draws; ++i) {
        fill(w, lengths[l], (kind)k, &state);
        int8_is_nearest(kernel, S8, w, lengths[l]);
        int8_is_nearest(kernel, W8, w, lengths[l]);
        int4_loss(kernel, w, lengths[l], &sum);
      }
      expect(sum.got <= sum.search * 1.0001 + 1e-9, kernel, W4, "loss of the search", lengths[l],
             sum.got, sum.search);
      if (k <= HEAVY && lengths[l] >= 32) {
        expect(sum.got <= sum.optimum * 1.01, kernel, W4, "loss, 1 % above the least", lengths[l],
               sum.got, sum.optimum);
      }
      expect(sum.got >= sum.optimum * (1 - 1e-9) - 1e-9, kernel, W4, "the optimum is one",
             lengths[l], sum.got, sum.optimum);
    }
  }
}

/* --- Special values --------------------------------------------------------------------------- */

typedef struct result {
  float scale[LANES];
  int8_t q[MOST * LANES];
} result;

/* Lane j has this scale, to the bit, and integers that are all 0. */
static void expect_nothing(const svf_quant_kernel *kernel, form f, const result *r, size_t count,
                           size_t j, uint32_t scale)
{
  uint32_t got;
  memcpy(&got, &r->scale[j], sizeof got);
  expect(got == scale, kernel, f, "bits of a special scale", count, got, scale);
  for (size_t k = 0; k < count; ++k) {
    expect(r->q[k * LANES + j] == 0, kernel, f, "integer beside it", count, r->q[k * LANES + j], 0);
  }
}

/* All lanes but j are alike. */
static void expect_others(const svf_quant_kernel *kernel, form f, const result *r,
                          const result *plain, size_t count, size_t j)
{
  for (size_t i = 0; i < LANES; ++i) {
    if (i == j) continue;
    expect(r->scale[i] == plain->scale[i], kernel, f, "scale of another channel", count,
           (double)r->scale[i], (double)plain->scale[i]);
    for (size_t at = i; at < count * LANES; at += LANES) {
      expect(r->q[at] == plain->q[at], kernel, f, "integer of another channel", count, r->q[at],
             plain->q[at]);
    }
  }
}

/* Weights that are not finite, at the first, a middle and the last step of a channel. */
static void not_finite(const svf_quant_kernel *kernel, form f, size_t count)
{
  static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
  float w[MOST * LANES];
  uint64_t state = 3;
  result plain, r;
  fill(w, count, NORMAL, &state);
  form_of(kernel, f)(w, count, plain.scale, plain.q);
  for (size_t i = 0; i < LANES * 3 * 4; ++i) {
    const size_t j = i % LANES, at = i / LANES % 3 * (count - 1) / 2 * LANES + j;
    const float old = w[at];
    w[at] = bad[i / LANES / 3];
    form_of(kernel, f)(w, count, r.scale, r.q);
    expect_nothing(kernel, f, &r, count, j, 0x7fc00000);
    expect_others(kernel, f, &r, &plain, count, j);
    w[at] = old;
  }
}

/* Channels whose scale would be a denormal: 0, a denormal, and just below the limit; and at it. */
static void tiny(const svf_quant_kernel *kernel, form f, size_t count)
{
  const float limit = 254 * FLT_MIN;
  const float most[LANES] = {0, -0.0f, 1e-45f, -1e-40f, FLT_MIN, -nextafterf(limit, 0)};
  float w[MOST * LANES];
  result r;
  for (size_t k = 0; k < count; ++k) {
    for (size_t j = 0; j < LANES; ++j) {
      w[k * LANES + j] = k == count / 2 ? j < 6 ? most[j] : j % 2 ? -limit : limit : 0;
    }
  }
  form_of(kernel, f)(w, count, r.scale, r.q);
  for (size_t j = 0; j < 6; ++j) expect_nothing(kernel, f, &r, count, j, 0);
  for (size_t j = 6; j < LANES; ++j) {
    const int q = r.q[count / 2 * LANES + j];
    expect(q != 0 && fabsf(r.scale[j]) >= FLT_MIN, kernel, f, "at the limit", count,
           (double)r.scale[j], (double)limit);
  }
}

/* Weights times a power of two have scales times that, and the same integers: nothing overflows or
 * becomes too small on the way, from the least weights that count to the largest ones. */
static void powers_of_two(const svf_quant_kernel *kernel, form f, size_t count)
{
  float w[MOST * LANES], scaled[MOST * LANES];
  uint64_t state = 4;
  result plain, r;
  for (size_t i = 0; i < count * LANES; ++i) w[i] = 0.9f * random_float(&state);
  for (size_t j = 0; j < LANES; ++j) w[j] = 1; /* the largest */
  form_of(kernel, f)(w, count, plain.scale, plain.q);
  for (int e = -118; e <= 127; ++e) {
    for (size_t i = 0; i < count * LANES; ++i) scaled[i] = ldexpf(w[i], e);
    form_of(kernel, f)(scaled, count, r.scale, r.q);
    expect(memcmp(r.q, plain.q, count * LANES) == 0, kernel, f, "integers, times 2^e", count, e, e);
    for (size_t j = 0; j < LANES; ++j) {
      const double want = ldexp((double)plain.scale[j], e);
      expect((double)r.scale[j] == want, kernel, f, "scale, times 2^e", count, (double)r.scale[j],
             want);
    }
  }
}

static void special(const svf_quant_kernel *kernel)
{
  static const size_t lengths[] = {1, 2, 32, 37, 256};
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; ++l) {
    for (int f = 0; f < FORMS; ++f) {
      not_finite(kernel, (form)f, lengths[l]);
      tiny(kernel, (form)f, lengths[l]);
      powers_of_two(kernel, (form)f, lengths[l]);
    }
  }
}

/* --- Program ---------------------------------------------------------------------------------- */

/* The selected ISA's kernels, or the nearest below it. */
static void dispatch(void)
{
  for (size_t k = 0; k < svf_isa_count(); ++k) {
    const svf_isa isa = svf_isa_at(k);
    if (!svf_isa_supported(isa) || svf_isa_select(isa) != SVF_OK) continue;
    const svf_quant_kernel *got = svf_dispatch_quant(), *want = &svf_quant_ref;
    for (size_t i = 0; i < svf_quant_count(); ++i) {
      if (svf_isa_within(svf_quant_at(i)->isa, isa)) want = svf_quant_at(i);
    }
    expect(got == want, got, S8, "dispatch", 0, got->isa, want->isa);
  }
  (void)svf_isa_select(SVF_ISA_AUTO);
}

int main(int argc, char **argv)
{
  const bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
  size_t executed = 0;
  if (argc > 1 && !quick) {
    fprintf(stderr, "usage: svf-check-quant [--quick]\n");
    return 2;
  }
  for (size_t i = 0; i < svf_quant_count(); ++i) {
    const svf_quant_kernel *kernel = svf_quant_at(i);
    if (kernel->needs & ~svf_cpu_features()) {
      printf("%s not executed: this CPU lacks it\n", svf_isa_name(kernel->isa));
      continue;
    }
    ++executed;
    bits(kernel, quick ? 15 : 1); /* 1, 16, 31 ... 256 */
    accuracy(kernel, quick ? 2 : 20);
    special(kernel);
  }
  dispatch();
  printf("%zu of %zu sets of quantising kernels executed, %zu cases, %zu failed\n", executed,
         svf_quant_count(), cases, failures);
  return failures == 0 && executed > (svf_quant_count() > 1 ? 1 : 0) ? 0 : 1;
}
