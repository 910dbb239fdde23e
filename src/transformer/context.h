/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass works on. */
#ifndef SVF_TRANSFORMER_CONTEXT_H
#define SVF_TRANSFORMER_CONTEXT_H

#include <svf/context.h>

#include "src/transformer/attention.h"
#include "src/transformer/kv.h"
#include "src/transformer/model.h"

enum { SVF_ABREAST = 3 }; /* linear layers that are carried out together: q, k and v */

struct svf_context {
  const svf_model *model;
  svf_kv kv;
  svf_attention attention;
  svf_isa isa;
  size_t rows, threads; /* at most */
  int (*stop)(void *context);
  void *stop_context;

  float *cos, *sin; /* [limit][head_dim/2] */

  /* Activations, [rows][...]. */
  float *x;         /* [hidden] the residual stream */
  float *h;         /* [hidden] x normalised */
  float *q;         /* [heads * head_dim] */
  float *k, *v;     /* [kv_heads * head_dim] */
  float *attended;  /* [heads * head_dim] */
  float *gate, *up; /* [intermediate] */

  char *workspace;
  size_t workspace_bytes;
  float *scratch; /* of attention, [threads][scratch_floats] */
  size_t scratch_floats;
  const float **gains; /* of rows, [threads][SVF_ABREAST][rows] */

  size_t *more;     /* [sequences] positions that the pass under way adds */
  size_t *position; /* [rows] */
  size_t *run;      /* [rows + 1] the first rows of runs, and behind the last one */
};

/* What the cache knows gains by: 0 for NULL, the base model. */
uint64_t svf_context_hash(const svf_context *c, const float *gains);

/* ARGUMENT for gains where no layer is in factors: to take them would be to ignore them. */
svf_status svf_context_check_gains(const svf_context *c, const float *gains);

/* The pass itself, once its rows have been checked, placed and given room in the cache. */
svf_status svf_forward(svf_context *c, const svf_row *rows, size_t count, float *logits);

#endif
