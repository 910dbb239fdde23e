/* SPDX-License-Identifier: Apache-2.0
 *
 * The options by which commands open a model and choose an expert. */
#ifndef SVF_CLI_MODEL_OPTIONS_H
#define SVF_CLI_MODEL_OPTIONS_H

#include <svf/tokenizer.h>

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
    float value; /* 1 unless given */
  } scale;       /* of `expert` */
  bool unpaired; /* accept experts that were made for other factors */
} model_options;

/* Defaults. */
model_options cli_model_defaults(void);

/* Tables whose offsets are in a model_options. */
extern const cli_option cli_json_options[];   /* --json */
extern const cli_option cli_run_options[];    /* --threads, --json, --quiet */
extern const cli_option cli_format_options[]; /* --format, --group */
extern const cli_option cli_open_options[];   /* --no-mmap */
extern const cli_option cli_expert_options[]; /* --expert, --mix, --scale, --unpaired */

/* Names of formats, as lists for the help: of all formats; of those with two bands. */
const char *cli_formats(void);
const char *cli_banded_formats(void);

/* The option --output of commands that make a model. `type`, their struct of options, has a member
 * `out`. */
#define CLI_OUTPUT_OPTION(type)                                             \
  {                                                                         \
    .name = "output", .letter = 'o', .value = "DIR", .take = cli_take_text, \
    .at = offsetof(type, out), .help = "the new model", .needed = true      \
  }

/* Fill in the groups of a command that runs a model with an expert: its own table, whose offsets
 * are in *to, all tables above, whose offsets are in *m, and the end. */
enum { CLI_MODEL_GROUPS = 6 };
void cli_model_groups(cli_group groups[CLI_MODEL_GROUPS], const cli_option *own, void *to,
                      model_options *m);

/* Returns ARGUMENT if --expert and --mix are both given, or an option that modifies them is given
 * without them. */
svf_status cli_check_expert(const model_options *o);

/* The options in the form that the library takes, with a progress bar; flags are SVF_MODEL_*. *o
 * must outlive the result. */
svf_model_options cli_library_options(model_options *o, unsigned flags);

/* Returns ARGUMENT if --group is given and the format has no such groups. */
svf_status cli_check_group(const model_options *o);

/* Open a tokenizer of a model, which must be a directory. */
svf_status cli_open_tokenizer(const char *dir, svf_tokenizer **tokenizer);

/* Open a model on threads that can be started, and refuse a --format or --group that has no
 * effect because every layer is packed in another way. */
svf_status cli_open_model(const char *dir, model_options *o, unsigned flags, svf_model **model);

/* Unless --quiet, say on standard error if layers in factors are, or are to be, packed in a format
 * that loses what an expert changes. */
void cli_remark_format(const svf_command *command, const svf_model *model, const model_options *o);

/* Returns FILE if a token is outside the vocabulary: the tokenizer belongs to another model. */
svf_status cli_check_tokens(const svf_model *model, const int32_t *tokens, size_t count);

/* Make the gains of all modules from an expert, or from a mixture such as "a=0.7,b=0.3". `expert`
 * and `mix` may be NULL; if both are, *gains becomes NULL, the base model. The caller frees
 * *gains. */
svf_status cli_load_gains(const svf_modules *modules, const char *expert, const char *mix,
                          float scale, bool unpaired, float **gains);

#endif
