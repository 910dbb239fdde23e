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
#include "src/cli/options.h"
#include "src/cli/show.h"

typedef struct options {
  model_options m;
  bool verify;
} options;

static const cli_option table[] = {
    {.name = "verify",
     .take = cli_take_flag,
     .at = offsetof(options, verify),
     .help = "read all packed layers and compare their checksums; damaged ones are named, exit "
             "status 1"},
    {0}};

/* --- Models ----------------------------------------------------------------------------------- */

static void print_model_json(const svf_model_info *i, const svf_modules *modules, bool verified)
{
  const char *quote = i->packed > 0 ? "\"" : "";
  printf("{\"schema\": %d, \"kind\": \"model\", \"architecture\": ", JSON_SCHEMA);
  cli_json_string(stdout, i->architecture, strlen(i->architecture));
  printf(
      ", \"parameters\": %zu, \"layers\": %zu, \"hidden\": %zu, \"intermediate\": %zu, "
      "\"heads\": %zu, \"kv_heads\": %zu, \"head_dim\": %zu, \"vocab\": %zu, \"context\": %zu, "
      "\"window\": %zu, \"linears\": %zu, \"factored\": %zu, \"packed\": %zu, "
      "\"format\": %s%s%s, \"group\": %zu, \"bits\": %.3f, \"gains\": %zu, \"fingerprint\": "
      "\"%016" PRIx64 "\", \"weight_bytes\": %zu",
      i->parameters, i->layers, i->hidden, i->intermediate, i->heads, i->kv_heads, i->head_dim,
      i->vocab, i->context, i->window, i->linears, i->factored, i->packed, quote,
      i->packed > 0 ? svf_format_name(i->format) : "null", quote, i->group, i->bits, modules->gains,
      modules->fingerprint, i->weight_bytes);
  if (verified) printf(", \"verified\": %zu", i->packed);
  puts("}");
}

static void print_model_text(const svf_model_info *i, const svf_modules *modules, bool verified)
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
  if (verified) printf("verified       all %zu packed layers\n", i->packed);
}

/* Names every packed layer that is damaged. */
static svf_status verify(const svf_model *model, const svf_model_info *info)
{
  size_t damaged = 0;
  if (info->packed == 0) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "--verify has no effect: no layer is packed, and only packed ones have "
                    "checksums");
  }
  for (size_t i = 0; i < info->linears; ++i) {
    if (svf_model_check_layer(model, i) == SVF_OK) continue;
    fprintf(stderr, "svf info: %s\n", svf_last_message());
    ++damaged;
  }
  if (damaged == 0) return SVF_OK;
  return cli_fail(SVF_ERR_FAILED, "%zu of %zu packed layers are damaged: pack the model again",
                  damaged, info->packed);
}

static svf_status print_model(const svf_model *model, const options *o)
{
  svf_model_info info = {.size = sizeof info};
  svf_status status = svf_model_get_info(model, &info);
  if (status == SVF_OK && o->verify) status = verify(model, &info);
  if (status != SVF_OK) return status;
  (o->m.json ? print_model_json : print_model_text)(&info, svf_model_modules(model), o->verify);
  return SVF_OK;
}

static svf_status describe_model(const char *path, options *o)
{
  svf_model *model = NULL;
  svf_status status = cli_open_model(path, &o->m, SVF_MODEL_OUTLINE, &model);
  if (status == SVF_OK) status = cli_fail_at(print_model(model, o), "%s", path);
  svf_model_close(model);
  return status;
}

/* --- Experts ---------------------------------------------------------------------------------- */

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

/* The first option that is given and only for models; NULL: none. */
static const char *option_of_models(const options *o)
{
  return o->m.format.given ? "--format"
         : o->m.group > 0  ? "--group"
         : o->m.no_mmap    ? "--no-mmap"
         : o->verify       ? "--verify"
                           : NULL;
}

static svf_status describe_expert(const char *path, const options *o)
{
  const char *option = option_of_models(o);
  if (option) {
    return cli_fail(SVF_ERR_ARGUMENT, "%s is a file: %s is for models, which are directories", path,
                    option);
  }
  svf_expert *expert = NULL;
  const svf_status status = svf_expert_open(path, &expert);
  if (status == SVF_OK) print_expert(expert, o->m.json);
  svf_expert_close(expert);
  return status;
}

/* --- Command ---------------------------------------------------------------------------------- */

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {{table, &o},
                              {cli_format_options, &o.m},
                              {cli_open_options, &o.m},
                              {cli_json_options, &o.m},
                              {0}};
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
    "packed weight), gains, fingerprint, weight_bytes, with --verify also verified (the packed "
    "layers, all of which are as they were packed); for an expert also modules, values, "
    "fingerprint, parametrisation, task.\n\n"
    "example: svf info tinyllama-svf",
    run};
