/* SPDX-License-Identifier: Apache-2.0
 *
 * Log-probabilities of texts and their gradients with respect to gains, however many texts there
 * are: they are divided into passes of at most so many rows as memory allows. */
#ifndef SVF_TRAIN_ENGINE_H
#define SVF_TRAIN_ENGINE_H

#include "src/train/backward.h"

/* A text. Arrays belong to the caller. */
typedef struct svf_example {
  const int32_t *tokens; /* [count], at least two */
  size_t count;
  size_t first;         /* the first token that counts, >= 1 */
  const float *weights; /* [count - first] what -log p of each token weighs in the loss; NULL: 1 */
  float temperature;    /* as in svf_log_probability */
  const float *gains;   /* of the whole model; NULL: the base model */
  float
      *gradient; /* in and out, of all gains of the model: dLoss/dgains of this text is added; NULL
                      if it is not wanted. Texts do not share it */
  double *log_probabilities; /* out, [count - first] */
} svf_example;

typedef struct svf_engine svf_engine;

typedef struct svf_engine_options {
  size_t rows;    /* most rows of a pass, which a text of so many tokens and one needs */
  size_t threads; /* 0: svf_max_threads() */
  svf_isa isa;
} svf_engine_options;

/* Errors: ARGUMENT (rows = 0, an outline, no layer in factors), OVERFLOW, UNSUPPORTED, MEMORY. The
 * model must stay open. */
svf_status svf_engine_create(const svf_model *model, const svf_engine_options *options,
                             svf_engine **engine);
void svf_engine_destroy(svf_engine *engine);

/* The results of an example have the same bits whatever the others, the rows and the threads; its
 * log-probabilities have those that svf_generate and svf_score report. trained: [linear_count]
 * whose gradients are wanted, or NULL: of all in factors. Errors: ARGUMENT, naming the example,
 * before anything is computed; NUMERIC. One thread at a time may use an engine. */
svf_status svf_engine_run(svf_engine *engine, svf_example *examples, size_t count,
                          const bool *trained);

#endif
