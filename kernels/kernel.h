/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of a micro-kernel and of a registry row.
 *
 * A micro-kernel promises nothing but arithmetic: no allocation, no threads, no state, no policy.
 * Everything above it is one portable program that reads sizes from the registry row.
 *
 * Both stages of the fused matmul are the same product of a row block with weight panels and differ
 * only in what happens to the finished sums (the epilogue). All three operands are made of lines of
 * 64 bytes:
 *
 *   A   row block   [line of k][plane][row]   X, or T as stage 1 left it, in the kernel's own type:
 *                                             kernel->a_steps of them in a line; rows padded to a
 *                                             multiple of kernel->row_unit. Integers: every block
 *                                             of 256 steps starts with an svf_a_header
 *   B   panels      [panel][line of k][16]    the packed layout of svf/linear.h
 *   C   tile        [panel][row]              16 sums in fp32; rows padded as in A
 *
 * k runs upwards, whatever the blocking. What a line of integers holds is the kernel's affair, and
 * so is the size of one: kernel->a_lines lines for each row. */
#ifndef SVF_KERNELS_KERNEL_H
#define SVF_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

enum {
  SVF_PANEL = 16,       /* output channels in a panel, for every ISA */
  SVF_LINE = 64,        /* bytes */
  SVF_SPAN = 256,       /* steps of A that share a scale, in the formats with integers */
  SVF_GROUP_LEAST = 32, /* weights of a channel that share a scale: so many, 64, 128 or a block */
  SVF_HEAD_UNIT = 64,   /* of the int8 part of w84: whole lines of integers */
  SVF_A_HEADER = 8,     /* bytes per row in front of such a block: scales, fp32 [row], then what the
                           kernel wants to know of a row, int32 [row] */
  SVF_ROWS_MAX = 32,    /* no kernel has a larger row block */
  SVF_PANELS_MAX = 8    /* no tile function takes more panels abreast */
};

/* What becomes of finished sums. The first product sets gains, keep, and t or, where T is laid out
 * later, y; the second one sets y and what follows it. Where whole blocks of T are packed
 * there is none. */
typedef struct svf_epilogue {
  void *t;                   /* T of this row block: the A of the second product; or NULL */
  bool hi_lo;                /* T keeps what rounding to the kernel's type would lose */
  size_t t_channels;         /* r */
  const float *const *gains; /* one pointer per row of the block, each to r gains; none is NULL */
  void *y;                   /* first row of this row block */
  ptrdiff_t y_stride;        /* elements */
  svf_dtype y_type;
  bool accumulate;
  const float *bias;     /* [m] or NULL */
  float *keep;           /* first row of T before the gains, [row][r]; or NULL. Goes with gains */
  ptrdiff_t keep_stride; /* elements */
} svf_epilogue;

/* What is to be prefetched while a tile runs: `lines` from `from` on, then as many as it says from
 * `then` on, `rate` of them at a time. */
typedef struct svf_fetch {
  const char *from, *then;
  size_t lines, then_lines;
  int rate;
} svf_fetch;

/* One tile. Reads the lines that hold k steps of A and of each panel; beyond these it only
 * prefetches. */
typedef struct svf_tile {
  const void *a;
  int planes; /* of A: see svf_planes */
  int rows;
  const void *b;   /* panel 0 at the first step; panel p at b + p*b_stride; 64-byte aligned */
  size_t b_stride; /* bytes */
  int group;       /* weights of a channel that share a scale; 0: none have one */
  size_t k;
  float *c;                     /* the tile's sums, [panel][padded row][16], 64-byte aligned */
  bool resume;                  /* start from the sums in c instead of from +0 */
  const svf_epilogue *epilogue; /* NULL: the sums stay in c */
  size_t channel;               /* first output channel of the tile */
  int lanes;                    /* channels that exist in the last panel, 1..16 */
  svf_fetch a_ahead;            /* of A; at a time: before every fetch_unit steps of the kernel */
  svf_fetch ahead;              /* of each panel, b_stride apart; likewise, */
  bool stream;                  /* or before every stream_unit */
  const float *c_ahead;         /* the sums that the next tile resumes from, or NULL */
  void *room; /* for these panels as the kernel wants them, see svf_kernel.room, */
  bool fresh; /* not filled yet by another row block; or NULL */
} svf_tile;

typedef void svf_tile_fn(const svf_tile *tile);

/* Steps of A from a row block of the caller's X, in the kernel's type. Writes whole lines, with
 * zeros past k where the kernel reads them; reads k of each row. Integers: k is a whole number of
 * blocks, or ends with the row or a part of it. */
typedef void svf_pack_rows_fn(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                              int planes, void *a);

/* Integers: one block of T, `k` steps from `channel` on, from finished sums: 16 of each row, rows
 * one after the other, at sums[panel]. They are kept if the epilogue says so, multiplied by the
 * gains of their row and become a whole block of A at `a`. */
typedef void svf_pack_sums_fn(const float *const *sums, const svf_epilogue *epilogue,
                              size_t channel, int rows, size_t k, int planes, void *a);

/* How the loops around a kernel go through the operands, see src/matmul/stage.c. The figures are
 * for an L2 of 1.25 MiB or more, of AMX 2 MiB; on a smaller one they cost speed, never bits. The
 * sums of a chunk and a block of T must fit: rows * SVF_SPAN <= sums. */
typedef struct svf_blocking {
  int rows;  /* of a chunk: their slice of A stays in L2 */
  int steps; /* of a slice, whole blocks */
  int sums;  /* floats of partial sums that stay in L2 */
  int group; /* least panels that all row blocks use before the next ones */
} svf_blocking;

#define SVF_VECTOR_BLOCKING \
  {                         \
    288, 512, 192 * 1024, 3 \
  }

/* One registry row: everything that is particular to an (ISA, format). */
typedef struct svf_kernel {
  const char *name; /* of its largest tile: svf_<format>_<rows>x<channels>_<isa> */
  svf_isa isa;
  svf_format format;    /* of the weights; serves the split form too */
  uint64_t needs;       /* SVF_CPU_* bits */
  uint64_t slow_on;     /* SVF_CPU_* bits: on a CPU that has one of them, the kernel serves only
                           calls that ask for its instruction set by name */
  int rows;             /* largest row block */
  int row_unit;         /* rows of A and C are padded to a multiple of this */
  int a_steps;          /* steps of k in a line of A */
  int a_lines[3];       /* lines that these steps of a row take, for 1 and 2 planes */
  size_t least_rows[2]; /* of the smallest groups, and otherwise: with fewer the next kernel in
                           order of preference is faster; it has the same bits */
  svf_blocking blocking;
  int room; /* bytes for a step of a panel if it takes weights apart, once for several row blocks */
  double cycles;               /* about, for a step of a row and a panel: for dividing work */
  bool planes;                 /* a split T is two planes of A; else its sum fits in one */
  bool reads_f32;              /* a row block of one row may be the caller's fp32 X itself */
  int fetch_unit, stream_unit; /* steps, see svf_tile */
  svf_pack_rows_fn *pack_rows;
  svf_pack_sums_fn *pack_sums; /* NULL: tiles write T themselves */
  /* Around the tiles of a part, on its thread; NULL: nothing. */
  void (*begin)(int group), (*end)(void);
  /* For each number of row units: the panels of a full tile, and a function per number of panels;
   * [1] and [panels] exist, others where they are worth their code. */
  struct {
    int panels;
    svf_tile_fn *fn[SVF_PANELS_MAX + 1];
  } tile[SVF_ROWS_MAX + 1];
} svf_kernel;

/* The table, in order of preference, last is best; see registry.c. Thread-safe. */
size_t svf_kernel_count(void);
const svf_kernel *svf_kernel_at(size_t i);

/* Whether A is integers with scales: of such kernels alone T is packed from sums. */
static inline bool svf_kernel_integer(const svf_kernel *kernel)
{
  return kernel->pack_sums != NULL;
}

#endif
