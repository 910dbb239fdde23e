/* SPDX-License-Identifier: Apache-2.0
 *
 * svf info: what a model or an expert is. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "src/cli/fail.h"
#include "src/cli/json.h"
#include "src/cli/model_options.h"
#include "src/cli/show.h"

static void print_model_json(const svf_model_info *i, const svf_modules *modules)
{
  const char *quote = i->packed > 0 ? "\"" : "";
  printf("{\"schema\": %d, \"kind\": \"model\", \"architecture\": ", JSON_SCHEMA);
  cli_json_string(stdout, i->architecture, strlen(i->architecture));
  printf(
      ", \"parameters\": %zu, \"layers\": %zu, \"hidden\": %zu, \"intermediate\": %zu, "
      "\"heads\": %zu, \"kv_heads\": %zu, \"head_dim\": %zu, \"vocab\": %zu, \"context\": %zu, "
      "\"window\": %zu, \"linears\": %zu, \"factored\": %zu, \"packed\": %zu, "
      "\"format\": %s%s%s, \"group\": %zu, \"bits\": %.3f, \"gains\": %zu, \"fingerprint\": "
      "\"%016" PRIx64 "\", \"weight_bytes\": %zu}\n",
      i->parameters, i->layers, i->hidden, i->intermediate, i->heads, i->kv_heads, i->head_dim,
      i->vocab, i->context, i->window, i->linears, i->factored, i->packed, quote,
      i->packed > 0 ? svf_format_name(i->format) : "null", quote, i->group, i->bits, modules->gains,
      modules->fingerprint, i->weight_bytes);
}

static void print_model_text(const svf_model_info *i, const svf_modules *modules)
{
  printf("architecture   %s\n", i->architecture);
  printf("parameters     %.1f M\n", (double)i->parameters / 1e6);
  printf("layers         %zu of hidden %zu, intermediate %zu\n", i->layers, i->hidden,
         i->intermediate);
  printf("heads          %zu on %zu kv heads of %zu\n", i->heads, i->kv_heads, i->head_dim);
  printf("vocabulary     %zu\n", i->vocab);
  printf("context        %zu", i->context);
  if (i->window > 0) printf(", sliding window %zu", i->window);
  printf("\nlinear layers  %zu, %zu of them in factors", i->linears, i->factored);
  if (i->packed > 0) {
    printf(", packed as %s", svf_format_name(i->format));
    if (i->group > 0) printf(" in groups of %zu", i->group);
    printf(", %.2f bits a weight", i->bits);
  }
  putchar('\n');
  if (i->factored > 0) {
    printf("an expert      %zu values, fingerprint %016" PRIx64 "\n", modules->gains,
           modules->fingerprint);
  }
  printf("read per token %.1f MB of weights\n", (double)i->weight_bytes / 1e6);
}

static svf_status print_model(const svf_model *model, bool json)
{
  svf_model_info info = {.size = sizeof info};
  const svf_status status = svf_model_get_info(model, &info);
  if (status != SVF_OK) return status;
  (json ? print_model_json : print_model_text)(&info, svf_model_modules(model));
  return SVF_OK;
}

static void print_text(const char *title, const char *text)
{
  if (!text) return;
  fputs(title, stdout);
  cli_show(stdout, text);
  fputc('\n', stdout);
}

static void print_expert(const svf_expert *expert, bool json)
{
  svf_expert_info i = {.size = sizeof i};
  svf_expert_get_info(expert, &i);
  const bool sigmoid = i.parametrisation == SVF_PARAMETERS_SIGMOID;
  size_t values = 0;
  for (size_t k = 0; k < svf_expert_count(expert); ++k) values += svf_expert_at(expert, k)->r;
  if (json) {
    printf(
        "{\"schema\": %d, \"kind\": \"expert\", \"modules\": %zu, \"values\": %zu, "
        "\"fingerprint\": \"%016" PRIx64 "\", \"parametrisation\": \"%s\", \"task\": ",
        JSON_SCHEMA, svf_expert_count(expert), values, i.factors, sigmoid ? "sigmoid" : "direct");
    cli_json_string(stdout, i.task ? i.task : "", i.task ? strlen(i.task) : 0);
    puts("}");
    return;
  }
  printf("expert         of %zu modules, %zu values\n", svf_expert_count(expert), values);
  printf("belongs to     %016" PRIx64 "\n", i.factors);
  printf("z              %s%s\n", sigmoid ? "sigmoid of parameters" : "direct",
         i.normalise ? ", normalised" : "");
  print_text("task           ", i.task);
  print_text("trained        ", i.trained);
}

static svf_status describe_expert(const char *path, const model_options *o)
{
  if (o->format.given || o->group > 0 || o->no_mmap) {
    return cli_fail(SVF_ERR_ARGUMENT, "%s is a file: %s is for models, which are directories", path,
                    o->format.given ? "--format"
                    : o->group > 0  ? "--group"
                                    : "--no-mmap");
  }
  svf_expert *expert = NULL;
  const svf_status status = svf_expert_open(path, &expert);
  if (status == SVF_OK) print_expert(expert, o->json);
  svf_expert_close(expert);
  return status;
}

static svf_status describe_model(const char *path, model_options *o)
{
  svf_model *model = NULL;
  svf_status status = cli_open_model(path, o, SVF_MODEL_OUTLINE, &model);
  if (status == SVF_OK) status = print_model(model, o->json);
  svf_model_close(model);
  return status;
}

static int run(int argc, char **argv)
{
  model_options o = cli_model_defaults();
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {
      {cli_format_options, &o}, {cli_open_options, &o}, {cli_json_options, &o}, {0}};
  cli_parse(command_info.arguments, command_info.help, groups, argc, argv, &words);
  const char *path = words.word[0];
  struct stat s;
  const bool is_file = stat(path, &s) == 0 && !S_ISDIR(s.st_mode);
  return cli_end(&command_info, is_file ? describe_expert(path, &o) : describe_model(path, &o));
}

const svf_command command_info = {
    "info", "what a model or an expert is", "MODEL|EXPERT",
    "Describe a model's directory or an expert's file.\v"
    "--json: an object of schema and kind; for a model also architecture, parameters, layers, "
    "hidden, intermediate, heads, kv_heads, head_dim, vocab, context, window, linears, factored, "
    "packed, format (null if nothing is packed), group (0 in formats without groups), bits (per "
    "packed weight), gains, fingerprint, weight_bytes; for an expert also modules, values, "
    "fingerprint, parametrisation, task.\n\n"
    "example: svf info tinyllama-svf",
    run};
