/* SPDX-License-Identifier: Apache-2.0
 *
 * One version of the library as svf_compare sees it: a shared object with its own static copy of
 * everything, compiled against its own headers, of which only `svf_compare_side` is visible. So two
 * versions live in one process, take turns and work on the same memory. */
#ifndef SVF_BENCH_COMPARE_SIDE_H
#define SVF_BENCH_COMPARE_SIDE_H

#include <stdbool.h>
#include <stddef.h>

/* A layer m x n of rank r in a format, whose groups are of `group` weights where it has groups. */
typedef struct compare_layer {
  const char *format;
  size_t group;
  size_t m, n, r;              /* r = 0: dense */
  const float *u, *vt, *sigma; /* as svf_linear_source has them */
} compare_layer;

/* Calls are on `rows` rows and `threads` threads, the row i with gains[i]. */
typedef struct compare_batch {
  size_t rows, threads;
  const float *x;
  float *y;
  const float *const *gains;
} compare_batch;

typedef struct compare_side {
  const char *(*version)(void);

  /* Bytes of a packed layer; 0: this version has no such format. */
  size_t (*bytes)(const compare_layer *layer);
  void (*pack)(const compare_layer *layer, void *block, size_t bytes, size_t threads);

  /* `count` calls on the same X; `blocks[i]` of call i at each run. With `together` the version's
   * plan for several layers, if it has one; y of call i begins after those of the calls before. */
  void *(*calls)(const compare_layer *layers, size_t count, const compare_batch *batch,
                 bool together);
  void (*run)(void *calls, const void *const *blocks);
  void (*end_calls)(void *calls);

  /* A synthetic model (bench/decode) with the MLP in factors, and `texts` texts of `length` tokens
   * on it, of which each pass adds one token; with texts = 1 and length = 0 a pass reads `rows`
   * tokens of a new text. Returns seconds of a pass. */
  void *(*model)(const char *shape, const char *format, size_t group);
  void (*end_model)(void *model);
  void *(*texts)(void *model, size_t texts, size_t length, size_t passes, size_t rows,
                 size_t threads);
  double (*pass)(void *texts);
  void (*end_texts)(void *texts);

  /* Seconds of svf_generate on `texts` prompts of `prefix` common and `own` tokens, `tokens` new
   * ones each, in a context of `sequences`; *sum receives a checksum of all tokens. */
  double (*generate)(void *model, size_t texts, size_t prefix, size_t own, size_t tokens,
                     size_t sequences, size_t threads, unsigned long long *sum);
} compare_side;

const compare_side *svf_compare_side(void);

#endif
