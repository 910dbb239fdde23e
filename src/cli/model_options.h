/* SPDX-License-Identifier: Apache-2.0
 *
 * The options by which commands open a model and choose an expert. */
#ifndef SVF_CLI_MODEL_OPTIONS_H
#define SVF_CLI_MODEL_OPTIONS_H

#include <argp.h>

#include "src/cli/cli.h"

typedef struct model_options {
  bool json, quiet;
  bool unpaired;           /* take experts of other factors */
  svf_model_options model; /* as the library takes it */
  const char *expert, *mix;
  float scale; /* of `expert` */
} model_options;

/* As argp children: their input is a model_options. */
extern const struct argp cli_run_argp;    /* --threads, --json, --quiet */
extern const struct argp cli_format_argp; /* --format, --group */
extern const struct argp cli_model_argp;  /* both, and --no-mmap: to open a model */
extern const struct argp cli_expert_argp; /* --expert, --mix, --scale, --unpaired */

/* Before parsing. */
void cli_model_defaults(model_options *o);

/* "f32", "w4", ...; false for another name. */
bool cli_parse_format(const char *text, svf_format *format);

/* Open with progress. */
svf_status cli_open_model(const char *dir, model_options *o, svf_model **model);

/* An expert, or a mixture "a=0.7,b=0.3", as gains of the whole model of these modules;
 * free(*gains). `expert` and `mix` may be NULL; if both are, *gains is NULL: the base model. */
svf_status cli_load_gains(const svf_modules *modules, const char *expert, const char *mix,
                          float scale, bool unpaired, float **gains);

#endif
