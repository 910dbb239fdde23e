/* SPDX-License-Identifier: Apache-2.0 */
#include "src/decompose/secular.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>

#include "src/core/status.h"

/* Root i, counted from 1, where |z| = 1 and M's first row is sqrt(rho) z: delta = d - sigma, sum =
 * d
 * + sigma. LAPACKE lacks it. */
#define slasd4 LAPACK_GLOBAL(slasd4, SLASD4)
void slasd4(const lapack_int *k, const lapack_int *i, const float *d, const float *z, float *delta,
            const float *rho, float *sigma, float *sum, lapack_int *info);

svf_status svf_secular_create(svf_secular *s, size_t n)
{
  *s = (svf_secular){.n = n,
                     .vector = malloc(n * sizeof *s->vector),
                     .sigma = malloc(n * sizeof *s->sigma),
                     .d = malloc(n * sizeof *s->d),
                     .z = malloc(n * sizeof *s->z),
                     .nearest = malloc(n * sizeof *s->nearest),
                     .offset = malloc(n * sizeof *s->offset)};
  if (s->vector && s->sigma && s->d && s->z && s->nearest && s->offset) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for %zu singular values", n);
}

void svf_secular_free(svf_secular *s)
{
  free(s->vector);
  free(s->sigma);
  free(s->d);
  free(s->z);
  free(s->nearest);
  free(s->offset);
  *s = (svf_secular){0};
}

/* --- Deflation -----------------------------------------------------------------------------------
 */

static int by_d(const void *a, const void *b)
{
  const svf_secular_part *x = a;
  const svf_secular_part *y = b;
  if (x->d != y->d) return x->d < y->d ? -1 : 1;
  return (x->vector > y->vector) - (x->vector < y->vector);
}

static void rotate(svf_vectors v, size_t n, size_t a, size_t b, float c, float s)
{
  cblas_srot((int)n, v.at + a * v.vector, (int)v.component, v.at + b * v.vector, (int)v.component,
             c, s);
}

/* Where two d are one, b takes all of their z. */
static void merge(svf_secular_part *a, svf_secular_part *b, size_t n, svf_vectors left,
                  svf_vectors right)
{
  const float length = hypotf(a->z, b->z), c = b->z / length, s = -a->z / length;
  rotate(left, n, a->vector, b->vector, c, s);
  rotate(right, n, a->vector, b->vector, c, s);
  a->z = 0;
  b->z = length;
}

static void keep(svf_secular *s, const svf_secular_part *p)
{
  s->d[s->k] = p->d;
  s->z[s->k] = p->z;
  s->vector[s->k++] = p->vector;
}

static void deflate(svf_secular *s, svf_secular_part *p, float tolerance, svf_vectors left,
                    svf_vectors right)
{
  size_t last = s->n, before = 0; /* the part that the next one may take z from; 0: none */
  keep(s, &p[0]);
  for (size_t j = 1; j < s->n; ++j) {
    const svf_secular_part *done = NULL;
    if (fabsf(p[j].z) <= tolerance) {
      done = &p[j];
    } else {
      if (before > 0 && p[j].d - p[before].d <= tolerance) {
        merge(&p[before], &p[j], s->n, left, right);
        done = &p[before];
      } else if (before > 0) {
        keep(s, &p[before]);
      }
      before = j;
    }
    if (!done) continue;
    s->sigma[--last] = done->d;
    s->vector[last] = done->vector;
  }
  if (before > 0) keep(s, &p[before]);
  if (fabsf(s->z[0]) <= tolerance) s->z[0] = tolerance;
  if (s->k > 1) s->d[1] = fmaxf(s->d[1], tolerance / 2);
}

/* --- Roots ---------------------------------------------------------------------------------------
 */

/* Leaves z normalised. delta, sum: [k] */
static svf_status find_roots(svf_secular *s, float *delta, float *sum)
{
  const lapack_int k = (lapack_int)s->k;
  const float length = cblas_snrm2(k, s->z, 1), rho = length * length;
  cblas_sscal(k, 1 / length, s->z, 1);
  for (lapack_int i = 0; i < k; ++i) {
    const lapack_int root = i + 1;
    lapack_int info = 0;
    if (k == 1) { /* which slasd4 takes for another question */
      s->sigma[0] = length;
      delta[0] = -length;
    } else {
      slasd4(&k, &root, s->d, s->z, delta, &rho, &s->sigma[i], sum, &info);
    }
    if (info != 0) return svf_fail(SVF_ERR_NUMERIC, "singular value %d did not converge", (int)i);
    const lapack_int pole = i + 1 < k && delta[i + 1] < -delta[i] ? i + 1 : i;
    s->nearest[i] = s->d[pole];
    s->offset[i] = -delta[pole];
  }
  return SVF_OK;
}

/* The z of which these roots are exact: with it vectors are orthogonal however near roots are. In
 * double precision, or it has the roundings of k factors. */
static void adjust_z(svf_secular *s)
{
  const size_t k = s->k;
  for (size_t j = 0; j < k; ++j) {
    const double d = (double)s->d[j];
    double product = 1;
    for (size_t i = 0; i < k; ++i) {
      const double nearest = (double)s->nearest[i], offset = (double)s->offset[i];
      product *= (d - nearest - offset) * (d + nearest + offset);
      if (i + 1 == k) break;
      const double other = (double)s->d[i < j ? i : i + 1];
      product /= (d - other) * (d + other);
    }
    s->z[j] = copysignf((float)sqrt(fabs(product)), s->z[j]);
  }
}

svf_status svf_secular_solve(svf_secular *s, svf_secular_part *parts, float tolerance,
                             svf_vectors left, svf_vectors right)
{
  qsort(parts + 1, s->n - 1, sizeof *parts, by_d);
  deflate(s, parts, tolerance, left, right);
  float *room = malloc(2 * s->k * sizeof *room);
  if (!room) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu roots", s->k);
  const svf_status status = find_roots(s, room, room + s->k);
  free(room);
  if (status == SVF_OK) adjust_z(s);
  return status;
}

svf_status svf_secular_vector(const svf_secular *s, size_t i, bool left, float *row)
{
  const int k = (int)s->k;
  const float nearest = s->nearest[i], offset = s->offset[i];
  for (size_t j = 0; j < s->k; ++j) {
    row[j] = s->z[j] / (s->d[j] - nearest - offset) / (s->d[j] + nearest + offset);
  }
  for (size_t j = 0; left && j < s->k; ++j) row[j] = j == 0 ? -1 : row[j] * s->d[j];
  const float length = cblas_snrm2(k, row, 1);
  if (!isfinite(length) || !(length > 0)) {
    return svf_fail(SVF_ERR_NUMERIC, "singular vector %zu is none", i);
  }
  cblas_sscal(k, 1 / length, row, 1);
  return SVF_OK;
}
