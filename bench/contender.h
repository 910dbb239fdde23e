/* SPDX-License-Identifier: Apache-2.0
 *
 * One interface for everything that is measured: the library and its peers. All do the same work,
 * Y = ((X V) * D) U^T from fp32 X to fp32 Y, in the format asked for if they have it, on the same
 * data, with the same number of threads, each with its weights in the layout that it likes best,
 * prepared outside of the measured time. */
#ifndef SVF_BENCH_CONTENDER_H
#define SVF_BENCH_CONTENDER_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/svf.h>

typedef struct layer {
  size_t m, n, r;
  const float *u, *vt, *sigma; /* [m][r], [r][n], [r] */
} layer;

typedef struct batch {
  size_t rows, experts;
  const float *x;            /* [rows][n] */
  const float *const *gains; /* [rows], pointers to r gains each */
  const float *const *first; /* [rows], all pointing to the gains of the first row */
  const float
      *dense_gains; /* [rows][r], the same values as gains; the first serves if experts = 1 */
  float *y;         /* [rows][m] */
} batch;

/* Rows of the batch that carry expert e: e, e + experts, e + 2 experts, ... */
static inline size_t batch_rows_of(const batch *b, size_t e)
{
  return e < b->rows ? (b->rows - e + b->experts - 1) / b->experts : 0;
}

typedef struct setup {
  const layer *layer;
  svf_format format; /* of svf's weights */
  double cold_bytes; /* least size of all copies of the weights together; 0: one copy */
  size_t threads;
  svf_isa isa;  /* never AUTO */
  size_t group; /* where the format has a choice */
} setup;

/* The traits of a format, which must be one of the library's. */
svf_format_traits format_traits(svf_format format);

/* How svf quantises. A format in two bands takes an eighth of the spectrum as its head. */
svf_quant setup_quant(svf_format format, size_t group, size_t r);

/* Copies to make of weights that take `bytes` bytes. */
size_t setup_copies(const setup *s, size_t bytes);

typedef struct contender {
  const char *name;   /* "svf", "onednn", ...: in the names of rows and in --peers */
  const char *title;  /* the same in the table */
  const char *versus; /* the counter of svf's speedup over it */
  /* The format that it computes in when svf computes in `format`, the second word of a row's name.
   * NULL: it is not compared with that format. */
  const char *(*computes)(svf_format format);
  /* The third word: the ISA that serves the format, or a version. */
  const char *(*variant)(svf_isa isa, svf_format format);
  void *(*create)(const setup *s);
  /* Get ready for a number of rows; false if this contender cannot. */
  bool (*prepare)(void *self, const batch *b);
  /* A call; turn 0, 1, 2, ... rotates over its copies of the weights. */
  void (*run)(void *self, size_t turn);
  void (*destroy)(void *self);
  /* The bytes of one copy of the weights, once prepared; NULL where that means nothing. */
  size_t (*bytes)(const void *self);
  /* What serves it inside, once prepared; NULL: nothing to say. */
  void (*detail)(const void *self, char *text, size_t size);
  bool other_work; /* computes something else than svf does, on purpose */
  bool slow;       /* one call of a tenth of a second is enough */
  /* Another way to serve several experts, not another way to compute the product: `--peers=all`
   * includes it only with more than one number of experts. */
  bool alternative;
} contender;

/* `computes` of contenders that have nothing but fp32. */
const char *contender_f32(svf_format format);

/* svf first, then the peers in this build. */
size_t contender_count(void);
const contender *contender_at(size_t i);

/* The peers in this build, as a comma-separated list. */
void contender_peers(char *text, size_t bytes);

/* contender_svf_one: svf with the first row's gains for every row. */
extern const contender contender_svf, contender_svf_one, contender_onednn, contender_openblas,
    contender_merge, contender_merge_bf16, contender_dense, contender_models;

#endif
