/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/cli.h"
#include "src/cli/fail.h"
#include "src/cli/json.h"

/* The message is copied because other calls replace the last one before it is printed. */
static void keep(output *out, svf_status status)
{
  if (status == SVF_OK || out->status != SVF_OK) return;
  out->status = status;
  snprintf(out->message, sizeof out->message, "%s", svf_last_message());
}

svf_status output_status(const output *out)
{
  return out->status == SVF_OK ? SVF_OK : svf_set_message(out->status, out->message);
}

static svf_status emit(output *out, const char *text, size_t bytes)
{
  if (out->stream) {
    (void)fwrite(text, 1, bytes, stdout);
    (void)fflush(stdout);
    return SVF_OK;
  }
  char *more = realloc(out->done, out->bytes + bytes + 1);
  if (!more) return cli_fail(SVF_ERR_MEMORY, "no memory for a text of %zu bytes", out->bytes);
  out->done = more;
  memcpy(more + out->bytes, text, bytes);
  out->bytes += bytes;
  more[out->bytes] = 0;
  return SVF_OK;
}

bool output_token(void *context, int32_t token)
{
  output *out = context;
  const char *text;
  size_t bytes;
  bool stopped = false;
  ++out->tokens;
  svf_status status = svf_text_push(out->text, token, &text, &bytes, &stopped);
  if (status == SVF_OK && bytes > 0) status = emit(out, text, bytes);
  keep(out, status);
  out->stopped = stopped;
  return stopped || status != SVF_OK || ferror(stdout);
}

void output_finish(output *out)
{
  const char *text;
  size_t bytes = 0;
  if (out->status == SVF_OK) {
    svf_status status = svf_text_flush(out->text, &text, &bytes);
    if (status == SVF_OK && bytes > 0) status = emit(out, text, bytes);
    keep(out, status);
  }
  if (out->stream) fputc('\n', stdout);
  out->ended = true;
}

/* Why the text ended. */
static const char *reason_of(const output *out, const svf_request *r)
{
  if (out->status != SVF_OK) return "failed";
  if (out->stopped) return "stop";
  if (r->finish == SVF_FINISH_END) return "end";
  return r->finish == SVF_FINISH_LENGTH ? "length" : "interrupted";
}

/* --- Printing --------------------------------------------------------------------------------- */

/* Written by fwrite because a text may contain NUL. */
void output_print(const output *out, size_t i, const job *j)
{
  fputs(i == 0 ? "== " : "\n== ", stdout);
  fwrite(j->prompt, 1, j->bytes, stdout);
  fputs(" ==\n", stdout);
  if (out->bytes > 0) fwrite(out->done, 1, out->bytes, stdout);
  fputc('\n', stdout);
}

static void print_file(const char *key, const char *path)
{
  printf(", \"%s\": ", key);
  if (path) {
    cli_json_string(stdout, path, strlen(path));
  } else {
    fputs("null", stdout);
  }
}

void output_print_json(const output *out, size_t i, const job *j, const svf_request *r)
{
  printf("{\"schema\": %d, \"index\": %zu, \"prompt\": ", JSON_SCHEMA, i);
  cli_json_string(stdout, j->prompt, j->bytes);
  print_file("expert", j->expert);
  print_file("mix", j->mix);
  printf(", \"scale\": %.9g, \"seed\": %" PRIu64 ", \"text\": ", (double)j->scale,
         j->sampling.seed);
  cli_json_string(stdout, out->done ? out->done : "", out->bytes);
  printf(", \"prompt_tokens\": %zu, \"tokens\": %zu, \"finish\": \"%s\"}\n", r->prompt_count,
         out->tokens, reason_of(out, r));
}
