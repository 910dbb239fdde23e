/* SPDX-License-Identifier: Apache-2.0
 *
 * One text of `svf generate`, while it is generated and when it is printed. */
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
  bool stream; /* print it to standard output as it is generated */
  char *done;  /* the text so far, terminated, unless it is streamed */
  size_t bytes, tokens;
  bool stopped, ended;
  svf_status status; /* the first failure other than of standard output, which the end reports */
  char message[256]; /* the message of `status` */
} output;

/* on_token of a request; `context` is its output. */
bool output_token(void *context, int32_t token);

/* The end of the text: sets `ended`. */
void output_finish(output *out);

/* Restores the message of out->status and returns it. */
svf_status output_status(const output *out);

/* Print the text of prompt i, which has ended: below the prompt, or as a line of JSON. */
void output_print(const output *out, size_t i, const job *j);
void output_print_json(const output *out, size_t i, const job *j, const svf_request *r);

#endif
