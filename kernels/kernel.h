/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of a micro-kernel and of a registry row.
 *
 * A micro-kernel promises nothing but arithmetic: no allocation, no threads, no state, no policy.
 * Everything above it is one portable program that reads tile sizes from the registry row.
 *
 * Both stages of the fused matmul are the same product of a row block with weight panels and differ
 * only in what happens to the finished sums (the epilogue):
 *
 *   A   row block   [k/16][row][16]     rows <= kernel->rows; X, or T as stage 1 left it
 *   B   panels      [panel][k][16]      the packed layout of svf/linear.h
 *   C   tile        [panel][row][16]    one chain of FMAs per element, from +0, in increasing k
 */
#ifndef SVF_KERNELS_KERNEL_H
#define SVF_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

enum {
  SVF_PANEL = 16,      /* output channels in a panel, for every ISA */
  SVF_ROWS_MAX = 16,   /* no kernel has a larger row block */
  SVF_PANELS_MAX = 8,  /* no tile function takes more panels abreast */
  SVF_FETCH_UNIT = 16, /* steps between the prefetches of a tile, see svf_tile, */
  SVF_STREAM_UNIT = 4  /* or, where memory is the limit, so many */
};

/* What becomes of finished sums. Stage 1 sets t and gains, stage 2 sets y and what follows it. */
typedef struct svf_epilogue {
  float *t;                  /* T of this row block: the A of stage 2; NULL in stage 2 */
  const float *const *gains; /* one pointer per row of the block, each to r gains; none is NULL */
  void *y;                   /* first row of this row block */
  ptrdiff_t y_stride;        /* elements */
  svf_dtype y_type;
  bool accumulate;
  const float *bias; /* [m] or NULL */
} svf_epilogue;

/* One tile. Reads exactly k floats of each row of A and k lines of each panel; beyond these it only
 * prefetches. */
typedef struct svf_tile {
  const float *a;
  const float *b;  /* panel 0 at the first step; panel p at b + p*b_stride; 64-byte aligned */
  size_t b_stride; /* floats */
  size_t k;
  float *c;                     /* room for the tile's sums, 64-byte aligned */
  bool resume;                  /* start from the sums in c instead of from +0 */
  const svf_epilogue *epilogue; /* NULL: the sums stay in c */
  size_t channel;               /* first output channel of the tile */
  int lanes;                    /* channels that exist in the last panel, 1..16 */
  const float *ahead;           /* lines of the panels wanted next, same b_stride, to prefetch: */
  size_t fetch;                 /* so many steps of them in all, */
  int fetch_rate;               /* so many at a time, before every SVF_FETCH_UNIT steps, */
  bool stream;                  /* or before every SVF_STREAM_UNIT */
  const float *a_ahead;         /* if not NULL, A of the next slice: prefetched like `ahead` */
} svf_tile;

typedef void svf_tile_fn(const svf_tile *tile);

/* A from rows of the caller's X, widened to fp32 (exact). Writes whole lines, reads k of each row.
 */
typedef void svf_pack_rows_fn(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                              float *a);

/* One registry row: everything that is particular to an (ISA, format). */
typedef struct svf_kernel {
  const char *name; /* of its largest tile: svf_<format>_<rows>x<channels>_<isa> */
  svf_isa isa;
  svf_format format;
  uint64_t needs; /* SVF_CPU_* bits */
  int rows;       /* largest row block */
  svf_pack_rows_fn *pack_rows;
  /* For each number of rows: the panels of a full tile, and a function per number of panels; [1]
   * and [panels] exist, others where they are worth their code. */
  struct {
    int panels;
    svf_tile_fn *fn[SVF_PANELS_MAX + 1];
  } tile[SVF_ROWS_MAX + 1];
} svf_kernel;

/* The table, in order of preference, last is best; see registry.c. Thread-safe. */
size_t svf_kernel_count(void);
const svf_kernel *svf_kernel_at(size_t i);

/* The row for (isa, format); NULL if this build has none. Thread-safe. */
const svf_kernel *svf_kernel_find(svf_isa isa, svf_format format);

#endif
