/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass computes in: activations, of one layer at a time or of all of them, and everything
 * else that its steps write. A state knows nothing of sequences: where rows stand and with which
 * gains they run is told by whoever starts the pass. */
#ifndef SVF_TRANSFORMER_STATE_H
#define SVF_TRANSFORMER_STATE_H

#include "src/transformer/attention.h"
#include "src/transformer/kv.h"
#include "src/transformer/model.h"

enum { SVF_ABREAST = 3 }; /* linear layers that are carried out together: q, k and v */

/* What a layer computes, [rows][...], as the layer leaves it. */
typedef struct svf_activations {
  float *h;         /* [hidden] the residual stream normalised, for attention, then for the MLP */
  float *q;         /* [heads * head_dim], rotated */
  float *k, *v;     /* [kv_heads * head_dim], k rotated */
  float *attended;  /* [heads * head_dim] */
  float *gate, *up; /* [intermediate]; gate is silu(gate) * up at the end */
} svf_activations;

/* Sizes of a state. */
typedef struct svf_state_sizes {
  size_t rows;    /* of a pass, at most */
  size_t threads; /* of a pass, at most */
  size_t slots;   /* 1: layers take turns in one slot; the model's layers: each keeps its own */
} svf_state_sizes;

typedef struct svf_state {
  const svf_model *model;
  svf_state_sizes sizes;
  svf_isa isa;
  svf_attention attention;
  float *cos, *sin; /* [positions of the cache][head_dim/2] */

  float *x;              /* [rows][hidden] the residual stream */
  float *last;           /* [rows][hidden] the final norm of rows that want logits, closed up */
  svf_activations *slot; /* [slots] */

  char *workspace; /* of the linear layers */
  size_t workspace_bytes;
  float *scratch; /* of attention, [threads][scratch_floats] */
  size_t scratch_floats;
  const float **lists; /* of gains in one linear layer, [threads][SVF_ABREAST][rows] */

  /* Of the rows of a pass; the first two are filled in before it. */
  const float **gains; /* [rows] of the whole model, NULL: the base model */
  size_t *position;    /* [rows] in the row's sequence */
  size_t *run;         /* [rows + 1] first rows of runs, and one past the last row */
} svf_state;

/* Take the memory. The cache that passes will use gives the number of positions and the shape of
 * its heads; the model must have all its blocks. Errors: OVERFLOW, UNSUPPORTED, MEMORY; *s must be
 * freed also then. */
svf_status svf_state_create(svf_state *s, const svf_model *model, const svf_kv *kv,
                            const svf_state_sizes *sizes, svf_isa isa);
void svf_state_free(svf_state *s);

/* Where a layer's activations are. */
static inline const svf_activations *svf_state_slot(const svf_state *s, size_t layer)
{
  return &s->slot[s->sizes.slots > 1 ? layer : 0];
}

#endif
