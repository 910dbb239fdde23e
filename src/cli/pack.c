/* SPDX-License-Identifier: Apache-2.0
 *
 * svf pack: a model that starts at once. */
#define _GNU_SOURCE
#include <svf/model_files.h>

#include "src/cli/model_options.h"

static const char name[] = "pack";

enum { KEY_BITS = 512 };

typedef struct options {
  model_options m;
  const char *dir, *out;
  float bits;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &o->m; return 0;
    case 'o': o->out = value; return 0;
    case KEY_BITS:
      if (!cli_parse_float(value, &o->bits) || o->bits <= 0) {
        argp_error(state, "--bits=%s: a number such as 4.9", value);
      }
      return 0;
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

static int run(int argc, char **argv)
{
  static const struct argp_option table[] = {
      {"output", 'o', "DIR", 0, "the new model", 1},
      {"bits", KEY_BITS, "B", 0, "w84: average bits of a weight of the layers in factors", 1},
      {0}};
  static const struct argp_child children[] = {
      {&cli_format_argp, 0, NULL, 0}, {&cli_run_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL",
      "Pack a model's linear layers, dense or in factors, into one file that is mapped and run.\v"
      "example: svf pack tinyllama-svf -o tinyllama-w4 --format w4 --group 64",
      children,
      NULL,
      NULL};
  options o = {0};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  o.m.model.progress = cli_progress;
  o.m.model.progress_context = &o.m.quiet;
  const svf_status status = svf_model_pack(o.dir, o.out, &o.m.model, (double)o.bits);
  cli_progress_end();
  if (status == SVF_OK) cli_print_made(o.out, o.m.json);
  return status == SVF_OK ? EXIT_OK : cli_fail(name, status);
}

const svf_command command_pack = {name, "a model that starts at once, in any format", run};
