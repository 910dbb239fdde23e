/* SPDX-License-Identifier: Apache-2.0
 *
 * Handles: an expert, its gains, and the number of those who hold them. */
#include "src/experts/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

enum { ALIGNMENT = 64 }; /* a cache line */

static svf_status allocate_gains(const svf_modules *modules, float **gains)
{
  size_t bytes;
  if (!svf_size_mul(modules->gains, sizeof **gains, &bytes) ||
      !svf_size_round(bytes, ALIGNMENT, &bytes)) {
    return svf_fail(SVF_ERR_OVERFLOW, "%zu gains exceed SIZE_MAX bytes", modules->gains);
  }
  *gains = aligned_alloc(ALIGNMENT, bytes);
  if (!*gains) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu gains", modules->gains);
  memset(*gains, 0, bytes);
  return SVF_OK;
}

svf_status svf_expert_handle_create(const char *name, svf_expert *expert,
                                    const svf_modules *modules, unsigned flags,
                                    svf_expert_handle **handle)
{
  svf_expert_handle *made = calloc(1, sizeof *made);
  if (!made) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *made);
  svf_status status = allocate_gains(modules, &made->gains);
  if (status == SVF_OK) status = svf_expert_gains(expert, 1, modules, flags, made->gains);
  if (status != SVF_OK) {
    free(made->gains);
    free(made);
    return status;
  }
  atomic_init(&made->holders, 1);
  made->expert = expert;
  snprintf(made->name, sizeof made->name, "%s", name);
  *handle = made;
  return SVF_OK;
}

svf_expert_handle *svf_expert_handle_retain(svf_expert_handle *handle)
{
  if (handle) atomic_fetch_add_explicit(&handle->holders, 1, memory_order_relaxed);
  return handle;
}

/* acq_rel makes all that other holders did with the expert happen before the last one frees it. */
void svf_expert_handle_release(svf_expert_handle *handle)
{
  if (!handle) return;
  if (atomic_fetch_sub_explicit(&handle->holders, 1, memory_order_acq_rel) > 1) return;
  svf_expert_close(handle->expert);
  free(handle->gains);
  free(handle);
}

const char *svf_expert_handle_name(const svf_expert_handle *handle)
{
  return handle ? handle->name : NULL;
}

const svf_expert *svf_expert_handle_expert(const svf_expert_handle *handle)
{
  return handle ? handle->expert : NULL;
}

const float *svf_expert_handle_gains(const svf_expert_handle *handle)
{
  return handle ? handle->gains : NULL;
}
