/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/made.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <svf/convert.h>

#include "src/cli/json.h"
#include "src/cli/show.h"

static size_t bytes_of(const char *dir)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_model *model = NULL;
  const size_t bytes =
      svf_model_open(dir, &outline, &model) == SVF_OK ? svf_model_file_bytes(model) : 0;
  svf_model_close(model);
  return bytes;
}

static void print_size(const char *dir, bool json)
{
  const size_t bytes = bytes_of(dir);
  if (!json) {
    printf("%s: %.1f MB\n", dir, (double)bytes / 1e6);
    return;
  }
  printf("{\"schema\": %d, \"kind\": \"model\", \"path\": ", JSON_SCHEMA);
  cli_json_string(stdout, dir, strlen(dir));
  printf(", \"file_bytes\": %zu}\n", bytes);
}

typedef struct remark {
  const svf_command *command;
  size_t count; /* of files that were named */
} remark;

static void name_file(void *context, const char *name)
{
  remark *r = context;
  if (r->count++ == 0) {
    fprintf(stderr, "svf %s: not copied: ", r->command->name);
  } else {
    fputs(", ", stderr);
  }
  cli_show(stderr, name);
}

void cli_remark_files(const svf_command *command, const char *dir, const char *out)
{
  char path[PATH_MAX];
  remark r = {.command = command};
  (void)svf_model_left_files(dir, name_file, &r);
  if (r.count > 0) fputc('\n', stderr);
  snprintf(path, sizeof path, "%s/tokenizer.json", out);
  if (access(path, F_OK) == 0) return;
  fprintf(stderr, "svf %s: %s has no tokenizer.json, which 'svf generate' will need in %s\n",
          command->name, dir, out);
}

void cli_made(const svf_command *command, const char *dir, const char *out, const model_options *o)
{
  cli_progress_end();
  print_size(out, o->json);
  if (!o->quiet) cli_remark_files(command, dir, out);
}
