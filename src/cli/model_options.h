/* SPDX-License-Identifier: Apache-2.0
 *
 * The options by which commands open a model and choose an expert. */
#ifndef SVF_CLI_MODEL_OPTIONS_H
#define SVF_CLI_MODEL_OPTIONS_H

#include "src/cli/cli.h"
#include "src/cli/options.h"

typedef struct model_options {
  bool json, quiet;
  size_t threads;
  bool no_mmap;
  struct {
    bool given;
    svf_format value;
  } format;
  size_t group; /* 0: not given */
  const char *expert, *mix;
  struct {
    bool given;
    float value; /* 1 if it is not */
  } scale;       /* of `expert` */
  bool unpaired; /* take experts of other factors */
} model_options;

/* Defaults. */
model_options cli_model_defaults(void);

/* Tables whose offsets are in a model_options. */
extern const cli_option cli_run_options[];    /* --threads, --json, --quiet */
extern const cli_option cli_format_options[]; /* --format, --group */
extern const cli_option cli_open_options[];   /* --no-mmap */
extern const cli_option cli_expert_options[]; /* --expert, --mix, --scale, --unpaired */

/* Names of formats, as lists for help: all of them; those in two bands. */
const char *cli_formats(void);
const char *cli_banded_formats(void);

/* The row of commands that make a model, whose options are a `type` with a member `out`. */
#define CLI_OUTPUT_OPTION(type)                                             \
  {                                                                         \
    .name = "output", .letter = 'o', .value = "DIR", .take = cli_take_text, \
    .at = offsetof(type, out), .help = "the new model", .needed = true      \
  }

/* The groups of a command that runs a model with an expert: its own options, those of a table whose
 * offsets are in *to, then all of the above, and the end. */
enum { CLI_MODEL_GROUPS = 6 };
void cli_model_groups(cli_group groups[CLI_MODEL_GROUPS], const cli_option *own, void *to,
                      model_options *m);

/* ARGUMENT where --expert and --mix are both given, or an option of theirs without them. */
svf_status cli_check_expert(const model_options *o);

/* As the library takes them, with a progress bar; flags are SVF_MODEL_*. `o` stays in use. */
svf_model_options cli_library_options(model_options *o, unsigned flags);

/* Open, and refuse a --format or --group that has no effect since all is packed otherwise. */
svf_status cli_open_model(const char *dir, model_options *o, unsigned flags, svf_model **model);

/* FILE where a token is beyond the vocabulary: the tokenizer is another model's. */
svf_status cli_check_tokens(const svf_model *model, const int32_t *tokens, size_t count);

/* An expert, or a mixture "a=0.7,b=0.3", as gains of the whole model of these modules;
 * free(*gains). `expert` and `mix` may be NULL; if both are, *gains is NULL: the base model. */
svf_status cli_load_gains(const svf_modules *modules, const char *expert, const char *mix,
                          float scale, bool unpaired, float **gains);

#endif
