/* SPDX-License-Identifier: Apache-2.0
 *
 * The metadata of an expert's file, which are strings as in all safetensors files. */
#ifndef SVF_EXPERTS_METADATA_H
#define SVF_EXPERTS_METADATA_H

#include <svf/expert.h>
#include <svf/safetensors.h>

#include "src/io/json.h"

enum { SVF_EXPERT_PAIRS = 7 };

typedef struct svf_expert_metadata {
  svf_safetensors_pair pairs[SVF_EXPERT_PAIRS]; /* the first `count` are set */
  size_t count;
  char factors[17];            /* the pairs point into this */
  char scale[SVF_JSON_NUMBER]; /* and into this */
} svf_expert_metadata;

/* Read the metadata. Strings of *info belong to the file. Errors: VERSION, FILE, MEMORY. */
svf_status svf_expert_metadata_read(const svf_safetensors *file, svf_expert_info *info);

/* Make the metadata of a valid info, whose strings they point to. Errors: MEMORY. */
svf_status svf_expert_metadata_print(const svf_expert_info *info, svf_expert_metadata *out);

#endif
