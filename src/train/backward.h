/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of a pass: of the weighted log-probabilities of given tokens with respect to the
 * gains of each row's expert. The pass has been carried out in a state that keeps what this needs,
 * and holds whole texts: each sequence's rows follow each other and begin at position 0.
 *
 * Loss = sum over targets of -weight * log p(token | the tokens up to the row's). Rows of one text
 * add to that text's sums in increasing order, so that these have the same bits whatever the other
 * texts of the pass, and the number of threads. */
#ifndef SVF_TRAIN_BACKWARD_H
#define SVF_TRAIN_BACKWARD_H

#include "src/transformer/pass.h"

/* The token that comes after a row. */
typedef struct svf_target {
  size_t row;
  int32_t token;
  float weight, temperature;
  double log_probability; /* out, as svf_log_probability has it */
  svf_status status;      /* out: NUMERIC if the logits are no numbers */
} svf_target;

/* The transposed layer of each linear layer of a model. */
typedef struct svf_transposed {
  void **block; /* [linear_count], owned */
  size_t count;
} svf_transposed;

/* Packs them: f32 for layers in f32, bf16-split for those in bf16-split, else bf16. Errors: MEMORY;
 * *t must be freed also then. */
svf_status svf_transposed_create(svf_transposed *t, const svf_model *model, size_t threads);
void svf_transposed_free(svf_transposed *t);

/* Memory for gradients of passes in a state. */
typedef struct svf_backward {
  svf_state *state;
  const svf_transposed *transposed;
  size_t chunk;     /* targets whose logits are there at a time */
  float *dx, *dh;   /* [rows][hidden] */
  float *dgate;     /* [rows][intermediate] of `gated`, then of gate */
  float *dup;       /* [rows][intermediate] */
  float *dattended; /* [rows][heads * head_dim] */
  float *dq;        /* [rows][heads * head_dim] */
  float *dk, *dv;   /* [rows][kv_heads * head_dim] */
  float *s;         /* [rows][largest r] what transposed layers leave in t0 */
  float *last;      /* [chunk][hidden] the final norm of targets' rows */
  float *dlast;     /* [chunk][hidden] */
  float *logits;    /* [chunk][vocab], then their gradients */
  float *head_t0;   /* [chunk][r] of an lm_head in factors */
  float *scratch;   /* [threads][scratch_floats] of attention */
  size_t scratch_floats;
  float **sums;        /* [threads][rows] each row's sums in one linear layer */
  const float **gains; /* [threads][rows] and its gains */
  char *workspace;
  size_t workspace_bytes;
} svf_backward;

/* Errors: OVERFLOW, UNSUPPORTED, MEMORY; *b must be freed also then. */
svf_status svf_backward_create(svf_backward *b, svf_state *state, const svf_transposed *transposed);
void svf_backward_free(svf_backward *b);

typedef struct svf_backward_pass {
  const svf_pass *pass; /* that has just been carried out */
  svf_target *targets;  /* [target_count], their rows in increasing order, each once */
  size_t target_count;
  float *const *gradients; /* [rows] in and out: the sums of the row's text, of all gains of the
                              model; NULL: they are not wanted. Rows of a text have the same */
  const bool *trained; /* [linear_count] whose gradients are wanted, or NULL: of all in factors */
  svf_status status;   /* out */
} svf_backward_pass;

/* Adds dLoss/dgains. Errors: NUMERIC, see svf_target. */
svf_status svf_backward_run(svf_backward *b, svf_backward_pass *p);

#endif
