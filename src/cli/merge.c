/* SPDX-License-Identifier: Apache-2.0
 *
 * svf merge: an expert as a model of its own. */
#define _GNU_SOURCE
#include <stdlib.h>

#include <svf/model_files.h>

#include "src/cli/model_options.h"
#include "src/transformer/factors.h"

static const char name[] = "merge";

enum { KEY_BF16 = 512 };

typedef struct options {
  model_options m;
  const char *dir, *out;
  svf_dtype dtype;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &o->m; return 0;
    case 'o': o->out = value; return 0;
    case KEY_BF16: o->dtype = SVF_BF16; return 0;
    case ARGP_KEY_ARG:
      if (o->dir) argp_error(state, "one model at a time");
      o->dir = value;
      return 0;
    case ARGP_KEY_END:
      if (!o->dir) argp_usage(state);
      if (!o->out) argp_error(state, "-o DIR is missing");
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

static svf_status load_gains(const options *o, float **gains)
{
  const model_options *m = &o->m;
  svf_factors f;
  *gains = NULL;
  if (!m->expert && !m->mix) return SVF_OK;
  svf_status status = svf_factors_open(o->dir, &f);
  if (status == SVF_OK) {
    status = cli_load_gains(&f.modules, m->expert, m->mix, m->scale, m->unpaired, gains);
  }
  svf_factors_close(&f);
  return status;
}

static int run(int argc, char **argv)
{
  static const struct argp_option table[] = {
      {"output", 'o', "DIR", 0, "the new model", 1},
      {"bf16", KEY_BF16, 0, 0, "weights in bf16 instead of fp32", 1},
      {0}};
  static const struct argp_child children[] = {
      {&cli_expert_argp, 0, NULL, 0}, {&cli_run_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL",
      "Multiply an expert or a mixture into dense weights: a Hugging Face directory for any "
      "program. "
      "In bf16 a good part of a small expert is lost.\v"
      "example: svf merge tinyllama-svf --expert math.safetensors -o tinyllama-math",
      children,
      NULL,
      NULL};
  options o = {0};
  float *gains = NULL;
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  svf_status status = load_gains(&o, &gains);
  if (status == SVF_OK) {
    status = svf_model_merge(o.dir, o.out, gains, o.dtype, cli_progress, &o.m.quiet);
  }
  cli_progress_end();
  free(gains);
  if (status == SVF_OK) cli_print_made(o.out, o.m.json);
  return status == SVF_OK ? EXIT_OK : cli_fail(name, status);
}

const svf_command command_merge = {name, "an expert as a dense model of its own", run};
