/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/prompt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/fail.h"
#include "src/cli/json.h"

svf_status cli_check_prompt(const char *text)
{
  if (strcmp(text, "-") == 0) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "the prompt is '-': 'svf generate MODEL -p -' reads prompts from standard "
                    "input");
  }
  if (cli_check_text(text, strlen(text)) == SVF_OK) return SVF_OK;
  return cli_fail_at(SVF_ERR_ARGUMENT, "the prompt");
}

static svf_status encode(const char *text, size_t bytes, prompt *p)
{
  const svf_tokenizer *t = p->tokenizer;
  const unsigned flags = SVF_TOKENIZER_SPECIAL;
  const svf_status status = svf_tokenizer_encode(t, flags, text, bytes, NULL, 0, &p->count);
  if (status != SVF_ERR_SPACE) return status;
  p->tokens = malloc(p->count * sizeof *p->tokens);
  return p->tokens ? svf_tokenizer_encode(t, flags, text, bytes, p->tokens, p->count, &p->count)
                   : cli_fail(SVF_ERR_MEMORY, "no memory for a text of %zu tokens", p->count);
}

svf_status prompt_open(const svf_command *command, const char *dir, model_options *o,
                       const char *text, size_t bytes, prompt *p)
{
  *p = (prompt){0};
  svf_status status = cli_open_tokenizer(dir, &p->tokenizer);
  if (status == SVF_OK) status = encode(text, bytes, p);
  if (status == SVF_OK) status = cli_open_model(dir, o, 0, &p->model);
  if (status == SVF_OK) status = cli_check_tokens(p->model, p->tokens, p->count);
  if (status != SVF_OK) return status;
  status = cli_load_gains(svf_model_modules(p->model), o->expert, o->mix, o->scale.value,
                          o->unpaired, &p->gains);
  if (status == SVF_OK && p->gains) cli_remark_format(command, p->model, o);
  return status;
}

void prompt_close(prompt *p)
{
  free(p->gains);
  free(p->tokens);
  svf_tokenizer_close(p->tokenizer);
  svf_model_close(p->model);
  *p = (prompt){0};
}

static svf_status check_logits(const float *logits, size_t vocab, size_t at, size_t rows)
{
  for (size_t i = 0; i < rows * vocab; ++i) {
    if (isfinite(logits[i])) continue;
    return cli_fail(SVF_ERR_NUMERIC, "position %zu: the logit of token %zu is %s", at + i / vocab,
                    i % vocab, isnan(logits[i]) ? "NaN" : "infinite");
  }
  return SVF_OK;
}

svf_status prompt_forward(const prompt *p, svf_context *c, size_t at, size_t count, size_t vocab,
                          float *logits)
{
  svf_row rows[PROMPT_ROWS] = {0};
  for (size_t k = 0; k < count; ++k) rows[k] = (svf_row){0, p->tokens[at + k], true};
  const svf_status status = svf_context_forward(c, rows, count, logits);
  return status == SVF_OK ? check_logits(logits, vocab, at, count) : status;
}
