/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of an expert, and the steps that train them on weighted texts. What the weights are,
 * those of solutions or rewards, is the caller's affair. */
#ifndef SVF_TRAIN_TRAINER_H
#define SVF_TRAIN_TRAINER_H

#include <svf/gains.h>

#include "src/train/adamw.h"
#include "src/train/engine.h"

typedef struct svf_trainer_options {
  svf_engine_options engine;
  svf_adamw_options adamw;
  svf_schedule schedule;
  svf_parametrisation kind; /* of z */
  float scale;              /* of a sigmoid; z of parameters 0 is half of it */
  bool normalise;           /* c = sum(sigma) / sum(sigma z) instead of 1 */
  const bool *trained;      /* [linear_count] or NULL: all in factors */
} svf_trainer_options;

/* What an update saw. */
typedef struct svf_update {
  double loss; /* sum of -weight * log p over all tokens that count */
  double norm; /* of the gradient with respect to the parameters, before it is clipped */
} svf_update;

/* Arrays are of all gains of the model, in the order of its modules. */
typedef struct svf_trainer {
  const svf_model *model;
  svf_trainer_options options;
  svf_engine *engine;
  size_t n;
  svf_adamw adamw; /* with the parameters */
  float *z, *gains;
  float *gradient; /* of gains, then of z, then of parameters */
  double *sum;     /* over texts, in their order */
  float *texts;    /* [SVF_TRAINER_TEXTS][n] gradients of texts that are run together */
} svf_trainer;

enum { SVF_TRAINER_TEXTS = 64 };

/* Begins with the base model: z = 1. Errors: those of svf_engine_create, and of svf_gains and
 * svf_z_from_parameters; *t must be freed also then. */
svf_status svf_trainer_create(svf_trainer *t, const svf_model *model,
                              const svf_trainer_options *options);
void svf_trainer_free(svf_trainer *t);

/* One step along the gradient of the sum over the examples, whose gains and gradients are set here.
 * The same examples give the same bits for any rows and threads. Errors: those of svf_engine_run;
 * NUMERIC: the parameters became no expert. */
svf_status svf_trainer_step(svf_trainer *t, svf_example *examples, size_t count,
                            svf_update *update);

/* Computes z and gains anew from the parameters. Errors: NUMERIC. */
svf_status svf_trainer_refresh(svf_trainer *t);

#endif
