/* SPDX-License-Identifier: Apache-2.0
 *
 * The last step of divide and conquer. A bidiagonal matrix of whose two halves the SVD is known has
 * the singular values of
 *
 *       z_0 z_1 z_2 ...
 *   M =     d_1
 *               d_2          (d_0 = 0)
 *
 * and M's singular vectors say how those of the halves combine. As slasd2 and slasd3 of LAPACK (M.
 * Gu and S. Eisenstat, 1995), but M's vectors are computed where they are used: LAPACK stores them,
 * and copies those of the halves, which takes three matrices more. */
#ifndef SVF_DECOMPOSE_SECULAR_H
#define SVF_DECOMPOSE_SECULAR_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/status.h>

/* Vectors in memory: component c of vector v is at[v*vector + c*component]. */
typedef struct svf_vectors {
  float *at;
  size_t vector, component;
} svf_vectors;

/* A column of M, and which vector of the halves it stands for. */
typedef struct svf_secular_part {
  float d, z;
  size_t vector;
} svf_secular_part;

/* The first k parts, d ascending, are what the equation is about; those after them have singular
 * values, and vectors of the halves, that are M's as they are. */
typedef struct svf_secular {
  size_t n, k;
  size_t *vector; /* [n] */
  float *sigma;   /* [n]; i < k: the root that follows d_i */
  float *d, *z;   /* [k] */
  float *nearest; /* [k]: the d next to root i ... */
  float *offset;  /* [k]: ... and sigma - nearest, in which nothing has cancelled */
} svf_secular;

/* Room for n parts, to be freed also after an error. MEMORY. */
svf_status svf_secular_create(svf_secular *s, size_t n);
void svf_secular_free(svf_secular *s);

/* Solve for s->n parts in any order, but the first has d = 0; they are sorted. |z| and distances of
 * at most `tolerance` are taken for 0; where two d are one, vectors of the halves are rotated.
 * NUMERIC, MEMORY. */
svf_status svf_secular_solve(svf_secular *s, svf_secular_part *parts, float tolerance,
                             svf_vectors left, svf_vectors right);

/* The left or right singular vector of root i < k: row[k]. NUMERIC. */
svf_status svf_secular_vector(const svf_secular *s, size_t i, bool left, float *row);

#endif
