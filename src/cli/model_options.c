/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/model_options.h"

#include <stdlib.h>
#include <string.h>

#include <svf/matmul.h>

#include "src/core/status.h"
#include "src/io/file.h"

enum { KEY_GROUP = 256, KEY_THREADS, KEY_NO_MMAP, KEY_JSON, KEY_MIX, KEY_SCALE, KEY_UNPAIRED };

void cli_model_defaults(model_options *o)
{
  *o = (model_options){.scale = 1, .model = {.size = sizeof o->model}};
}

bool cli_parse_format(const char *text, svf_format *format)
{
  for (int i = 0; i < SVF_FORMAT_COUNT; ++i) {
    *format = (svf_format)i;
    if (strcmp(svf_format_name(*format), text) == 0) return true;
  }
  return false;
}

static error_t take_run(int key, char *value, struct argp_state *state)
{
  model_options *o = state->input;
  switch (key) {
    case KEY_THREADS:
      if (!cli_parse_size(value, &o->model.threads) || o->model.threads > 4096) {
        argp_error(state, "--threads=%s: a number up to 4096", value);
      }
      return 0;
    case KEY_JSON: o->json = true; return 0;
    case 'q': o->quiet = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_run_argp = {
    (const struct argp_option[]){
        {"threads", KEY_THREADS, "N", 0, "threads (default: one per processor)", 10},
        {"json", KEY_JSON, 0, 0, "JSON on standard output", 10},
        {"quiet", 'q', 0, 0, "no progress", 10},
        {0}},
    take_run,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL};

static error_t take_format(int key, char *value, struct argp_state *state)
{
  model_options *o = state->input;
  switch (key) {
    case 'f':
      if (!cli_parse_format(value, &o->model.format)) {
        argp_error(state, "--format=%s: known are f32, bf16, bf16-split, s8, s8-split, w8, w4, w84",
                   value);
      }
      return 0;
    case KEY_GROUP:
      if (!cli_parse_size(value, &o->model.quant.group)) {
        argp_error(state, "--group=%s: 32, 64 or 128", value);
      }
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_format_argp = {
    (const struct argp_option[]){
        {"format", 'f', "FORMAT", 0,
         "pack what is not packed yet as f32 (default), bf16, bf16-split, s8, s8-split, w8, w4, "
         "w84",
         10},
        {"group", KEY_GROUP, "N", 0, "weights that share a scale in w8, w4, w84: 32, 64, 128", 10},
        {0}},
    take_format,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL};

static error_t take_model(int key, char *value, struct argp_state *state)
{
  model_options *o = state->input;
  (void)value;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = o; return 0;
    case KEY_NO_MMAP: o->model.flags |= SVF_MODEL_NO_MMAP; return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_model_argp = {
    (const struct argp_option[]){
        {"no-mmap", KEY_NO_MMAP, 0, 0, "read files into memory instead of mapping them", 10}, {0}},
    take_model,
    NULL,
    NULL,
    (const struct argp_child[]){{&cli_format_argp, 0, NULL, 0}, {&cli_run_argp, 0, NULL, 0}, {0}},
    NULL,
    NULL};

static error_t take_expert(int key, char *value, struct argp_state *state)
{
  model_options *o = state->input;
  switch (key) {
    case 'e': o->expert = value; return 0;
    case KEY_MIX: o->mix = value; return 0;
    case KEY_SCALE:
      if (!cli_parse_float(value, &o->scale)) argp_error(state, "--scale=%s: a number", value);
      return 0;
    case KEY_UNPAIRED: o->unpaired = true; return 0;
    case ARGP_KEY_END:
      if (o->expert && o->mix) argp_error(state, "--expert and --mix exclude each other");
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

const struct argp cli_expert_argp = {
    (const struct argp_option[]){
        {"expert", 'e', "FILE", 0, "run with this expert", 20},
        {"scale", KEY_SCALE, "S", 0, "1 is the expert (default), 0 the base model", 20},
        {"mix", KEY_MIX, "A=0.7,B=0.3", 0, "run with this mixture of expert files; 'base' is one",
         20},
        {"unpaired", KEY_UNPAIRED, 0, 0, "take an expert although it was made for other factors",
         20},
        {0}},
    take_expert,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL};

/* --- Opening -----------------------------------------------------------------------------------
 */

svf_status cli_open_model(const char *dir, model_options *o, svf_model **model)
{
  o->model.progress = cli_progress;
  o->model.progress_context = &o->quiet;
  const svf_status status = svf_model_open(dir, &o->model, model);
  cli_progress_end();
  return status;
}

/* --- Gains -------------------------------------------------------------------------------------
 */

enum { MIX_MAX = 64 };

typedef struct mixture {
  svf_expert *expert[MIX_MAX]; /* NULL: the identity, "base" */
  float alpha[MIX_MAX];
  size_t count;
} mixture;

static svf_status open_expert(const char *path, const svf_modules *modules, unsigned flags,
                              svf_expert **expert)
{
  const svf_status status = svf_expert_open(path, expert);
  if (status != SVF_OK) return status;
  return svf_file_at_path(svf_expert_check(*expert, modules, flags), path);
}

static svf_status add_part(mixture *m, char *part, const svf_modules *modules, unsigned flags)
{
  char *equals = strrchr(part, '=');
  if (m->count == MIX_MAX) return svf_fail(SVF_ERR_ARGUMENT, "more than %d experts", MIX_MAX);
  if (!equals || !cli_parse_float(equals + 1, &m->alpha[m->count])) {
    return svf_fail(SVF_ERR_ARGUMENT, "'%s' is not FILE=NUMBER", part);
  }
  *equals = 0;
  svf_expert **to = &m->expert[m->count++];
  return strcmp(part, "base") == 0 ? SVF_OK : open_expert(part, modules, flags, to);
}

static svf_status read_mixture(const char *text, const svf_modules *modules, unsigned flags,
                               mixture *m)
{
  char *copy = strdup(text), *rest = copy;
  svf_status status = copy ? SVF_OK : svf_fail(SVF_ERR_MEMORY, "no memory for a mixture");
  for (char *part; status == SVF_OK && (part = strsep(&rest, ",")) != NULL;) {
    status = add_part(m, part, modules, flags);
  }
  free(copy);
  return status;
}

static svf_status mixed_gains(const svf_modules *modules, const char *text, unsigned flags,
                              float *gains)
{
  mixture m = {{0}, {0}, 0};
  svf_status status = read_mixture(text, modules, flags, &m);
  if (status == SVF_OK) {
    status = svf_experts_mix_gains((const svf_expert *const *)m.expert, m.count, m.alpha, 0,
                                   modules, flags, gains);
  }
  for (size_t i = 0; i < m.count; ++i) svf_expert_close(m.expert[i]);
  return status;
}

static svf_status expert_gains(const svf_modules *modules, const char *path, float scale,
                               unsigned flags, float *gains)
{
  svf_expert *expert = NULL;
  svf_status status = open_expert(path, modules, flags, &expert);
  if (status == SVF_OK) status = svf_expert_gains(expert, modules, scale, flags, gains);
  svf_expert_close(expert);
  return status;
}

svf_status cli_load_gains(const svf_modules *modules, const char *expert, const char *mix,
                          float scale, bool unpaired, float **gains)
{
  const unsigned flags = unpaired ? SVF_EXPERT_UNPAIRED : 0;
  *gains = NULL;
  if (!expert && !mix) return SVF_OK;
  if (modules->count == 0) {
    return svf_fail(SVF_ERR_ARGUMENT,
                    "the model is dense and takes no expert: 'svf decompose' makes one that does");
  }
  *gains = malloc(modules->gains * sizeof **gains);
  if (!*gains) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu gains", modules->gains);
  const svf_status status = expert ? expert_gains(modules, expert, scale, flags, *gains)
                                   : mixed_gains(modules, mix, flags, *gains);
  if (status != SVF_OK) {
    free(*gains);
    *gains = NULL;
  }
  return status;
}
