/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expert's file says about it, as the strings that safetensors' metadata are. */
#ifndef SVF_EXPERTS_METADATA_H
#define SVF_EXPERTS_METADATA_H

#include <svf/expert.h>
#include <svf/safetensors.h>

enum { SVF_EXPERT_PAIRS = 7 };

typedef struct svf_expert_metadata {
  svf_safetensors_pair pairs[SVF_EXPERT_PAIRS];
  size_t count;
  char factors[17], scale[32]; /* what pairs point into */
} svf_expert_metadata;

/* Strings of *info belong to the file. Errors: VERSION, FILE, MEMORY. */
svf_status svf_expert_metadata_read(const svf_safetensors *file, svf_expert_info *info);

/* The metadata of a valid info, pointing into it. Errors: MEMORY. */
svf_status svf_expert_metadata_print(const svf_expert_info *info, svf_expert_metadata *out);

#endif
