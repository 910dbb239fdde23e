/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "src/cli/fail.h"
#include "src/cli/json.h"
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

static bool take_size(const json_t *value, void *out)
{
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *(size_t *)out = (size_t)json_integer_value(value);
  return true;
}

static bool take_float(const json_t *value, void *out)
{
  if (!json_is_number(value)) return false;
  *(float *)out = (float)json_number_value(value);
  return true;
}

/* Not 0, which would be no limit. */
static bool take_top_p(const json_t *value, void *out)
{
  return take_float(value, out) && *(const float *)out > 0 && *(const float *)out <= 1;
}

static bool take_text(const json_t *value, void *out)
{
  char **text = out;
  if (json_string_length(value) == 0) return false;
  free(*text);
  return copy(text, json_string_value(value));
}

/* The prompt was taken before. */
static bool take_nothing(const json_t *value, void *out)
{
  (void)out;
  return json_is_string(value);
}

/* jansson's integers end at 2^63 - 1; a seed above that is a string. */
static bool take_seed(const json_t *value, void *out)
{
  size_t seed;
  if (json_is_string(value) ? !cli_take_size(json_string_value(value), &seed)
                            : !take_size(value, &seed)) {
    return false;
  }
  *(uint64_t *)out = seed;
  return true;
}

typedef struct key {
  const char *name, *type; /* type: what the value must be */
  bool (*take)(const json_t *value, void *out);
  size_t at; /* offsetof the member of a job that receives the value */
} key;

#define A_NUMBER "a number"
#define A_SIZE "a whole number, 0 or more"

/* JOBS_KEYS lists them for the help. */
static const key keys[] = {
    {"prompt", "a string", take_nothing, 0},
    {"expert", "a string, the name of a file", take_text, offsetof(job, expert)},
    {"mix", "a string like \"a=0.7,b=0.3\"", take_text, offsetof(job, mix)},
    {"scale", A_NUMBER, take_float, offsetof(job, scale)},
    {"tokens", A_SIZE, take_size, offsetof(job, tokens)},
    {"seed", "a whole number, as a string from 2^63 on", take_seed, offsetof(job, sampling.seed)},
    {"temperature", A_NUMBER, take_float, offsetof(job, sampling.temperature)},
    {"top_k", A_SIZE, take_size, offsetof(job, sampling.top_k)},
    {"top_p", "a number above 0, at most 1", take_top_p, offsetof(job, sampling.top_p)},
    {"min_p", A_NUMBER, take_float, offsetof(job, sampling.min_p)},
};

enum { KEYS = sizeof keys / sizeof *keys };

static const key *find_key(const char *name)
{
  for (int i = 0; i < KEYS; ++i) {
    if (strcmp(name, keys[i].name) == 0) return &keys[i];
  }
  return NULL;
}

/* The key that may have been meant: a name with at most two wrong characters, or one that is
 * part of the other, as in "max_tokens". NULL: none. */
static const char *meant(const char *name)
{
  const char *best = NULL;
  size_t least = 3;
  for (int i = 0; i < KEYS; ++i) {
    const size_t n = cli_edits(name, keys[i].name);
    if (n >= least) continue;
    least = n;
    best = keys[i].name;
  }
  for (int i = 0; i < KEYS && !best && strlen(name) > 2; ++i) {
    if (strstr(name, keys[i].name) || strstr(keys[i].name, name)) best = keys[i].name;
  }
  return best;
}

/* In ASCII a terminal neither obeys nor hides anything. */
static cli_short show(const json_t *value)
{
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
  const cli_short shown = cli_shorten(text ? text : "this");
  free(text);
  return shown;
}

static svf_status unknown_key(const char *name)
{
  const char *right = meant(name);
  json_t *string = json_string(name);
  const cli_short shown = show(string);
  json_decref(string);
  if (right) {
    return cli_fail(SVF_ERR_FILE, "%s is no key; is \"%s\" meant?", shown.text, right);
  }
  return cli_fail(SVF_ERR_FILE, "%s is no key; known are prompt, " JOBS_KEYS, shown.text);
}

static svf_status take_key(job *to, const char *name, const json_t *value)
{
  const key *k = find_key(name);
  if (!k) return unknown_key(name);
  if (k->take(value, (char *)to + k->at)) return SVF_OK;
  return cli_fail(SVF_ERR_FILE, "\"%s\" must be %s, not %s", name, k->type, show(value).text);
}

/* --json prints null for what a text has not. */
static bool is_absent(const char *name, const json_t *value)
{
  return (!value || json_is_null(value)) &&
         (strcmp(name, "expert") == 0 || strcmp(name, "mix") == 0);
}

static bool has(const json_t *object, const char *name)
{
  return !is_absent(name, json_object_get(object, name));
}

static svf_status take_keys(job *to, json_t *object)
{
  const char *name;
  json_t *value;
  if (has(object, "expert") || has(object, "mix")) {
    free(to->expert);
    free(to->mix);
    to->expert = to->mix = NULL;
  }
  json_object_foreach(object, name, value)
  {
    if (is_absent(name, value)) continue;
    const svf_status status = take_key(to, name, value);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

/* Refuses keys that have no effect beside the others. */
static svf_status check_keys(const job *j, const json_t *object)
{
  static const char *const of_sampling[] = {"top_k", "top_p", "min_p"};
  if (j->expert && j->mix) {
    return cli_fail(SVF_ERR_FILE, "\"expert\" and \"mix\" exclude each other");
  }
  if (json_object_get(object, "scale") && !j->expert) {
    return cli_fail(SVF_ERR_FILE, "\"scale\" has no effect without \"expert\"");
  }
  for (size_t i = 0; i < sizeof of_sampling / sizeof *of_sampling; ++i) {
    if (json_object_get(object, of_sampling[i]) && fabsf(j->sampling.temperature) <= 0) {
      return cli_fail(SVF_ERR_FILE, "\"%s\" has no effect at \"temperature\" 0", of_sampling[i]);
    }
  }
  return SVF_OK;
}

/* A key that looks like the prompt's is more help than that there is none. */
static svf_status check_prompt(json_t *object)
{
  const char *name;
  json_t *value;
  if (json_object_get(object, "prompt")) return SVF_OK;
  json_object_foreach(object, name, value)
  {
    if (!find_key(name)) return unknown_key(name);
  }
  return cli_fail(SVF_ERR_FILE, "the key \"prompt\" is missing");
}

static svf_status add_object(jobs *j, json_t *object, const job *usual)
{
  const json_t *prompt = json_object_get(object, "prompt");
  svf_status status = check_prompt(object);
  if (status == SVF_OK) {
    status = jobs_add(j, json_is_string(prompt) ? json_string_value(prompt) : "",
                      json_string_length(prompt), usual);
  }
  if (status != SVF_OK) return status;
  job *to = &j->job[j->count - 1];
  to->seeded = json_object_get(object, "seed") != NULL;
  status = take_keys(to, object);
  return status == SVF_OK ? check_keys(to, object) : status;
}

static svf_status add_json(jobs *j, const char *line, size_t bytes, const job *usual)
{
  json_error_t error;
  json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
  if (!object && json_error_code(&error) == json_error_numeric_overflow) {
    return cli_fail(SVF_ERR_FILE,
                    "a number is too large for JSON: %s at byte %d; a seed from 2^63 on must be a "
                    "string",
                    error.text, error.position);
  }
  if (!object) {
    return cli_fail(SVF_ERR_FILE,
                    "begins with '{', as JSON does, but is not valid JSON: %s at byte %d",
                    error.text, error.position);
  }
  const svf_status status = add_object(j, object, usual);
  json_decref(object);
  return status;
}

/* The bytes of a byte-order mark, which some editors put at the beginning of a file. */
static size_t mark_bytes(const char *line, size_t bytes)
{
  static const char mark[] = "\xef\xbb\xbf";
  const size_t n = sizeof mark - 1;
  return bytes >= n && memcmp(line, mark, n) == 0 ? n : 0;
}

static svf_status add_line(jobs *j, const char *line, size_t bytes, const job *usual)
{
  const size_t mark = mark_bytes(line, bytes);
  size_t at = mark;
  if (bytes == mark) return SVF_OK;
  while (at < bytes && strchr(" \t\v\f\r", line[at]) && line[at]) ++at;
  if (at < bytes && line[at] == '{') return add_json(j, line + at, bytes - at, usual);
  const svf_status status = cli_check_text(line, bytes);
  return status == SVF_OK ? jobs_add(j, line + mark, bytes - mark, usual) : status;
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
