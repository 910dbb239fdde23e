/* SPDX-License-Identifier: Apache-2.0
 *
 * svf info: what a model or an expert is. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/cli/model_options.h"

static const char name[] = "info";

typedef struct options {
  model_options m;
  const char *path;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &o->m; return 0;
    case ARGP_KEY_ARG:
      if (o->path) argp_error(state, "one model or expert at a time");
      o->path = value;
      return 0;
    case ARGP_KEY_NO_ARGS: argp_usage(state); return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

static void print_model(const svf_model *model, bool json)
{
  svf_model_info i;
  svf_model_describe(model, &i);
  const svf_modules *modules = svf_model_modules(model);
  if (json) {
    printf("{\"schema\": %d, \"kind\": \"model\", \"architecture\": ", JSON_SCHEMA);
    cli_json_string(stdout, i.architecture, strlen(i.architecture));
    printf(
        ", \"parameters\": %zu, \"layers\": %zu, \"hidden\": %zu, \"intermediate\": %zu, "
        "\"heads\": %zu, \"kv_heads\": %zu, \"head_dim\": %zu, \"vocab\": %zu, \"context\": %zu, "
        "\"window\": %zu, \"linears\": %zu, \"factored\": %zu, \"packed\": %zu, \"format\": "
        "%s%s%s, "
        "\"gains\": %zu, "
        "\"fingerprint\": \"%016" PRIx64 "\", \"weight_bytes\": %zu}\n",
        i.parameters, i.layers, i.hidden, i.intermediate, i.heads, i.kv_heads, i.head_dim, i.vocab,
        i.context, i.window, i.linears, i.factored, i.packed, i.packed > 0 ? "\"" : "",
        i.packed > 0 ? svf_format_name(i.format) : "null", i.packed > 0 ? "\"" : "", modules->gains,
        modules->fingerprint, i.weight_bytes);
    return;
  }
  printf("architecture   %s\n", i.architecture);
  printf("parameters     %.1f M\n", (double)i.parameters / 1e6);
  printf("layers         %zu of hidden %zu, intermediate %zu\n", i.layers, i.hidden,
         i.intermediate);
  printf("heads          %zu on %zu kv heads of %zu\n", i.heads, i.kv_heads, i.head_dim);
  printf("vocabulary     %zu\n", i.vocab);
  printf("context        %zu", i.context);
  if (i.window > 0) printf(", sliding window %zu", i.window);
  printf("\nlinear layers  %zu, %zu of them in factors", i.linears, i.factored);
  if (i.packed > 0) printf(", packed as %s", svf_format_name(i.format));
  putchar('\n');
  if (i.factored > 0) {
    printf("an expert      %zu values, fingerprint %016" PRIx64 "\n", modules->gains,
           modules->fingerprint);
  }
  printf("read per token %.1f MB of weights\n", (double)i.weight_bytes / 1e6);
}

static void print_expert(const svf_expert *expert, bool json)
{
  const svf_expert_info *i = svf_expert_describe(expert);
  const bool sigmoid = i->parametrisation == SVF_PARAMETERS_SIGMOID;
  size_t values = 0;
  for (size_t k = 0; k < svf_expert_count(expert); ++k) values += svf_expert_at(expert, k)->r;
  if (json) {
    printf(
        "{\"schema\": %d, \"kind\": \"expert\", \"modules\": %zu, \"values\": %zu, "
        "\"fingerprint\": \"%016" PRIx64 "\", \"parametrisation\": \"%s\", \"task\": ",
        JSON_SCHEMA, svf_expert_count(expert), values, i->factors, sigmoid ? "sigmoid" : "direct");
    cli_json_string(stdout, i->task ? i->task : "", i->task ? strlen(i->task) : 0);
    puts("}");
    return;
  }
  printf("expert         of %zu modules, %zu values\n", svf_expert_count(expert), values);
  printf("belongs to     %016" PRIx64 "\n", i->factors);
  printf("z              %s%s\n", sigmoid ? "sigmoid of parameters" : "direct",
         i->normalise ? ", normalised" : "");
  if (i->task) printf("task           %s\n", i->task);
  if (i->trained) printf("trained        %s\n", i->trained);
}

static int run(int argc, char **argv)
{
  static const struct argp_child children[] = {{&cli_model_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      NULL,
      take,
      "MODEL|EXPERT",
      "Say what a model's directory or an expert's file is.\vexample: svf info tinyllama-svf",
      children,
      NULL,
      NULL};
  options o = {0};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  struct stat s;
  svf_status status;
  if (stat(o.path, &s) == 0 && !S_ISDIR(s.st_mode)) {
    svf_expert *expert = NULL;
    status = svf_expert_open(o.path, &expert);
    if (status == SVF_OK) print_expert(expert, o.m.json);
    svf_expert_close(expert);
  } else {
    svf_model *model = NULL;
    o.m.model.flags |= SVF_MODEL_OUTLINE;
    status = cli_open_model(o.path, &o.m, &model);
    if (status == SVF_OK) print_model(model, o.m.json);
    svf_model_close(model);
  }
  return status == SVF_OK ? EXIT_OK : cli_fail(name, status);
}

const svf_command command_info = {name, "what a model or an expert is", run};
