/* SPDX-License-Identifier: Apache-2.0
 *
 * svf decompose: a model's matrices in factors, once. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include <svf/model_files.h>

#include "src/cli/model_options.h"
#include "src/io/file.h"

static const char name[] = "decompose";

enum { KEY_LAYERS = 512, KEY_RANK, KEY_ENERGY, KEY_BF16 };

typedef struct options {
  model_options m;
  svf_decompose_options d;
  const char *dir, *out;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  float energy;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->m; return 0;
    case 'o': o->out = value; return 0;
    case KEY_LAYERS:
      if (strcmp(value, "mlp") == 0) {
        o->d.layers = SVF_LAYERS_MLP;
      } else if (strcmp(value, "attn") == 0) {
        o->d.layers = SVF_LAYERS_ATTENTION;
      } else if (strcmp(value, "all") != 0) {
        argp_error(state, "--layers=%s: mlp, attn or all", value);
      }
      return 0;
    case KEY_RANK:
      if (!cli_parse_size(value, &o->d.rank) || o->d.rank == 0) {
        argp_error(state, "--rank=%s: 1 or more", value);
      }
      return 0;
    case KEY_ENERGY:
      if (!cli_parse_float(value, &energy) || energy <= 0 || energy > 1) {
        argp_error(state, "--energy=%s: more than 0, at most 1", value);
      }
      o->d.energy = (double)energy;
      return 0;
    case KEY_BF16: o->d.dtype = SVF_BF16; return 0;
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

/* The report that the library wrote. */
static svf_status print_report(const char *out)
{
  char path[4096], *text = NULL;
  size_t bytes = 0;
  snprintf(path, sizeof path, "%s/decomposition.json", out);
  const svf_status status = svf_file_read(path, SIZE_MAX / 4, &text, &bytes);
  if (status == SVF_OK) {
    fwrite(text, 1, bytes, stdout);
    fputc('\n', stdout);
  }
  free(text);
  return status;
}

static int run(int argc, char **argv)
{
  static const struct argp_option table[] = {
      {"output", 'o', "DIR", 0, "the new model", 1},
      {"layers", KEY_LAYERS, "WHICH", 0, "mlp, attn or all (default)", 1},
      {"rank", KEY_RANK, "R", 0, "keep the R largest singular values", 1},
      {"energy", KEY_ENERGY, "E", 0, "keep the fewest whose squares have this share, such as 0.99",
       1},
      {"bf16", KEY_BF16, 0, 0, "U and V in bf16 instead of fp32", 1},
      {0}};
  static const struct argp_child children[] = {{&cli_run_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL",
      "Decompose a model's linear layers, W = U diag(sigma) V^T: what experts apply to. An "
      "interrupted run goes on where it was when it is called again; --json prints the report of "
      "every matrix.\v"
      "example: svf decompose TinyLlama -o tinyllama-svf --layers mlp",
      children,
      NULL,
      NULL};
  options o = {.d = {.size = sizeof o.d}};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  o.d.progress = cli_progress;
  o.d.progress_context = &o.m.quiet;
  o.d.threads = o.m.model.threads;
  svf_status status = svf_model_decompose(o.dir, o.out, &o.d);
  cli_progress_end();
  if (status == SVF_OK && o.m.json) status = print_report(o.out);
  return status == SVF_OK ? EXIT_OK : cli_fail(name, status);
}

const svf_command command_decompose = {name, "a model's matrices in factors, once", run};
