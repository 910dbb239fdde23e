/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands say that made a model. */
#ifndef SVF_CLI_MADE_H
#define SVF_CLI_MADE_H

#include "src/cli/model_options.h"

/* Print the result, the size of the model `out`, and the remarks below unless --quiet is given.
 * The help says about --json what CLI_MADE_KEYS is. */
#define CLI_MADE_KEYS "--json: an object of schema, kind, path and file_bytes.\n\n"
void cli_made(const svf_command *command, const char *dir, const char *out, const model_options *o);

/* Say on standard error which files of the model `dir` its conversion into `out` did not copy, and
 * whether the new model lacks a tokenizer. */
void cli_remark_files(const svf_command *command, const char *dir, const char *out);

#endif
