/* SPDX-License-Identifier: Apache-2.0
 *
 * One matrix of a model, decomposed into a file of its own. */
#ifndef SVF_CONVERT_SHARD_H
#define SVF_CONVERT_SHARD_H

#include <svf/convert.h>

#include "src/convert/conversion.h"

enum { SVF_DIGEST_DIGITS = 32 };

typedef struct svf_shard {
  const char *name; /* of the layer */
  const svf_tensor *w;
  size_t m, n, r;
  char file[32];
  char digest[SVF_DIGEST_DIGITS]; /* digest of W and the options */
  double seconds, svd_seconds;    /* 0: an earlier run made it */
  svf_svd_report report;
} svf_shard;

/* Whether an earlier run finished it, from the same source; fills in r and what it reported. */
bool svf_shard_is_finished(const svf_conversion *c, const svf_decompose_options *o, svf_shard *it);

/* Decompose W and write the file; fills in r, seconds and report. o->threads is not 0. Errors: IO;
 * MEMORY and those of svd, naming the layer. */
svf_status svf_shard_make(const svf_conversion *c, const svf_decompose_options *o, svf_svd_fn *svd,
                          svf_shard *it);

#endif
