/* SPDX-License-Identifier: Apache-2.0
 *
 * A model, its tokenizer, an expert and the tokens of a text: what `perplexity` and `logits` start
 * from. */
#ifndef SVF_CLI_PROMPT_H
#define SVF_CLI_PROMPT_H

#include <svf/context.h>
#include <svf/tokenizer.h>

#include "src/cli/model_options.h"

/* Returns ARGUMENT if a prompt of the command line is not UTF-8, or is "-", which is mistaken for
 * standard input. */
svf_status cli_check_prompt(const char *text);

typedef struct prompt {
  svf_tokenizer *tokenizer;
  svf_model *model;
  float *gains; /* or NULL */
  int32_t *tokens;
  size_t count;
} prompt;

/* Open everything for a command and encode `text`, of `bytes` bytes. Close the prompt after an
 * error, too. */
svf_status prompt_open(const svf_command *command, const char *dir, model_options *o,
                       const char *text, size_t bytes, prompt *p);
void prompt_close(prompt *p);

enum { PROMPT_ROWS = 256 }; /* of a pass */

/* One pass over tokens [at, at + count), at most PROMPT_ROWS; logits [count][vocab]. Errors:
 * NUMERIC unless all logits are finite; those of svf_context_forward. */
svf_status prompt_forward(const prompt *p, svf_context *c, size_t at, size_t count, size_t vocab,
                          float *logits);

#endif
