/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/verify_gates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double verify_stds[DELTAS] = {0.005, 0.02, 0.1};

const char *spectrum_name(spectrum s)
{
  static const char *const names[SPECTRA] = {"flat", "power-law", "outlier"};
  return s < SPECTRA ? names[s] : "?";
}

/* What a format may add to the error of fp32 sums, and the relative error of a delta at each of
 * verify_stds: by spectrum about 1.6 times the worst of six seeds, all shapes and instruction sets.
 * Where these come from, with orders of magnitude:
 *
 * bf16 rounds to 2^-9 relative at most, uniformly: a variance of 2^-18 / 3 / 2 per operand at
 * worst, half of it on average. Plain bf16 rounds T, X, U, V, 1e-6 each and more where few values
 * carry Y; a delta is off by what T loses, 2^-9 of T, where std of it is what changed. Split T
 * loses 2^-18.
 *
 * Integers lose a variance of (a/L)^2 / 12, a the largest of a block, L its integer. X is Gaussian:
 * a is 3 times its root mean square, 9 / (12 * 127^2) = 5e-5 in s8. T has the spectrum besides: up
 * to 10 times, 5e-4; with L = 16256 3e-8. Weights: a is 2.2 times the root mean square of 32
 * Gaussian ones, 5 / (12 * 127^2) = 3e-5 for each factor in w8, 5 / (12 * 8^2) = 7e-3 in w4; w84
 * has the w8 figure for what its head carries of Y. */

/* By what is kept of X and T. A format with digits of its own needs a row. */
static const struct arithmetic {
  bool integer;
  int x_precision, t_precision;
  struct {
    double nmse, delta[DELTAS];
  } limit[SPECTRA];
} arithmetics[] = {
    {false,
     24,
     24,
     {{0, {1.5e-4, 3.7e-5, 7.3e-6}}, {0, {2.3e-4, 5.8e-5, 1.2e-5}}, {0, {6.6e-4, 1.6e-4, 3.1e-5}}}},
    {false,
     8,
     8,
     {{5e-6, {0.89, 0.22, 0.045}}, {8.5e-6, {1.2, 0.28, 0.059}}, {8.7e-6, {2.6, 0.78, 0.17}}}},
    {false,
     8,
     16,
     {{1.3e-11, {1.4e-3, 3.2e-4, 6.8e-5}},
      {2.2e-11, {1.8e-3, 4.2e-4, 8.1e-5}},
      {2.9e-11, {5.8e-3, 1.4e-3, 3.4e-4}}}},
    {true, 8, 8, {{1.7e-4, {2.9, 0.81, 0.17}}, {1.3e-3, {4.4, 2, 0.55}}, {7.4e-4, {3.8, 2, 0.65}}}},
    {true,
     8,
     15,
     {{7.7e-5, {0.028, 0.013, 0.012}},
      {1.2e-4, {0.099, 0.027, 0.015}},
      {1.6e-4, {0.23, 0.075, 0.025}}}},
    {true,
     15,
     15,
     {{9.6e-9, {0.026, 6.5e-3, 1.4e-3}},
      {7.7e-8, {0.097, 0.025, 4.8e-3}},
      {1.1e-7, {0.22, 0.076, 0.017}}}},
};

static const struct arithmetic *arithmetic_of(const svf_format_traits *t)
{
  for (size_t i = 0; i < sizeof arithmetics / sizeof *arithmetics; ++i) {
    const struct arithmetic *a = &arithmetics[i];
    if (a->integer == t->integer && a->x_precision == t->x_precision &&
        a->t_precision == t->t_precision) {
      return a;
    }
  }
  return NULL;
}

/* What is lost by storing the factors: by the digits of floating-point numbers, X included; by the
 * bits of integers, and by whether 256 or 32 share a scale. */
static double storing_limit(const svf_format_traits *t, spectrum s)
{
  static const double bf16[SPECTRA] = {1.5e-5, 2.4e-5, 2.6e-5};
  static const double int8_of_256[SPECTRA] = {1.5e-4, 2e-4, 3.5e-4};
  static const double int8_of_32[SPECTRA] = {9.6e-5, 1.2e-4, 1.4e-4};
  static const double int4_of_32[SPECTRA] = {0.023, 0.027, 0.034};
  if (!t->integer) return ldexp(bf16[s], 2 * (8 - t->weight_precision));
  if (t->weight_bits == 4) return int4_of_32[s];
  return t->groups[0] == 32 ? int8_of_32[s] : int8_of_256[s];
}

/* --- Data ------------------------------------------------------------------------------------- */

static double next_uniform(uint64_t *state)
{
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(*state >> 11) / 9007199254740992.0;
}

/* Sum of twelve uniforms: close enough to Gaussian for a test matrix. */
static double next_normal(uint64_t *state)
{
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += next_uniform(state);
  return sum;
}

static double dot(const double *a, const double *b, size_t n)
{
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/* `count` orthonormal rows of length n, by Gram-Schmidt done twice, rounded to fp32. */
static void orthonormal_rows(float *out, double *work, size_t count, size_t n, uint64_t *state)
{
  for (size_t k = 0; k < count; ++k) {
    double *row = work + k * n;
    for (size_t j = 0; j < n; ++j) row[j] = next_normal(state);
    for (size_t i = 0; i < 2 * k; ++i) {
      const double *other = work + i % k * n;
      const double along = dot(row, other, n);
      for (size_t j = 0; j < n; ++j) row[j] -= along * other[j];
    }
    const double norm = sqrt(dot(row, row, n));
    for (size_t j = 0; j < n; ++j) {
      row[j] /= norm;
      out[k * n + j] = (float)row[j];
    }
  }
}

static double sigma_of(spectrum s, size_t k)
{
  switch (s) {
    case SPECTRUM_POWER_LAW: return pow((double)(k + 1), -0.7);
    case SPECTRUM_OUTLIER: return k < 3 ? 50.0 : 1.0 / sqrt((double)(k + 1));
    default: return 1.0;
  }
}

/* One allocation holds everything. */
typedef struct data {
  float *u, *vt, *x;    /* original */
  float *su, *svt, *sx; /* as the format stores them */
  float *sigma, *gains, *twice, *y, *y_base;
  double *work, *ref, *ref_base;
  const float **rows;
  char *block, *workspace;
  size_t block_bytes, workspace_bytes;
} data;

static void *section(char *p, size_t *at, size_t bytes)
{
  void *here = p ? p + *at : NULL;
  *at += (bytes + 63) / 64 * 64;
  return here;
}

static svf_format_traits traits_of(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  svf_format_get_traits(format, &t);
  return t;
}

/* The first 256 singular vectors in more bits, where the format has bands and the layer enough. */
static svf_quant quant_of(const verify_case *c)
{
  return (svf_quant){.head = traits_of(c->format).bands && c->r >= 256 ? 256 : 0};
}

static size_t lay_out(data *d, char *p, const verify_case *c)
{
  const size_t widest = c->m > c->n ? c->m : c->n, y = c->rows * c->m;
  size_t at = 0;
  d->u = section(p, &at, c->m * c->r * sizeof(float));
  d->vt = section(p, &at, c->r * widest * sizeof(float));
  d->sigma = section(p, &at, c->r * sizeof(float));
  d->gains = section(p, &at, c->r * sizeof(float));
  d->twice = section(p, &at, c->r * sizeof(float));
  d->x = section(p, &at, c->rows * c->n * sizeof(float));
  d->su = section(p, &at, c->m * c->r * sizeof(float));
  d->svt = section(p, &at, c->r * c->n * sizeof(float));
  d->sx = section(p, &at, c->rows * c->n * sizeof(float));
  d->y = section(p, &at, y * sizeof(float));
  d->y_base = section(p, &at, y * sizeof(float));
  d->work = section(p, &at, c->r * widest * sizeof(double));
  d->ref = section(p, &at, y * sizeof(double));
  d->ref_base = section(p, &at, y * sizeof(double));
  d->rows = section(p, &at, c->rows * sizeof(float *));
  d->block = section(p, &at, d->block_bytes);
  d->workspace = section(p, &at, d->workspace_bytes);
  return at;
}

/* What the format makes of X before it multiplies; integers count as error. */
static void store(float *to, const float *from, size_t count, svf_format format)
{
  const svf_format_traits t = traits_of(format);
  const bool bf16 = !t.integer && t.x_precision == 8;
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &from[i], sizeof bits);
    if (bf16) bits = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
    memcpy(&to[i], &bits, sizeof bits);
  }
}

/* Orthonormal factors take longer than all the rest, and every format and instruction set has the
 * same: those of a few shapes are kept while the process lives. */
typedef struct factors {
  size_t m, n, r;
  uint64_t seed, state; /* of the random numbers, before and after */
  float *u, *vt;
} factors;

static bool make_factors(factors *f)
{
  const size_t widest = f->m > f->n ? f->m : f->n;
  double *work = malloc(f->r * widest * sizeof *work);
  f->u = malloc(f->m * f->r * sizeof *f->u);
  f->vt = malloc(f->r * widest * sizeof *f->vt);
  const bool ok = work && f->u && f->vt;
  if (ok) {
    f->state = f->seed;
    /* U has orthonormal columns: rows of its transpose. */
    orthonormal_rows(f->vt, work, f->r, f->m, &f->state);
    for (size_t i = 0; i < f->m; ++i) {
      for (size_t k = 0; k < f->r; ++k) f->u[i * f->r + k] = f->vt[k * f->m + i];
    }
    orthonormal_rows(f->vt, work, f->r, f->n, &f->state);
  } else {
    free(f->u);
    free(f->vt);
  }
  free(work);
  return ok;
}

static const factors *factors_of(const verify_case *c)
{
  enum { KEPT = 8 };
  static factors kept[KEPT];
  static size_t count;
  for (size_t i = 0; i < count; ++i) {
    const factors *f = &kept[i];
    if (f->m == c->m && f->n == c->n && f->r == c->r && f->seed == c->seed) return f;
  }
  if (count == KEPT) return NULL;
  factors *f = &kept[count];
  *f = (factors){.m = c->m, .n = c->n, .r = c->r, .seed = c->seed};
  if (!make_factors(f)) return NULL;
  ++count;
  return f;
}

static svf_status fill(data *d, const verify_case *c)
{
  const factors *f = factors_of(c);
  if (!f) return SVF_ERR_MEMORY;
  uint64_t state = f->state;
  memcpy(d->u, f->u, c->m * c->r * sizeof *d->u);
  memcpy(d->vt, f->vt, c->r * c->n * sizeof *d->vt);
  for (size_t k = 0; k < c->r; ++k) d->sigma[k] = (float)sigma_of(c->spectrum, k);
  for (size_t i = 0; i < c->rows * c->n; ++i) d->x[i] = (float)next_normal(&state);
  store(d->sx, d->x, c->rows * c->n, c->format);
  const svf_linear_source source = {.size = sizeof source,
                                    .m = c->m,
                                    .n = c->n,
                                    .r = c->r,
                                    .format = c->format,
                                    .u = d->u,
                                    .u_stride = c->r,
                                    .vt = d->vt,
                                    .vt_stride = c->n,
                                    .sigma = d->sigma,
                                    .quant = quant_of(c)};
  const svf_status status = svf_linear_pack(&source, d->block, d->block_bytes);
  if (status != SVF_OK) return status;
  return svf_linear_unpack(d->block, d->block_bytes, d->su, c->r, d->svt, c->n);
}

/* Gains c * sigma * z with c = sum(sigma) / sum(sigma * z), z = scale * (1 + std * noise). */
static void make_gains(const data *d, const verify_case *c, double std, float scale, float *gains)
{
  uint64_t state = c->seed + 77;
  float all = 0, scaled = 0;
  for (size_t k = 0; k < c->r; ++k) {
    gains[k] = scale * (float)(1 + std * next_normal(&state));
    all += d->sigma[k];
    scaled += d->sigma[k] * gains[k];
  }
  for (size_t k = 0; k < c->r; ++k) gains[k] = all / scaled * (d->sigma[k] * gains[k]);
}

/* --- Measuring
 * ------------------------------------------------------------------------------------ */

static svf_status multiply(const data *d, const verify_case *c, const float *gains, size_t row,
                           size_t rows, float *y)
{
  for (size_t i = 0; i < rows; ++i) d->rows[i] = gains;
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = d->block,
                             .rows = rows,
                             .x = d->x + row * c->n,
                             .x_stride = (ptrdiff_t)c->n,
                             .gains = d->rows,
                             .y = y,
                             .y_stride = (ptrdiff_t)c->m,
                             .isa = c->isa};
  return svf_matmul(&a, 1, d->workspace, d->workspace_bytes);
}

static void multiply_double(const data *d, const verify_case *c, const float *gains, bool stored,
                            double *y)
{
  const float *x = stored ? d->sx : d->x, *vt = stored ? d->svt : d->vt;
  const float *u = stored ? d->su : d->u;
  double *t = d->work;
  for (size_t i = 0; i < c->rows; ++i) {
    for (size_t k = 0; k < c->r; ++k) {
      double sum = 0;
      for (size_t j = 0; j < c->n; ++j) {
        sum += (double)x[i * c->n + j] * (double)vt[k * c->n + j];
      }
      t[k] = sum * (double)gains[k];
    }
    for (size_t o = 0; o < c->m; ++o) {
      double sum = 0;
      for (size_t k = 0; k < c->r; ++k) sum += t[k] * (double)u[o * c->r + k];
      y[i * c->m + o] = sum;
    }
  }
}

static double nmse_of(const float *y, const double *ref, size_t count)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    error += ((double)y[i] - ref[i]) * ((double)y[i] - ref[i]);
    power += ref[i] * ref[i];
  }
  return error / power;
}

static uint64_t digest_of(const float *y, size_t count)
{
  uint64_t sum = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &y[i], sizeof bits);
    sum = (sum ^ bits) * UINT64_C(0x100000001b3);
  }
  return sum;
}

static svf_status measure_deltas(const data *d, const verify_case *c, const struct arithmetic *a,
                                 verify_result *result)
{
  const size_t count = c->rows * c->m;
  for (int i = 0; i < DELTAS; ++i) {
    make_gains(d, c, verify_stds[i], 1, d->gains);
    const svf_status status = multiply(d, c, d->gains, 0, c->rows, d->y);
    if (status != SVF_OK) return status;
    multiply_double(d, c, d->gains, true, d->ref);
    double error = 0, power = 0;
    for (size_t k = 0; k < count; ++k) {
      const double want = d->ref[k] - d->ref_base[k];
      const double got = (double)d->y[k] - (double)d->y_base[k];
      error += (got - want) * (got - want);
      power += want * want;
    }
    result->delta[i] = sqrt(error / power);
    result->delta_limit[i] = a->limit[c->spectrum].delta[i];
  }
  return SVF_OK;
}

static svf_status measure_identities(const data *d, const verify_case *c, verify_result *result)
{
  const size_t count = c->rows * c->m;
  svf_status status = multiply(d, c, d->sigma, 0, c->rows, d->y);
  result->base_identity = memcmp(d->y, d->y_base, count * sizeof(float)) == 0;
  result->batch_identity = true;
  for (size_t row = 0; row < c->rows && status == SVF_OK; ++row) {
    status = multiply(d, c, NULL, row, 1, d->y);
    if (memcmp(d->y, d->y_base + row * c->m, c->m * sizeof(float)) != 0) {
      result->batch_identity = false;
    }
  }
  make_gains(d, c, 0.1, 1, d->gains);
  make_gains(d, c, 0.1, 2, d->twice);
  if (status == SVF_OK) status = multiply(d, c, d->gains, 0, c->rows, d->y);
  const uint64_t once = digest_of(d->y, count);
  if (status == SVF_OK) status = multiply(d, c, d->twice, 0, c->rows, d->y);
  result->scale_identity = digest_of(d->y, count) == once;
  result->digest = once;
  return status;
}

static svf_status measure(const data *d, const verify_case *c, verify_result *result)
{
  const svf_format_traits t = traits_of(c->format);
  const struct arithmetic *a = arithmetic_of(&t);
  if (!a) {
    fprintf(stderr, "svf-verify: no limits are known for the arithmetic of %s\n", t.name);
    return SVF_ERR_UNSUPPORTED;
  }
  svf_status status = multiply(d, c, NULL, 0, c->rows, d->y_base);
  if (status != SVF_OK) return status;
  const size_t count = c->rows * c->m;
  multiply_double(d, c, d->sigma, false, d->ref_base);
  result->format = nmse_of(d->y_base, d->ref_base, count);
  multiply_double(d, c, d->sigma, true, d->ref_base);
  result->nmse = nmse_of(d->y_base, d->ref_base, count);
  const double sums = (double)(c->n + c->r) * ldexp(1, -48);
  result->nmse_limit = sums + a->limit[c->spectrum].nmse;
  result->format_limit = result->nmse_limit + storing_limit(&t, c->spectrum);
  status = measure_deltas(d, c, a, result);
  return status == SVF_OK ? measure_identities(d, c, result) : status;
}

svf_status verify_measure(const verify_case *c, verify_result *result)
{
  data d;
  const svf_linear_source shape = {.size = sizeof shape,
                                   .m = c->m,
                                   .n = c->n,
                                   .r = c->r,
                                   .format = c->format,
                                   .quant = quant_of(c)};
  svf_status status = svf_linear_bytes(&shape, &d.block_bytes);
  if (status != SVF_OK) return status;
  d.workspace_bytes = 1 << 22; /* more than these small shapes need; svf_matmul checks */
  char *memory = aligned_alloc(64, lay_out(&d, NULL, c));
  if (!memory) return SVF_ERR_MEMORY;
  lay_out(&d, memory, c);
  status = fill(&d, c);
  if (status == SVF_OK) status = measure(&d, c, result);
  free(memory);
  return status;
}

bool verify_passes(const verify_result *r)
{
  bool ok = r->nmse <= r->nmse_limit && r->format <= r->format_limit && r->base_identity &&
            r->batch_identity && r->scale_identity;
  for (int i = 0; i < DELTAS; ++i) ok = ok && r->delta[i] <= r->delta_limit[i];
  return ok;
}
