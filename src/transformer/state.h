/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory that a pass works in: activations, of one layer at a time or of all layers, and
 * everything else that its steps write. A state knows nothing of sequences: whoever starts the pass
 * sets the rows' positions and gains. */
#ifndef SVF_TRANSFORMER_STATE_H
#define SVF_TRANSFORMER_STATE_H

#include "src/transformer/attention.h"
#include "src/transformer/kv.h"
#include "src/transformer/model.h"

enum { SVF_ABREAST = 3 }; /* linear layers that are carried out together: q, k and v */

/* What a layer computes, each [rows][...], as it is when the layer ends. */
typedef struct svf_activations {
  float *h;        /* [hidden] the residual stream, normalised for attention and then for the MLP */
  float *q;        /* [heads * head_dim], rotated */
  float *k;        /* [kv_heads * head_dim], rotated */
  float *v;        /* [kv_heads * head_dim] */
  float *attended; /* [heads * head_dim] */
  float *gate;     /* [intermediate] silu(gate) * up */
  float *up;       /* [intermediate] */

  /* What only gradients need: NULL in a state that does not keep them. */
  float *x;     /* [hidden] the residual stream as the layer finds it */
  float *mid;   /* [hidden] and after attention */
  float *gated; /* [intermediate] silu(gate) * up, which then leaves `gate` as it is */
  float *t0[SVF_LAYER_LINEARS]; /* [r] T before the gains, of each layer in factors */
} svf_activations;

/* Sizes of a state. */
typedef struct svf_state_sizes {
  size_t rows;    /* most rows of a pass */
  size_t threads; /* most threads of a pass */
  size_t slots;   /* 1: all layers use one slot in turn; the model's layers: each has its own */
  bool keeps;     /* slots have what only gradients need */
} svf_state_sizes;

typedef struct svf_state {
  const svf_model *model;
  svf_state_sizes sizes;
  svf_isa isa;
  svf_attention attention;
  float *cos, *sin; /* [positions of the cache][head_dim/2] */

  float *x;    /* [rows][hidden] the residual stream */
  float *last; /* [rows][hidden] the final norm of the rows that want logits, without gaps */
  svf_activations *slot; /* [slots] */

  char *workspace; /* [workspace_bytes] of the linear layers */
  size_t workspace_bytes;
  float *scratch; /* [threads][scratch_floats] of attention */
  size_t scratch_floats;
  const float **lists; /* [threads][SVF_ABREAST][rows] the rows' gains in one linear layer */

  /* The rows of a pass; gains and position are set before it. */
  const float **gains; /* [rows] gains of the whole model; NULL: the base model */
  size_t *position;    /* [rows] position in the row's sequence */
  size_t *run;         /* [rows + 1] the first row of each run, then one past the last row */
} svf_state;

/* Allocate a state. The cache that passes will use gives the number of positions and the shape of
 * the KV heads; the model must have all its blocks. Errors: OVERFLOW, UNSUPPORTED, MEMORY; *s must
 * be freed also then. */
svf_status svf_state_create(svf_state *s, const svf_model *model, const svf_kv *kv,
                            const svf_state_sizes *sizes, svf_isa isa);
void svf_state_free(svf_state *s);

/* The slot of a layer's activations. */
static inline const svf_activations *svf_state_slot(const svf_state *s, size_t layer)
{
  return &s->slot[s->sizes.slots > 1 ? layer : 0];
}

/* Where silu(gate) * up is. */
static inline float *svf_state_gated(const svf_activations *a)
{
  return a->gated ? a->gated : a->gate;
}

#endif
