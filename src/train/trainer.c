/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"

/* --- Creation --------------------------------------------------------------------------------- */

static bool allocate(svf_trainer *t)
{
  t->adamw.n = t->n;
  return (t->adamw.p = calloc(t->n, sizeof(float))) &&
         (t->adamw.mean = calloc(t->n, sizeof(float))) &&
         (t->adamw.square = calloc(t->n, sizeof(float))) && (t->z = calloc(t->n, sizeof(float))) &&
         (t->gains = calloc(t->n, sizeof(float))) && (t->gradient = calloc(t->n, sizeof(float))) &&
         (t->sum = calloc(t->n, sizeof(double))) &&
         (t->texts = calloc(SVF_TRAINER_TEXTS * t->n, sizeof(float)));
}

svf_status svf_trainer_create(svf_trainer *t, const svf_model *model,
                              const svf_trainer_options *options)
{
  *t = (svf_trainer){.model = model, .options = *options, .n = model->modules.gains};
  const svf_status status = svf_engine_create(model, &options->engine, &t->engine);
  if (status != SVF_OK) return status;
  if (!allocate(t)) {
    return svf_fail(SVF_ERR_MEMORY, "no memory for a training of %zu parameters", t->n);
  }
  const float start = options->kind == SVF_PARAMETERS_DIRECT ? 1 : 0;
  for (size_t i = 0; i < t->n; ++i) t->adamw.p[i] = start;
  return svf_trainer_refresh(t);
}

void svf_trainer_free(svf_trainer *t)
{
  svf_engine_destroy(t->engine);
  free(t->adamw.p);
  free(t->adamw.mean);
  free(t->adamw.square);
  free(t->z);
  free(t->gains);
  free(t->gradient);
  free(t->sum);
  free(t->texts);
  *t = (svf_trainer){0};
}

svf_status svf_trainer_refresh(svf_trainer *t)
{
  const svf_trainer_options *o = &t->options;
  svf_status status = svf_z_from_parameters(o->kind, t->adamw.p, o->scale, t->z, t->n);
  for (size_t i = 0; status == SVF_OK && i < t->model->modules.count; ++i) {
    const svf_module *m = &t->model->module[i];
    status =
        svf_fail_at(svf_gains(m->sigma, m->r, t->z + m->offset, o->normalise, t->gains + m->offset),
                    "'%s'", m->name);
  }
  return status;
}

/* --- A step ----------------------------------------------------------------------------------- */

/* Adds the gradients of examples[0..count) to the sum, text by text. */
static svf_status add_texts(svf_trainer *t, svf_example *examples, size_t count)
{
  memset(t->texts, 0, count * t->n * sizeof *t->texts);
  for (size_t i = 0; i < count; ++i) {
    examples[i].gains = t->gains;
    examples[i].gradient = t->texts + i * t->n;
  }
  const svf_status status = svf_engine_run(t->engine, examples, count, t->options.trained);
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < t->n; ++k) t->sum[k] += (double)examples[i].gradient[k];
  }
  return status;
}

/* From the gradient of gains to that of parameters. */
static svf_status go_back(svf_trainer *t)
{
  const svf_trainer_options *o = &t->options;
  svf_status status = SVF_OK;
  for (size_t k = 0; k < t->n; ++k) t->gradient[k] = (float)t->sum[k];
  for (size_t i = 0; status == SVF_OK && i < t->model->modules.count; ++i) {
    const svf_module *m = &t->model->module[i];
    float *gradient = t->gradient + m->offset;
    status = svf_fail_at(
        svf_gains_gradient(m->sigma, m->r, t->z + m->offset, o->normalise, gradient, gradient),
        "'%s'", m->name);
  }
  if (status != SVF_OK) return status;
  return svf_parameters_gradient(o->kind, t->adamw.p, o->scale, t->gradient, t->gradient, t->n);
}

static double loss_of(const svf_example *x)
{
  double loss = 0;
  for (size_t i = 0; i < x->count - x->first; ++i) {
    loss -= (x->weights ? (double)x->weights[i] : 1) * x->log_probabilities[i];
  }
  return loss;
}

svf_status svf_trainer_step(svf_trainer *t, svf_example *examples, size_t count, svf_update *update)
{
  svf_status status = SVF_OK;
  memset(t->sum, 0, t->n * sizeof *t->sum);
  for (size_t i = 0, n; i < count && status == SVF_OK; i += n) {
    n = svf_size_min(count - i, SVF_TRAINER_TEXTS);
    status = add_texts(t, examples + i, n);
  }
  if (status == SVF_OK) status = go_back(t);
  if (status != SVF_OK) return status;
  const double factor = svf_schedule_at(&t->options.schedule, t->adamw.step);
  *update = (svf_update){.norm = svf_adamw_step(&t->adamw, &t->options.adamw, factor, t->gradient)};
  for (size_t i = 0; i < count; ++i) update->loss += loss_of(&examples[i]);
  return svf_trainer_refresh(t);
}
