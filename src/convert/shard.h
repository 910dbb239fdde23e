/* SPDX-License-Identifier: Apache-2.0
 *
 * One matrix of a model, decomposed into a shard of its own. */
#ifndef SVF_CONVERT_SHARD_H
#define SVF_CONVERT_SHARD_H

#include <svf/convert.h>

#include "src/convert/conversion.h"

enum { SVF_DIGEST_DIGITS = 32 };

typedef struct svf_shard {
  const char *name;               /* of the layer */
  const svf_tensor *w;            /* the dense weights */
  size_t m, n;                    /* of W */
  size_t r;                       /* singular values that are kept; 0: not decomposed yet */
  char file[32];                  /* name of the shard */
  char digest[SVF_DIGEST_DIGITS]; /* of W and the options */
  double seconds;                 /* 0: an earlier run made it */
  double svd_seconds;             /* of which the SVD took this many */
  svf_svd_report report;
} svf_shard;

/* True if an earlier run finished the shard, from the same W and options; then fills in r and what
 * that run reported. */
bool svf_shard_is_finished(const svf_conversion *c, const svf_decompose_options *o, svf_shard *it);

/* Decompose W on this thread and write the shard; fills in r, the seconds and the report.
 * Thread-safe on distinct shards. Errors: IO; MEMORY and those of svd, naming the layer. */
svf_status svf_shard_make(const svf_conversion *c, const svf_decompose_options *o, svf_svd_fn *svd,
                          svf_shard *it);

#endif
