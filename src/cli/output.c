/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/output.h"

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
  return stopped || out->failed || ferror(stdout) || cli_interrupted();
}

void output_finish(output *out)
{
  const char *text;
  size_t bytes;
  if (svf_text_flush(out->text, &text, &bytes) == SVF_OK && bytes > 0) emit(out, text, bytes);
  if (out->stream) fputc('\n', stdout);
  out->ended = true;
}

const char *output_reason(const output *out, const svf_request *r)
{
  if (out->stopped) return "stop";
  if (r->finish == SVF_FINISH_END) return "end";
  return r->finish == SVF_FINISH_LENGTH ? "length" : "interrupted";
}
