/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_EXPERTS_HANDLE_H
#define SVF_EXPERTS_HANDLE_H

#include <stdatomic.h>

#include <svf/expert_registry.h>

struct svf_expert_handle {
  atomic_size_t holders;
  svf_expert *expert; /* owned */
  float *gains;       /* [modules->gains], owned */
  char name[SVF_EXPERT_MAX_NAME + 1];
};

/* A handle with one holder, on the expert and its gains, under a well-formed name. On OK the expert
 * belongs to the handle. Errors: those of svf_expert_gains, OVERFLOW, MEMORY. */
svf_status svf_expert_handle_create(const char *name, svf_expert *expert,
                                    const svf_modules *modules, unsigned flags,
                                    svf_expert_handle **handle);

#endif
