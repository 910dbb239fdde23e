/* SPDX-License-Identifier: Apache-2.0
 *
 * One text of `svf generate` as it comes. */
#ifndef SVF_CLI_OUTPUT_H
#define SVF_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/generate.h>
#include <svf/text.h>

typedef struct output {
  void *owner; /* the caller's */
  svf_text *text;
  bool stream; /* to standard output as it comes */
  char *done;  /* what came so far, terminated, if it is not streamed */
  size_t bytes, tokens;
  bool stopped, failed, ended;
} output;

/* on_token of a request; `context` is its output. */
int output_token(void *context, int32_t token);

/* The end of the text: sets `ended`. */
void output_finish(output *out);

/* Why it ended: "stop", "end", "length" or "interrupted". */
const char *output_reason(const output *out, const svf_request *r);

#endif
