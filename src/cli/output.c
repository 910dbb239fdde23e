/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/cli.h"

static void emit(output *out, const char *text, size_t bytes)
{
  if (out->stream) {
    out->failed = fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout) != 0;
    return;
  }
  char *more = realloc(out->done, out->bytes + bytes + 1);
  if (!more) {
    out->failed = true;
    return;
  }
  out->done = more;
  memcpy(more + out->bytes, text, bytes);
  out->bytes += bytes;
  more[out->bytes] = 0;
}

int output_token(void *context, int32_t token)
{
  output *out = context;
  const char *text;
  size_t bytes;
  int stopped = 0;
  ++out->tokens;
  if (svf_text_push(out->text, token, &text, &bytes, &stopped) != SVF_OK) out->failed = true;
  if (!out->failed && bytes > 0) emit(out, text, bytes);
  out->stopped = stopped != 0;
  return stopped || out->failed || ferror(stdout);
}

void output_finish(output *out)
{
  const char *text;
  size_t bytes;
  if (svf_text_flush(out->text, &text, &bytes) == SVF_OK && bytes > 0) emit(out, text, bytes);
  if (out->stream) fputc('\n', stdout);
  out->ended = true;
}

/* Why it ended. */
static const char *reason_of(const output *out, const svf_request *r)
{
  if (out->stopped) return "stop";
  if (r->finish == SVF_FINISH_END) return "end";
  return r->finish == SVF_FINISH_LENGTH ? "length" : "interrupted";
}

/* --- Printing ----------------------------------------------------------------------------------
 */

/* Not by %s: a text may hold NUL. */
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
         r->sampling.seed);
  cli_json_string(stdout, out->done ? out->done : "", out->bytes);
  printf(", \"prompt_tokens\": %zu, \"tokens\": %zu, \"finish\": \"%s\"}\n", r->prompt_count,
         out->tokens, reason_of(out, r));
}
