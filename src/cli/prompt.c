/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/prompt.h"

#include <stdlib.h>

#include <svf/tokenizer.h>

#include "src/core/status.h"

static svf_status encode(const char *dir, const char *text, size_t bytes, prompt *p)
{
  svf_tokenizer *t = NULL;
  const unsigned flags = SVF_TOKENIZER_SPECIAL;
  svf_status status = svf_tokenizer_open(dir, &t);
  if (status != SVF_OK) return status;
  status = svf_tokenizer_encode(t, text, bytes, flags, NULL, 0, &p->count);
  if (status == SVF_ERR_SPACE) {
    p->tokens = malloc(p->count * sizeof *p->tokens);
    status = p->tokens ? svf_tokenizer_encode(t, text, bytes, flags, p->tokens, p->count, &p->count)
                       : svf_fail(SVF_ERR_MEMORY, "no memory for a text of %zu tokens", p->count);
  }
  svf_tokenizer_close(t);
  return status;
}

svf_status prompt_open(const char *dir, model_options *o, const char *text, size_t bytes, prompt *p)
{
  *p = (prompt){0};
  svf_status status = encode(dir, text, bytes, p);
  if (status == SVF_OK) status = cli_open_model(dir, o, &p->model);
  if (status != SVF_OK) return status;
  return cli_load_gains(p->model, o->expert, o->mix, o->scale, o->unpaired, &p->gains);
}

void prompt_close(prompt *p)
{
  free(p->gains);
  free(p->tokens);
  svf_model_close(p->model);
  *p = (prompt){0};
}
