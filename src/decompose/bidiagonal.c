/* SPDX-License-Identifier: Apache-2.0 */
#include "src/decompose/bidiagonal.h"

#include <cblas.h>
#include <float.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/decompose/secular.h"

/* The SVD of an upper bidiagonal matrix [n][n + sqre]; U and VT are the identity before. Singular
 * values are in no order. LAPACKE lacks it. */
#define slasd0 LAPACK_GLOBAL(slasd0, SLASD0)
void slasd0(const lapack_int *n, const lapack_int *sqre, float *d, float *e, float *u,
            const lapack_int *ldu, float *vt, const lapack_int *ldvt, const lapack_int *leaf,
            lapack_int *integers, float *work, lapack_int *info);

enum {
  WHOLE = 64,       /* smaller ones are not divided here */
  LEAF = 25,        /* nor, smaller than this, by slasd0 */
  COMPONENTS = 256, /* of all vectors at a time */
  ROOTS = 64        /* vectors of M at a time */
};

typedef struct bidiagonal {
  size_t n;
  float *d, *e, *u, *vt;
  size_t ldu, ldvt;
} bidiagonal;

static svf_vectors left_of(const bidiagonal *b) { return (svf_vectors){b->u, b->ldu, 1}; }
static svf_vectors right_of(const bidiagonal *b) { return (svf_vectors){b->vt, 1, b->ldvt}; }

/* --- Before and after
 * ------------------------------------------------------------------------------
 */

static void set_identity(svf_vectors v, size_t n)
{
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) v.at[i * v.vector + j * v.component] = i == j ? 1.0f : 0.0f;
  }
}

/* Lower becomes upper by rotations of rows, whose cosines and sines come after each other; in
 * double precision, as what a matrix of low rank leaves may be as small as fp32 has it. */
static void make_upper(const bidiagonal *b, float *rotations)
{
  for (size_t i = 0; i + 1 < b->n; ++i) {
    const double x = (double)b->d[i], y = (double)b->e[i], length = sqrt(x * x + y * y);
    const float c = length > 0 ? (float)(x / length) : 1, s = length > 0 ? (float)(y / length) : 0;
    b->d[i] = (float)length;
    b->e[i] = s * b->d[i + 1];
    b->d[i + 1] *= c;
    rotations[2 * i] = c;
    rotations[2 * i + 1] = s;
  }
}

static void undo_rotations(const bidiagonal *b, const float *rotations)
{
  for (size_t column = 0; column < b->n; ++column) {
    float *u = b->u + column * b->ldu;
    for (size_t i = b->n - 1; i-- > 0;) {
      const float c = rotations[2 * i], s = rotations[2 * i + 1], x = u[i], y = u[i + 1];
      u[i] = c * x - s * y;
      u[i + 1] = s * x + c * y;
    }
  }
}

/* The largest element becomes 1, and none of the diagonal 0: the secular equation is about ratios.
 * Returns what it was. */
static float normalise(const bidiagonal *b)
{
  const float least = FLT_EPSILON / 2;
  float largest = 0;
  for (size_t i = 0; i < b->n; ++i) {
    largest = fmaxf(largest, fabsf(b->d[i]));
    if (i + 1 < b->n) largest = fmaxf(largest, fabsf(b->e[i]));
  }
  for (size_t i = 0; largest > 0 && i < b->n; ++i) {
    b->d[i] /= largest;
    if (i + 1 < b->n) b->e[i] /= largest;
    if (fabsf(b->d[i]) < least) b->d[i] = copysignf(least, b->d[i]);
  }
  return largest;
}

/* --- Halves
 * ----------------------------------------------------------------------------------------
 */

/* Rows at..at+n, which have `more` columns (0 or 1) than rows. */
static svf_status solve_part(const bidiagonal *b, size_t at, size_t n, size_t more)
{
  const size_t m = n + more;
  const lapack_int rows = (lapack_int)n, sqre = (lapack_int)more, leaf = LEAF;
  const lapack_int ldu = (lapack_int)b->ldu, ldvt = (lapack_int)b->ldvt;
  lapack_int info = 0, *integers = malloc(8 * m * sizeof *integers);
  float *work = malloc((3 * m * m + 2 * m) * sizeof *work);
  svf_status status = SVF_OK;
  if (!integers || !work) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for a bidiagonal matrix of %zu rows", n);
  } else {
    slasd0(&rows, &sqre, b->d + at, b->e + at, b->u + at * (b->ldu + 1), &ldu,
           b->vt + at * (b->ldvt + 1), &ldvt, &leaf, integers, work, &info);
    if (info != 0) status = svf_fail(SVF_ERR_NUMERIC, "slasd0 did not converge (%d)", (int)info);
  }
  free(work);
  free(integers);
  return status;
}

/* The rows of B are those of the first half, with one column more; row `at`, alpha and beta; and
 * those of the second half. Row `at` times the right vectors is M's first row. */
static void collect(const bidiagonal *b, size_t at, float alpha, float beta,
                    svf_secular_part *parts)
{
  parts[0] = (svf_secular_part){0, alpha * b->vt[at + at * b->ldvt], at};
  for (size_t i = 0; i < at; ++i) {
    parts[i + 1] = (svf_secular_part){b->d[i], alpha * b->vt[i + at * b->ldvt], i};
  }
  for (size_t i = at + 1; i < b->n; ++i) {
    parts[i] = (svf_secular_part){b->d[i], beta * b->vt[i + (at + 1) * b->ldvt], i};
  }
}

static svf_status join(const bidiagonal *b, size_t at, float alpha, float beta, svf_secular *s)
{
  svf_secular_part *parts = malloc(b->n * sizeof *parts);
  if (!parts) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu singular values", b->n);
  float largest = fmaxf(fabsf(alpha), fabsf(beta));
  collect(b, at, alpha, beta, parts);
  for (size_t i = 0; i < b->n; ++i) largest = fmaxf(largest, parts[i].d);
  const svf_status status =
      svf_secular_solve(s, parts, 8 * (FLT_EPSILON / 2) * largest, left_of(b), right_of(b));
  free(parts);
  return status;
}

/* A small matrix is one whole: it has its singular values and vectors as they are. */
static svf_status solve_small(const bidiagonal *b, svf_secular *s)
{
  const svf_status status = solve_part(b, 0, b->n, 0);
  for (size_t i = 0; i < b->n; ++i) {
    s->sigma[i] = b->d[i];
    s->vector[i] = i;
  }
  return status;
}

static svf_status solve(const bidiagonal *b, svf_secular *s)
{
  if (b->n < WHOLE) return solve_small(b, s);
  const size_t at = b->n / 2;
  const float alpha = b->d[at], beta = b->e[at];
  svf_status status = solve_part(b, 0, at, 1);
  if (status == SVF_OK) status = solve_part(b, at + 1, b->n - at - 1, 0);
  return status == SVF_OK ? join(b, at, alpha, beta, s) : status;
}

/* --- Vectors of the whole ------------------------------------------------------------------------
 */

typedef struct room {
  float *halves; /* [n][COMPONENTS]: vectors of the halves, in the order of parts */
  float *mix;    /* [ROOTS][k]: vectors of M */
  float *whole;  /* [ROOTS][COMPONENTS] */
} room;

static void copy_out(svf_vectors v, size_t which, size_t first, size_t count, float *row)
{
  const float *from = v.at + which * v.vector + first * v.component;
  for (size_t c = 0; c < count; ++c) row[c] = from[c * v.component];
}

static void copy_in(const float *row, svf_vectors v, size_t which, size_t first, size_t count)
{
  float *to = v.at + which * v.vector + first * v.component;
  for (size_t c = 0; c < count; ++c) to[c * v.component] = row[c];
}

/* These components of all vectors, in place. */
static svf_status combine_block(const svf_secular *s, const size_t *place, svf_vectors v, bool left,
                                size_t first, size_t count, const room *r)
{
  const size_t k = s->k;
  for (size_t i = 0; i < s->n; ++i) {
    copy_out(v, s->vector[i], first, count, r->halves + i * count);
  }
  for (size_t i = k; i < s->n; ++i) copy_in(r->halves + i * count, v, place[i], first, count);
  for (size_t i = 0, roots; i < k; i += roots) {
    roots = svf_size_min(ROOTS, k - i);
    for (size_t j = 0; j < roots; ++j) {
      const svf_status status = svf_secular_vector(s, i + j, left, r->mix + j * k);
      if (status != SVF_OK) return status;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)roots, (int)count, (int)k, 1,
                r->mix, (int)k, r->halves, (int)count, 0, r->whole, (int)count);
    for (size_t j = 0; j < roots; ++j) {
      copy_in(r->whole + j * count, v, place[i + j], first, count);
    }
  }
  return SVF_OK;
}

static svf_status combine(const svf_secular *s, const size_t *place, svf_vectors v, bool left)
{
  const size_t n = s->n;
  const room r = {malloc(n * COMPONENTS * sizeof(float)), malloc(ROOTS * n * sizeof(float)),
                  malloc(ROOTS * COMPONENTS * sizeof(float))};
  svf_status status = SVF_OK;
  if (!r.halves || !r.mix || !r.whole) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory to combine %zu vectors", n);
  }
  for (size_t at = 0; status == SVF_OK && at < n; at += COMPONENTS) {
    status = combine_block(s, place, v, left, at, svf_size_min(COMPONENTS, n - at), &r);
  }
  free(r.halves);
  free(r.mix);
  free(r.whole);
  return status;
}

/* --- All of it -----------------------------------------------------------------------------------
 */

typedef struct ranked {
  float sigma;
  size_t part;
} ranked;

static int descending(const void *a, const void *b)
{
  const ranked *x = a;
  const ranked *y = b;
  if (x->sigma != y->sigma) return x->sigma > y->sigma ? -1 : 1;
  return (x->part > y->part) - (x->part < y->part);
}

/* Singular values, and where the vectors of each part belong. */
static svf_status rank(const svf_secular *s, float *sigma, size_t *place)
{
  ranked *list = malloc(s->n * sizeof *list);
  if (!list) return svf_fail(SVF_ERR_MEMORY, "no memory to sort %zu singular values", s->n);
  for (size_t i = 0; i < s->n; ++i) list[i] = (ranked){s->sigma[i], i};
  qsort(list, s->n, sizeof *list, descending);
  for (size_t i = 0; i < s->n; ++i) {
    sigma[i] = list[i].sigma;
    place[list[i].part] = i;
  }
  free(list);
  return SVF_OK;
}

static svf_status run(const bidiagonal *b, svf_secular *s, size_t *place)
{
  set_identity(left_of(b), b->n);
  set_identity(right_of(b), b->n);
  const float scale = normalise(b);
  if (scale == 0) return SVF_OK;
  svf_status status = solve(b, s);
  if (status == SVF_OK) status = rank(s, b->d, place);
  if (status == SVF_OK) status = combine(s, place, left_of(b), true);
  if (status == SVF_OK) status = combine(s, place, right_of(b), false);
  for (size_t i = 0; i < b->n; ++i) b->d[i] *= scale;
  return status;
}

svf_status svf_bidiagonal_svd(size_t n, bool lower, float *d, float *e, float *u, size_t ldu,
                              float *vt, size_t ldvt)
{
  const bidiagonal b = {n, d, e, u, vt, ldu, ldvt};
  svf_secular s;
  size_t *place = malloc(n * sizeof *place);
  float *rotations = malloc(2 * n * sizeof *rotations);
  svf_status status = svf_secular_create(&s, n);
  if (!place || !rotations) status = svf_fail(SVF_ERR_MEMORY, "no memory for %zu rotations", n);
  if (status == SVF_OK && lower) make_upper(&b, rotations);
  if (status == SVF_OK) status = run(&b, &s, place);
  if (status == SVF_OK && lower) undo_rotations(&b, rotations);
  svf_secular_free(&s);
  free(place);
  free(rotations);
  return status;
}
