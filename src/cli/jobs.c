/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "src/cli/fail.h"
#include "src/cli/options.h"

static svf_status no_memory(void) { return cli_fail(SVF_ERR_MEMORY, "no memory for prompts"); }

static bool copy(char **to, const char *from)
{
  *to = from ? strdup(from) : NULL;
  return !from || *to;
}

svf_status jobs_add(jobs *j, const char *prompt, size_t bytes, const job *usual)
{
  job *more = realloc(j->job, (j->count + 1) * sizeof *more);
  if (!more) return no_memory();
  j->job = more;
  job *to = &more[j->count++];
  *to = (job){
      .bytes = bytes, .scale = usual->scale, .sampling = usual->sampling, .tokens = usual->tokens};
  to->prompt = malloc(bytes + 1);
  if (!to->prompt || !copy(&to->expert, usual->expert) || !copy(&to->mix, usual->mix)) {
    return no_memory();
  }
  memcpy(to->prompt, prompt, bytes);
  to->prompt[bytes] = 0;
  return SVF_OK;
}

/* --- Lines of JSON ---------------------------------------------------------------------------- */

static bool take_size(const json_t *value, size_t *out)
{
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (size_t)json_integer_value(value);
  return true;
}

static bool take_float(const json_t *value, float *out)
{
  if (!json_is_number(value)) return false;
  *out = (float)json_number_value(value);
  return true;
}

static bool take_text(const json_t *value, char **out)
{
  if (!json_is_string(value)) return false;
  free(*out);
  return copy(out, json_string_value(value));
}

/* jansson's integers end at 2^63 - 1; a seed above that is a string. */
static bool take_seed(const json_t *value, uint64_t *out)
{
  size_t seed;
  if (json_is_string(value) ? !cli_take_size(json_string_value(value), &seed)
                            : !take_size(value, &seed)) {
    return false;
  }
  *out = seed;
  return true;
}

/* One key of an object; the prompt itself was taken before. */
static bool take_key(job *to, const char *key, const json_t *value)
{
  svf_sampling *s = &to->sampling;
  if (strcmp(key, "prompt") == 0) return true;
  if (strcmp(key, "expert") == 0) return take_text(value, &to->expert);
  if (strcmp(key, "mix") == 0) return take_text(value, &to->mix);
  if (strcmp(key, "scale") == 0) return take_float(value, &to->scale);
  if (strcmp(key, "tokens") == 0) return take_size(value, &to->tokens);
  if (strcmp(key, "temperature") == 0) return take_float(value, &s->temperature);
  if (strcmp(key, "top_k") == 0) return take_size(value, &s->top_k);
  if (strcmp(key, "top_p") == 0) return take_float(value, &s->top_p);
  if (strcmp(key, "min_p") == 0) return take_float(value, &s->min_p);
  return strcmp(key, "seed") == 0 && take_seed(value, &s->seed);
}

static svf_status add_object(jobs *j, const json_t *object, const job *usual)
{
  const json_t *prompt = json_object_get(object, "prompt");
  if (!json_is_string(prompt)) return cli_fail(SVF_ERR_FILE, "\"prompt\" is missing");
  svf_status status = jobs_add(j, json_string_value(prompt), json_string_length(prompt), usual);
  if (status != SVF_OK) return status;
  job *to = &j->job[j->count - 1];
  if (json_object_get(object, "expert") || json_object_get(object, "mix")) {
    free(to->expert);
    free(to->mix);
    to->expert = to->mix = NULL;
  }
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)object, key, value)
  {
    if (!take_key(to, key, value)) {
      return cli_fail(SVF_ERR_FILE, "\"%.40s\" is not a key of a prompt, or its value is not valid",
                      key);
    }
  }
  if (to->expert && to->mix) {
    return cli_fail(SVF_ERR_FILE, "\"expert\" and \"mix\" exclude each other");
  }
  if (json_object_get(object, "scale") && !to->expert) {
    return cli_fail(SVF_ERR_FILE, "\"scale\" has no effect without \"expert\"");
  }
  return SVF_OK;
}

static svf_status add_line(jobs *j, const char *line, size_t bytes, const job *usual)
{
  if (bytes == 0) return SVF_OK;
  if (line[0] != '{') return jobs_add(j, line, bytes, usual);
  json_error_t error;
  json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
  if (!object) return cli_fail(SVF_ERR_FILE, "not JSON: %s", error.text);
  const svf_status status = add_object(j, object, usual);
  json_decref(object);
  return status;
}

static svf_status read_lines(jobs *j, FILE *f, const job *usual)
{
  char *line = NULL;
  size_t room = 0, number = 0;
  svf_status status = SVF_OK;
  for (ssize_t n; status == SVF_OK && (n = getline(&line, &room, f)) >= 0;) {
    const size_t before = j->count;
    while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) --n;
    ++number;
    status = add_line(j, line, (size_t)n, usual);
    if (j->count > before) j->job[before].line = number;
  }
  free(line);
  if (status == SVF_OK && ferror(f)) {
    return cli_fail_at(cli_fail_errno("cannot read"), "%s", j->file);
  }
  return status == SVF_ERR_FILE ? cli_fail_at(status, "%s: line %zu", j->file, number) : status;
}

svf_status jobs_read(jobs *j, const char *path, const job *usual)
{
  const bool input = strcmp(path, "-") == 0;
  j->file = input ? "standard input" : path;
  FILE *f = input ? stdin : fopen(path, "re");
  if (!f) return cli_fail_at(cli_fail_errno("cannot open"), "%s", path);
  const svf_status status = read_lines(j, f, usual);
  if (!input) fclose(f);
  return status;
}

svf_status jobs_fail_at(const jobs *j, size_t i, svf_status status)
{
  const size_t line = j->job[i].line;
  if (line == 0) return j->count > 1 ? cli_fail_at(status, "prompt %zu", i + 1) : status;
  if (status == SVF_ERR_ARGUMENT) status = SVF_ERR_FILE;
  return cli_fail_at(status, "%s: line %zu", j->file, line);
}

void jobs_free(jobs *j)
{
  for (size_t i = 0; i < j->count; ++i) {
    free(j->job[i].prompt);
    free(j->job[i].expert);
    free(j->job[i].mix);
  }
  free(j->job);
  *j = (jobs){0};
}
