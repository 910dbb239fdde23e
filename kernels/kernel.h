/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of a micro-kernel and of a registry row.
 *
 * A micro-kernel promises nothing but arithmetic: no allocation, no threads, no state, no policy.
 * Everything above it is one portable program that reads sizes from the registry row.
 *
 * Both products of the fused matmul multiply a strip of rows by weight panels and differ only in
 * what happens to the finished sums (the epilogue). All three operands are made of lines of
 * 64 bytes:
 *
 *   A   strip       [line of k][plane][row]   X, or T as the first product left it, in the
 *                                             kernel's own type: kernel->a_steps steps in a line,
 *                                             rows padded to a multiple of kernel->row_unit. Of
 *                                             integers every span of 256 steps starts with a header
 *                                             of SVF_A_HEADER bytes per row
 *   B   panels      [panel][line of k][16]    the packed layout of svf/linear.h
 *   C   tile        [panel][row]              16 sums in fp32; rows padded as in A
 *
 * k runs upwards, whatever the blocking. What a line of integers holds is the kernel's affair, and
 * so is how many of them kernel->a_steps steps of a row take: kernel->a_lines. */
#ifndef SVF_KERNELS_KERNEL_H
#define SVF_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

#include "kernels/strict.h"

enum {
  SVF_PANEL = 16,       /* output channels in a panel, for every ISA */
  SVF_LINE = 64,        /* bytes */
  SVF_SPAN = 256,       /* steps of a row of A that share a scale, in the formats with integers */
  SVF_GROUP_LEAST = 32, /* weights of a channel that share a scale: 32, 64, 128 or a whole span */
  SVF_HEAD_UNIT = 64,   /* w84's head is a multiple of this: whole lines of integers */
  SVF_A_HEADER = 8,     /* bytes per row in front of a span: first the scales, fp32 [row], then what
                           the kernel wants to know of each row, int32 [row] */
  SVF_ROWS_MAX = 32,    /* rows of the highest strip of any kernel */
  SVF_PANELS_MAX = 8    /* panels of the widest tile of any kernel */
};

/* What becomes of finished sums. The first product sets gains, keep and t; where T is laid out
 * later, y instead of t. The second product sets y and what follows it. Tiles have no epilogue
 * where their sums are packed as whole spans of T. */
typedef struct svf_epilogue {
  void *t;           /* T of this strip, laid out as the A of the second product; or NULL */
  bool hi_lo;        /* T is hi + lo: lo keeps what rounding to the kernel's type would lose */
  size_t t_channels; /* r */
  const float *const *gains; /* one pointer per row of the strip, each to r gains; none is NULL */
  void *y;                   /* Y of this strip's first row */
  ptrdiff_t y_stride;        /* elements between rows */
  svf_dtype y_type;
  bool accumulate;
  const float *bias;     /* [m] or NULL */
  float *keep;           /* receives T before the gains, [row][r]; NULL if it is not kept or there
                            are no gains */
  ptrdiff_t keep_stride; /* elements between rows */
} svf_epilogue;

/* What is prefetched while a tile runs: `lines` lines from `from` on, after them `then_lines` lines
 * from `then` on, `rate` lines at a time. */
typedef struct svf_fetch {
  const char *from, *then;
  size_t lines, then_lines;
  int rate;
} svf_fetch;

/* One tile. It reads the lines that hold k steps of A and of each panel; beyond these it only
 * prefetches. */
typedef struct svf_tile {
  const void *a;
  int planes; /* planes of A, see svf_planes */
  int rows;
  const void *b;   /* panel 0 at the first step; panel p is at b + p*b_stride; 64-byte aligned */
  size_t b_stride; /* bytes between panels */
  int group;       /* weights of a channel that share a scale; 0 if there are no scales */
  size_t k;
  float *c;                     /* the tile's sums, [panel][padded row][16], 64-byte aligned */
  bool resume;                  /* start from the sums in c instead of from +0 */
  const svf_epilogue *epilogue; /* NULL: the sums stay in c */
  size_t channel;               /* first output channel of the tile */
  int lanes;                    /* channels that exist in the last panel, 1..16 */
  svf_fetch a_ahead;            /* lines of A, fetched before every fetch_unit steps */
  svf_fetch ahead;              /* lines of each panel, b_stride apart, fetched before every
                                   fetch_unit steps, or every stream_unit steps if `stream` */
  bool stream;                  /* the call is memory bound: fetch weights in small portions */
  const float *c_ahead;         /* the sums that the next tile resumes from, or NULL */
  void *room; /* memory for these panels as the kernel wants them, see svf_kernel.room; or NULL */
  bool fresh; /* the room is still to be filled: no other strip has done so */
} svf_tile;

typedef void svf_tile_fn(const svf_tile *tile);

/* Makes k steps of A, in the kernel's type, from a strip of the caller's X. Reads k elements of
 * each row and writes whole lines, with zeros past k where the kernel reads them. Integers: k is a
 * whole number of spans, or ends where the row or one of its bands does. */
typedef void svf_pack_rows_fn(const void *x, svf_dtype type, ptrdiff_t stride, int rows, size_t k,
                              int planes, void *a);

/* Integers: makes one span of T, `k` steps from `channel` on, of finished sums: sums[panel] has 16
 * of each row, row after row. They are kept if the epilogue says so, multiplied by the gains of
 * their row, and become a whole span of A at `a`. */
typedef void svf_pack_sums_fn(const float *const *sums, const svf_epilogue *epilogue,
                              size_t channel, int rows, size_t k, int planes, void *a);

/* State of a thread that kernels change while they run and that is its caller's: the configuration
 * of AMX tiles. */
typedef struct svf_kernel_state {
  unsigned char bytes[64];
} svf_kernel_state;

/* How the loops around a kernel go through the operands, see src/matmul/stage.c. The figures suit
 * an L2 of 1.25 MiB or more, for AMX of 2 MiB; a smaller one costs speed, never bits. The sums of a
 * chunk for one span of T must fit: rows * SVF_SPAN <= sums. */
typedef struct svf_blocking {
  int rows;  /* rows of a chunk: their slice of A stays in L2 */
  int steps; /* steps of a slice, whole spans */
  int sums;  /* floats of partial sums that stay in L2 */
  int group; /* fewest panels of a run, which all strips use before the next run begins */
} svf_blocking;

#define SVF_VECTOR_BLOCKING \
  {                         \
    288, 512, 192 * 1024, 3 \
  }

/* One registry row: everything that is particular to an (ISA, format). */
typedef struct svf_kernel {
  const char *name; /* says the largest tile: svf_<format>_<rows>x<channels>_<isa> */
  svf_isa isa;
  svf_format format;    /* of the weights; the kernel serves its -split form too */
  uint64_t needs;       /* SVF_CPU_* bits: a CPU must have them all */
  uint64_t slow_on;     /* SVF_CPU_* bits: on a CPU that has one of them, the kernel serves only
                           calls that ask for its instruction set by name */
  int rows;             /* of the highest strip */
  int row_unit;         /* rows of A and C are padded to a multiple of this */
  int a_steps;          /* steps of k in a line of A */
  int a_lines[3];       /* [planes]: lines that a_steps steps of a row take; [0] is not used */
  size_t least_rows[2]; /* [0] for the smallest groups, [1] for all others: with fewer rows the next
                           kernel in order of preference is faster; it has the same bits */
  svf_blocking blocking;
  int room;                    /* bytes for a step of a panel where the kernel takes weights apart
                                  once for several strips; else 0 */
  double cycles;               /* roughly, for a step of a row and a panel; used to divide work */
  bool planes;                 /* hi and lo are two planes of A; else A holds their sum */
  bool reads_f32;              /* a strip of one row may be the caller's fp32 X itself */
  int fetch_unit, stream_unit; /* steps between prefetches, see svf_tile */
  svf_pack_rows_fn *pack_rows;
  svf_pack_sums_fn *pack_sums; /* NULL: tiles write T themselves */
  /* Called before and after the tiles of a share, on its thread; NULL: nothing is to be done. What
   * begin changes of the thread's state, end changes back. */
  void (*begin)(int group, svf_kernel_state *callers);
  void (*end)(const svf_kernel_state *callers);
  /* [row units]: the panels of a full tile, and a function for each number of panels. [1] and
   * [panels] exist, others where they are worth their code. */
  struct {
    int panels;
    svf_tile_fn *fn[SVF_PANELS_MAX + 1];
  } tile[SVF_ROWS_MAX + 1];
} svf_kernel;

/* The table in order of preference, the best kernel last; see registry.c. Thread-safe. */
size_t svf_kernel_count(void);
const svf_kernel *svf_kernel_at(size_t i);

/* True if A is integers with scales. Only for such kernels T is packed from sums. */
static inline bool svf_kernel_integer(const svf_kernel *kernel)
{
  return kernel->pack_sums != NULL;
}

#endif
