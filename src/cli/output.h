/* SPDX-License-Identifier: Apache-2.0
 *
 * One text of `svf generate`: as it comes, and what is printed of it. */
#ifndef SVF_CLI_OUTPUT_H
#define SVF_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include <svf/generate.h>
#include <svf/text.h>

#include "src/cli/jobs.h"

typedef struct output {
  void *owner; /* the caller's */
  svf_text *text;
  bool stream; /* to standard output as it comes */
  char *done;  /* what came so far, terminated, if it is not streamed */
  size_t bytes, tokens;
  bool stopped, ended;
  svf_status status; /* of the first thing that failed, but for standard output, whose errors are
                        its own */
  char message[256]; /* of `status` */
} output;

/* on_token of a request; `context` is its output. */
bool output_token(void *context, int32_t token);

/* The end of the text: sets `ended`. */
void output_finish(output *out);

/* Restores the message of out->status and returns it. */
svf_status output_status(const output *out);

/* The text of prompt i, which has ended: below the prompt, or as a line of JSON. */
void output_print(const output *out, size_t i, const job *j);
void output_print_json(const output *out, size_t i, const job *j, const svf_request *r);

#endif
