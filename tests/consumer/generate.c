/* SPDX-License-Identifier: Apache-2.0
 *
 * Continue a prompt with an expert: generate MODEL EXPERT|- PROMPT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/generate.h>
#include <svf/tokenizer.h>

int main(int argc, char **argv)
{
  enum { PROMPT = 256, TOKENS = 32 };
  int32_t prompt[PROMPT], tokens[TOKENS];
  char text[TOKENS * 64];
  size_t count, bytes = 0;
  svf_model *model;
  svf_context *context;
  svf_tokenizer *tokenizer;
  svf_expert *expert = NULL;
  float *gains = NULL; /* the base model */
  if (argc != 4) return 2;
  if (svf_model_open(argv[1], NULL, &model) || svf_context_create(model, NULL, &context) ||
      svf_tokenizer_open(argv[1], &tokenizer) ||
      svf_tokenizer_encode(tokenizer, argv[3], strlen(argv[3]), SVF_TOKENIZER_SPECIAL, prompt,
                           PROMPT, &count)) {
    return fprintf(stderr, "%s\n", svf_last_message()), 1;
  }
  if (strcmp(argv[2], "-") != 0) {
    gains = malloc(svf_model_modules(model)->gains * sizeof *gains);
    if (svf_expert_open(argv[2], &expert) ||
        svf_expert_gains(expert, svf_model_modules(model), 1, 0, gains)) {
      return fprintf(stderr, "%s\n", svf_last_message()), 1;
    }
  }
  svf_request request = {.prompt = prompt,
                         .prompt_count = count,
                         .gains = gains,
                         .max_tokens = TOKENS,
                         .tokens = tokens};
  if (svf_generate(context, &request, 1) || /* any number of requests, each with its own gains */
      svf_tokenizer_decode(tokenizer, tokens, request.count, 0, text, sizeof text, &bytes)) {
    return fprintf(stderr, "%s\n", svf_last_message()), 1;
  }
  printf("%zu tokens: %.*s\n", request.count, (int)bytes, text);
  svf_expert_close(expert);
  free(gains);
  svf_tokenizer_close(tokenizer);
  svf_context_destroy(context);
  svf_model_close(model);
  return 0;
}
