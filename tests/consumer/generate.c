/* SPDX-License-Identifier: Apache-2.0
 *
 * An example: one prompt continued by the base model and by an expert, both in one pass. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/generate.h>
#include <svf/tokenizer.h>

#define TRY(call) \
  if ((call) != SVF_OK) return fprintf(stderr, "%s\n", svf_last_message()), 1

int main(int argc, char **argv) /* MODEL EXPERT PROMPT: the base model's text and the expert's */
{
  enum { PROMPT = 1024, TOKENS = 64 };
  int32_t prompt[PROMPT], tokens[2][TOKENS];
  char text[16 * TOKENS];
  size_t count = 0, bytes = 0;
  svf_tokenizer *tokenizer;
  svf_model *model;
  svf_expert *expert;
  svf_context *context;
  const svf_model_options options = {.size = sizeof options, .format = SVF_FORMAT_W8};
  const svf_context_options room = {.size = sizeof room, .sequences = 2};

  if (argc != 4) return fputs("usage: generate MODEL EXPERT PROMPT\n", stderr), 2;
  TRY(svf_model_open(argv[1], &options, &model));
  TRY(svf_tokenizer_open(argv[1], &tokenizer));
  TRY(svf_expert_open(argv[2], &expert));
  float *gains = malloc(svf_model_modules(model)->gains * sizeof *gains);
  TRY(svf_expert_gains(expert, 1, svf_model_modules(model), 0, gains));
  TRY(svf_tokenizer_encode(tokenizer, SVF_TOKENIZER_SPECIAL, argv[3], strlen(argv[3]), prompt,
                           PROMPT, &count));
  TRY(svf_context_create(model, &room, &context));

  svf_request requests[2];
  for (int i = 0; i < 2; ++i) { /* gains = NULL is the base model; both run in one pass */
    requests[i] = (svf_request){.size = sizeof *requests,
                                .prompt = prompt,
                                .prompt_count = count,
                                .max_tokens = TOKENS,
                                .tokens = tokens[i],
                                .gains = i == 0 ? NULL : gains};
  }
  TRY(svf_generate(context, requests, 2));
  for (int i = 0; i < 2; ++i) {
    TRY(svf_tokenizer_decode(tokenizer, SVF_TOKENIZER_SKIP_SPECIAL, tokens[i], requests[i].count,
                             text, sizeof text, &bytes));
    printf("%s: ", i == 0 ? "base" : "expert");
    fwrite(text, 1, bytes, stdout);
    putchar('\n');
  }

  svf_context_destroy(context);
  svf_expert_close(expert);
  svf_tokenizer_close(tokenizer);
  svf_model_close(model);
  free(gains);
  return 0;
}
