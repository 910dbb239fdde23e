/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_CONVERT_MERGE_H
#define SVF_CONVERT_MERGE_H

#include <svf/convert.h>

/* svf_model_merge into files of at most `limit` bytes of data each. */
svf_status svf_merge(const char *dir, const char *out, const float *gains, svf_dtype dtype,
                     size_t limit, svf_progress_fn *progress, void *progress_context);

#endif
