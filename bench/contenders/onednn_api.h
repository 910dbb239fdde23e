/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN for the bench, which ends where a call fails. */
#ifndef SVF_BENCH_CONTENDERS_ONEDNN_API_H
#define SVF_BENCH_CONTENDERS_ONEDNN_API_H

#include <stdio.h>
#include <stdlib.h>

#include "src/backend/onednn_api.h"

#define MUST(call) must(call, #call)

static inline void must(dnnl_status_t status, const char *call)
{
  if (status == dnnl_success) return;
  fprintf(stderr, "oneDNN: %s gives status %d\n", call, (int)status);
  exit(1);
}

static inline desc desc_make(size_t rows, size_t columns, dnnl_data_type_t type,
                             dnnl_format_tag_t tag)
{
  desc d;
  MUST(desc_init(&d, rows, columns, type, tag));
  return d;
}

static inline desc desc_copy(desc_view v)
{
  desc d;
  MUST(desc_clone(&d, v));
  return d;
}

#endif
