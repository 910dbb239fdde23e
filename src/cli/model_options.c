/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/model_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <svf/matmul.h>

#include "src/cli/fail.h"

model_options cli_model_defaults(void) { return (model_options){.scale = {.value = 1}}; }

/* --- Tables ----------------------------------------------------------------------------------- */

/* A team has at most four threads for each processor, see svf_max_threads: more would only take
 * memory. */
static bool take_threads(const char *value, void *to)
{
  enum { PER_PROCESSOR = 4 };
  size_t *threads = to;
  if (!cli_take_size(value, threads) || *threads > 4096) return false;
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  const size_t most = PER_PROCESSOR * (size_t)(online > 0 ? online : 1);
  if (*threads > most) *threads = most;
  return true;
}

#define JSON_OPTION                                                             \
  {                                                                             \
    .name = "json", .take = cli_take_flag, .at = offsetof(model_options, json), \
    .help = "JSON on standard output"                                           \
  }

const cli_option cli_json_options[] = {JSON_OPTION, {0}};

const cli_option cli_run_options[] = {
    {.name = "threads",
     .value = "N",
     .take = take_threads,
     .at = offsetof(model_options, threads),
     .help = "threads, at most four per processor; 0, the default: one per processor",
     .values = "must be a whole number, 0 to 4096"},
    JSON_OPTION,
    {.name = "quiet",
     .letter = 'q',
     .take = cli_take_flag,
     .at = offsetof(model_options, quiet),
     .help = "show no progress"},
    {0}};

static svf_format_traits traits_at(size_t i)
{
  svf_format_traits t = {.size = sizeof t};
  svf_format_get_traits(svf_format_at(i), &t);
  return t;
}

static bool any_format(const svf_format_traits *t) { return t->size > 0; }
static bool has_bands(const svf_format_traits *t) { return t->bands; }
static bool has_groups(const svf_format_traits *t) { return t->group_count > 1; }

static void list_formats(bool (*wanted)(const svf_format_traits *), char *text, size_t bytes)
{
  text[0] = 0;
  for (size_t i = 0; i < svf_format_count(); ++i) {
    const svf_format_traits t = traits_at(i);
    const size_t at = strlen(text);
    if (!wanted(&t)) continue;
    snprintf(text + at, bytes - at, "%s%s", at > 0 ? ", " : "", t.name);
  }
}

enum { LIST = 192 };

const char *cli_formats(void)
{
  static char text[LIST];
  list_formats(any_format, text, sizeof text);
  return text;
}

const char *cli_banded_formats(void)
{
  static char text[LIST];
  list_formats(has_bands, text, sizeof text);
  return text;
}

static const char *grouped_formats(void)
{
  static char text[LIST];
  list_formats(has_groups, text, sizeof text);
  return text;
}

static bool take_format(const char *value, void *to)
{
  model_options *o = to;
  o->format.given = true;
  return svf_format_parse(value, &o->format.value) == SVF_OK;
}

/* The format with the most sizes of a group to choose from. */
static svf_format_traits most_groups(void)
{
  svf_format_traits most = traits_at(0);
  for (size_t i = 1; i < svf_format_count(); ++i) {
    const svf_format_traits t = traits_at(i);
    if (t.group_count > most.group_count) most = t;
  }
  return most;
}

static const char *list_groups(void)
{
  static char text[LIST];
  const svf_format_traits t = most_groups();
  text[0] = 0;
  for (size_t i = 0; i < t.group_count; ++i) {
    const size_t at = strlen(text);
    const char *between = i == 0 ? "" : i + 1 < t.group_count ? ", " : " or ";
    snprintf(text + at, sizeof text - at, "%s%zu", between, t.groups[i]);
  }
  return text;
}

static bool take_group(const char *value, void *to)
{
  const svf_format_traits t = most_groups();
  if (!cli_take_size(value, to)) return false;
  for (size_t i = 0; i < t.group_count; ++i) {
    if (t.groups[i] == *(const size_t *)to) return true;
  }
  return false;
}

const cli_option cli_format_options[] = {
    {.name = "format",
     .letter = 'f',
     .value = "FORMAT",
     .take = take_format,
     .help = "pack what is not packed yet (default f32) as one of ",
     .values = "known are ",
     .list = cli_formats},
    {.name = "group",
     .value = "N",
     .take = take_group,
     .at = offsetof(model_options, group),
     .help = "weights that share a scale, in formats with a choice: ",
     .values = "must be ",
     .list = list_groups},
    {0}};

const cli_option cli_open_options[] = {{.name = "no-mmap",
                                        .take = cli_take_flag,
                                        .at = offsetof(model_options, no_mmap),
                                        .help = "read files into memory instead of mapping them"},
                                       {0}};

static bool take_scale(const char *value, void *to)
{
  model_options *o = to;
  o->scale.given = true;
  return cli_take_float(value, &o->scale.value);
}

const cli_option cli_expert_options[] = {
    {.name = "expert",
     .letter = 'e',
     .value = "FILE",
     .take = cli_take_text,
     .at = offsetof(model_options, expert),
     .help = "run with this expert",
     .once = true},
    {.name = "scale",
     .value = "S",
     .take = take_scale,
     .help = "how much of --expert to apply: 1, the default, is all of it, 0 the base model",
     .values = "must be a number"},
    {.name = "mix",
     .value = "A=0.7,B=0.3",
     .take = cli_take_text,
     .at = offsetof(model_options, mix),
     .help = "run with this mixture of expert files; 'base' is the base model",
     .once = true},
    {.name = "unpaired",
     .take = cli_take_flag,
     .at = offsetof(model_options, unpaired),
     .help = "accept an expert that was made for other factors"},
    {0}};

void cli_model_groups(cli_group groups[CLI_MODEL_GROUPS], const cli_option *own, void *to,
                      model_options *m)
{
  const cli_group all[CLI_MODEL_GROUPS] = {{own, to},
                                           {cli_format_options, m},
                                           {cli_open_options, m},
                                           {cli_run_options, m},
                                           {cli_expert_options, m}};
  for (int i = 0; i < CLI_MODEL_GROUPS; ++i) groups[i] = all[i];
}

svf_status cli_check_expert(const model_options *o)
{
  const char *reason = NULL;
  if (o->expert && o->mix) {
    reason = "--expert and --mix exclude each other";
  } else if (o->scale.given && o->mix) {
    reason = "--scale has no effect on --mix, where every expert has a number of its own";
  } else if (o->scale.given && !o->expert) {
    reason = "--scale has no effect without --expert";
  } else if (o->unpaired && !o->expert && !o->mix) {
    reason = "--unpaired has no effect without --expert or --mix";
  }
  return reason ? cli_fail(SVF_ERR_ARGUMENT, "%s", reason) : SVF_OK;
}

/* --- Opening ---------------------------------------------------------------------------------- */

svf_model_options cli_library_options(model_options *o, unsigned flags)
{
  return (svf_model_options){.size = sizeof(svf_model_options),
                             .format = o->format.value,
                             .quant = {.group = o->group},
                             .threads = o->threads,
                             .flags = flags | (o->no_mmap ? SVF_MODEL_NO_MMAP : 0),
                             .progress = cli_progress,
                             .progress_context = &o->quiet};
}

static bool has_group(const svf_format_traits *t, size_t group)
{
  bool found = false;
  for (size_t i = 0; i < t->group_count; ++i) found = found || t->groups[i] == group;
  return found;
}

svf_status cli_check_group(const model_options *o)
{
  svf_format_traits t = {.size = sizeof t};
  const svf_status status = svf_format_get_traits(o->format.value, &t);
  if (status != SVF_OK || o->group == 0 || has_group(&t, o->group)) return status;
  return cli_fail(SVF_ERR_ARGUMENT,
                  "--group=%zu has no effect in the format %s: it is for --format %s", o->group,
                  t.name, grouped_formats());
}

svf_status cli_open_tokenizer(const char *dir, svf_tokenizer **tokenizer)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_model *model = NULL;
  struct stat s;
  const bool is_file = stat(dir, &s) == 0 && !S_ISDIR(s.st_mode);
  const svf_status status = is_file ? SVF_ERR_IO : svf_tokenizer_open(dir, tokenizer);
  if (status != SVF_ERR_IO) return status;
  char reason[512];
  snprintf(reason, sizeof reason, "%s", svf_last_message());
  const svf_status other = svf_model_open(dir, &outline, &model); /* says what is there instead */
  svf_model_close(model);
  return other == SVF_OK ? svf_set_message(status, reason) : other;
}

/* True if a layer is packed like this, or not packed yet. One layer is enough: a model in w84 has
 * layers in w4, too. */
static bool has_layer(const svf_model *m, const svf_format *format, size_t group)
{
  svf_layer_info l = {.size = sizeof l};
  for (size_t i = 0; svf_model_layer_at(m, i, &l) == SVF_OK; ++i) {
    if (!l.packed) return true;
    if (format && l.format == *format) return true;
    if (group > 0 && l.group == group) return true;
  }
  return false;
}

static svf_status check_format(const char *dir, const model_options *o, const svf_model *model)
{
  svf_model_info info = {.size = sizeof info};
  const char *option = NULL;
  if (o->group > 0 && !has_layer(model, NULL, o->group)) option = "--group";
  if (o->format.given && !has_layer(model, &o->format.value, 0)) option = "--format";
  const svf_status status = option ? svf_model_get_info(model, &info) : SVF_OK;
  if (!option || status != SVF_OK) return status;
  return cli_fail_at(cli_fail(SVF_ERR_ARGUMENT, "%s has no effect: the model is packed as %s",
                              option, svf_format_name(info.format)),
                     "%s", dir);
}

static svf_status warn_untied(const char *dir, const svf_model *model)
{
  svf_model_info info = {.size = sizeof info};
  const svf_status status = svf_model_get_info(model, &info);
  if (status == SVF_OK && info.untied) {
    fprintf(stderr,
            "svf: %s: config.json ties lm_head to the embedding, but the files have another "
            "lm_head.weight, which is used\n",
            dir);
  }
  return status;
}

svf_status cli_open_model(const char *dir, model_options *o, unsigned flags, svf_model **model)
{
  const svf_model_options options = cli_library_options(o, flags);
  svf_status status = svf_model_open(dir, &options, model);
  cli_progress_end();
  if (status == SVF_ERR_ARGUMENT && cli_check_group(o) != SVF_OK) return status;
  if (status == SVF_OK) status = warn_untied(dir, *model);
  if (status == SVF_OK) status = check_format(dir, o, *model);
  return status;
}

/* What an expert changes is a few per cent of Y, and drowns where T has no more than 8 digits. */
static bool loses_experts(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  return svf_format_get_traits(format, &t) == SVF_OK && t.t_precision <= 8;
}

void cli_remark_format(const svf_command *command, const svf_model *model, const model_options *o)
{
  svf_layer_info l = {.size = sizeof l};
  for (size_t i = 0; !o->quiet && svf_model_layer_at(model, i, &l) == SVF_OK; ++i) {
    const svf_format format = l.packed ? l.format : o->format.value;
    if (l.r == 0 || !loses_experts(format)) continue;
    fprintf(stderr,
            "svf %s: the format %s loses a good part of what an expert changes: w8 keeps it\n",
            command->name, svf_format_name(format));
    return;
  }
}

svf_status cli_check_tokens(const svf_model *model, const int32_t *tokens, size_t count)
{
  svf_model_info info = {.size = sizeof info};
  const svf_status status = svf_model_get_info(model, &info);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < count; ++i) {
    if (tokens[i] >= 0 && (size_t)tokens[i] < info.vocab) continue;
    return cli_fail(SVF_ERR_FILE,
                    "tokenizer.json has a token %d, but the model has only %zu: it belongs to "
                    "another model",
                    (int)tokens[i], info.vocab);
  }
  return SVF_OK;
}

/* --- Gains ------------------------------------------------------------------------------------ */

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
  return cli_fail_at(svf_expert_check(*expert, modules, flags), "%s", path);
}

/* FILE=NUMBER; *number becomes the beginning of the number. */
static svf_status split_part(char *part, char **number)
{
  char *equals = strrchr(part, '=');
  const cli_short shown = cli_shorten(part);
  if (!*part) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "--mix: a part is empty, as it is after a comma too many; expected "
                    "FILE=NUMBER,...");
  }
  if (equals == part) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "--mix: the name before '%s' is empty, expected FILE=NUMBER,...", shown.text);
  }
  if (!equals) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "'%s' is not FILE=NUMBER, as in '%s=0.7'; for one expert alone use --expert",
                    shown.text, shown.text);
  }
  *number = equals + 1;
  return SVF_OK;
}

static svf_status add_part(mixture *m, char *part, const svf_modules *modules, unsigned flags)
{
  char *number = NULL;
  if (m->count == MIX_MAX) return cli_fail(SVF_ERR_ARGUMENT, "more than %d experts", MIX_MAX);
  const svf_status status = split_part(part, &number);
  if (status != SVF_OK) return status;
  if (!cli_take_float(number, &m->alpha[m->count])) {
    return cli_fail(SVF_ERR_ARGUMENT, "'%s' is not FILE=NUMBER: '%s' is no number",
                    cli_shorten(part).text, cli_shorten(number).text);
  }
  number[-1] = 0;
  svf_expert **to = &m->expert[m->count++];
  return strcmp(part, "base") == 0 ? SVF_OK : open_expert(part, modules, flags, to);
}

/* The numbers count in proportion to their sum, which therefore has a sign. */
static svf_status check_sum(const mixture *m)
{
  double sum = 0;
  bool any = false;
  for (size_t i = 0; i < m->count; ++i) {
    sum += (double)m->alpha[i];
    any = any || m->alpha[i] != 0;
  }
  if (sum > 0) return SVF_OK;
  if (!any)
    return cli_fail(SVF_ERR_ARGUMENT, "each number of the mixture is 0 (alpha is 0 everywhere)");
  return cli_fail(SVF_ERR_ARGUMENT,
                  "the numbers of the mixture add up to %g: they count in proportion to their sum, "
                  "which must be more than 0",
                  sum);
}

static svf_status read_mixture(const char *text, const svf_modules *modules, unsigned flags,
                               mixture *m)
{
  if (!*text) return cli_fail(SVF_ERR_ARGUMENT, "--mix is empty, expected FILE=NUMBER,...");
  char *copy = strdup(text), *rest = copy;
  svf_status status = copy ? SVF_OK : cli_fail(SVF_ERR_MEMORY, "no memory for a mixture");
  for (char *part; status == SVF_OK && (part = strsep(&rest, ",")) != NULL;) {
    status = add_part(m, part, modules, flags);
  }
  free(copy);
  return status == SVF_OK ? check_sum(m) : status;
}

static svf_status mixed_gains(const svf_modules *modules, const char *text, unsigned flags,
                              float *gains)
{
  mixture m = {{0}, {0}, 0};
  svf_status status = read_mixture(text, modules, flags, &m);
  if (status == SVF_OK) {
    const svf_mixture mixed = {.size = sizeof mixed,
                               .count = m.count,
                               .experts = (const svf_expert *const *)m.expert,
                               .alpha = m.alpha};
    status = svf_mixture_gains(&mixed, modules, flags, gains);
    if (status == SVF_ERR_NUMERIC) status = SVF_ERR_ARGUMENT; /* not a file's numbers, but these */
  }
  for (size_t i = 0; i < m.count; ++i) svf_expert_close(m.expert[i]);
  return status;
}

static svf_status expert_gains(const svf_modules *modules, const char *path, float scale,
                               unsigned flags, float *gains)
{
  svf_expert *expert = NULL;
  svf_status status = open_expert(path, modules, flags, &expert);
  if (status == SVF_OK) status = svf_expert_gains(expert, scale, modules, flags, gains);
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
    return cli_fail(SVF_ERR_ARGUMENT,
                    "the model is dense and takes no expert: 'svf decompose' makes one that does");
  }
  *gains = malloc(modules->gains * sizeof **gains);
  if (!*gains) return cli_fail(SVF_ERR_MEMORY, "no memory for %zu gains", modules->gains);
  const svf_status status = expert ? expert_gains(modules, expert, scale, flags, *gains)
                                   : mixed_gains(modules, mix, flags, *gains);
  if (status != SVF_OK) {
    free(*gains);
    *gains = NULL;
  }
  return status;
}
