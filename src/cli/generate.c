/* SPDX-License-Identifier: Apache-2.0
 *
 * svf generate: texts, each with its own expert. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/cli/jobs.h"
#include "src/cli/model_options.h"
#include "src/cli/output.h"
#include "src/core/status.h"

static const char name[] = "generate";

enum { STOPS_MAX = 16, PROMPTS_MAX = 256, USUAL_TOKENS = 128, USUAL_SEQUENCES = 8 };

typedef struct options {
  model_options m;
  job usual;
  const char *dir, *file;
  const char *prompts[PROMPTS_MAX];
  size_t prompt_count;
  const char *stops[STOPS_MAX];
  size_t stop_count, sequences;
  bool ignore_end, plain;
} options;

enum {
  KEY_TOP_K = 512,
  KEY_TOP_P,
  KEY_MIN_P,
  KEY_SEED,
  KEY_STOP,
  KEY_END,
  KEY_PLAIN,
  KEY_TOGETHER
};

static const struct argp_option table[] = {
    {"prompts", 'p', "FILE", 0,
     "prompts from a file, one a line; a line may be {\"prompt\": ..., \"expert\": ..., \"seed\": "
     "...}",
     1},
    {"tokens", 'n', "N", 0, "at most so many tokens of each text (default 128)", 1},
    {"temperature", 't', "T", 0, "0 is the likeliest token always (default)", 1},
    {"top-k", KEY_TOP_K, "K", 0, "of the K likeliest tokens only", 1},
    {"top-p", KEY_TOP_P, "P", 0, "of the fewest that have this probability together", 1},
    {"min-p", KEY_MIN_P, "P", 0, "of those with this share of the likeliest one's", 1},
    {"seed", KEY_SEED, "N", 0,
     "of the first prompt, the next have N+1, ...; of all lines of a file (default 0)", 1},
    {"stop", KEY_STOP, "TEXT", 0, "end a text before this; up to 16 of them", 1},
    {"ignore-end", KEY_END, 0, 0, "go on behind the model's end token", 1},
    {"plain", KEY_PLAIN, 0, 0, "special tokens that are spelled out in a prompt are text", 1},
    {"sequences", KEY_TOGETHER, "N", 0, "texts at once (default 8)", 1},
    {0}};

static void wrong(const struct argp_state *state, const char *option, const char *value)
{
  argp_error(state, "--%s=%s: not a number in its range", option, value);
}

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  svf_sampling *s = &o->usual.request.sampling;
  size_t n;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &o->m; return 0;
    case 'p': o->file = value; return 0;
    case 'n':
      if (!cli_parse_size(value, &o->usual.request.max_tokens)) wrong(state, "tokens", value);
      return 0;
    case 't':
      if (!cli_parse_float(value, &s->temperature)) wrong(state, "temperature", value);
      return 0;
    case KEY_TOP_K:
      if (!cli_parse_size(value, &s->top_k)) wrong(state, "top-k", value);
      return 0;
    case KEY_TOP_P:
      if (!cli_parse_float(value, &s->top_p)) wrong(state, "top-p", value);
      return 0;
    case KEY_MIN_P:
      if (!cli_parse_float(value, &s->min_p)) wrong(state, "min-p", value);
      return 0;
    case KEY_SEED:
      if (!cli_parse_size(value, &n)) wrong(state, "seed", value);
      s->seed = n;
      return 0;
    case KEY_STOP:
      if (!*value || o->stop_count == STOPS_MAX)
        argp_error(state, "--stop: 1 to 16 texts, not empty");
      o->stops[o->stop_count++] = value;
      return 0;
    case KEY_END: o->ignore_end = true; return 0;
    case KEY_PLAIN: o->plain = true; return 0;
    case KEY_TOGETHER:
      if (!cli_parse_size(value, &o->sequences) || o->sequences == 0)
        wrong(state, "sequences", value);
      return 0;
    case ARGP_KEY_ARG:
      if (!o->dir) {
        o->dir = value;
      } else if (o->prompt_count < PROMPTS_MAX) {
        o->prompts[o->prompt_count++] = value;
      } else {
        argp_error(state, "more than %d prompts: --prompts=FILE takes any number", PROMPTS_MAX);
      }
      return 0;
    case ARGP_KEY_END:
      if (!o->dir) argp_usage(state);
      if (o->prompt_count == 0 && !o->file) argp_error(state, "there is no prompt");
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

/* --- All of them -------------------------------------------------------------------------------
 */

typedef struct session {
  options *o;
  svf_model *model;
  svf_tokenizer *tokenizer;
  jobs jobs;
  output *outputs;
  svf_request *requests;
  int32_t **prompts;
  float **gains;
} session;

static svf_status encode(const session *s, const job *j, int32_t **ids, size_t *count)
{
  const unsigned flags = SVF_TOKENIZER_SPECIAL | (s->o->plain ? SVF_TOKENIZER_PLAIN : 0);
  svf_status status =
      svf_tokenizer_encode(s->tokenizer, j->prompt, j->bytes, flags, NULL, 0, count);
  if (status != SVF_OK && status != SVF_ERR_SPACE) return status;
  if (*count == 0)
    return svf_fail(SVF_ERR_ARGUMENT, "an empty prompt, and the model has no BOS token");
  *ids = malloc(*count * sizeof **ids);
  if (!*ids) return svf_fail(SVF_ERR_MEMORY, "no memory for a prompt of %zu tokens", *count);
  return svf_tokenizer_encode(s->tokenizer, j->prompt, j->bytes, flags, *ids, *count, count);
}

static bool same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* Jobs with the same expert share its gains. */
static svf_status load_gains(session *s, size_t i, const float **gains)
{
  const job *j = &s->jobs.job[i];
  for (size_t k = 0; k < i; ++k) {
    const job *other = &s->jobs.job[k];
    if (!same(j->expert, other->expert) || !same(j->mix, other->mix)) continue;
    if (j->scale < other->scale || j->scale > other->scale) continue;
    *gains = s->requests[k].gains;
    return SVF_OK;
  }
  const svf_status status = cli_load_gains(svf_model_modules(s->model), j->expert, j->mix, j->scale,
                                           s->o->m.unpaired, &s->gains[i]);
  *gains = s->gains[i];
  return status;
}

static svf_status prepare(session *s, size_t i, size_t *positions)
{
  job *j = &s->jobs.job[i];
  svf_request *r = &s->requests[i];
  *r = j->request;
  svf_status status = encode(s, j, &s->prompts[i], &r->prompt_count);
  if (status == SVF_OK) status = load_gains(s, i, &r->gains);
  if (status == SVF_OK) {
    status = svf_text_create(s->tokenizer, SVF_TOKENIZER_SKIP_SPECIAL, s->o->stops,
                             s->o->stop_count, &s->outputs[i].text);
  }
  r->prompt = s->prompts[i];
  r->ignore_end = s->o->ignore_end;
  r->on_token = output_token;
  r->on_token_context = &s->outputs[i];
  const size_t needed = r->prompt_count + r->max_tokens;
  if (needed > *positions) *positions = needed;
  return status;
}

static svf_status read_jobs(session *s)
{
  const options *o = s->o;
  job usual = o->usual;
  usual.expert = (char *)(uintptr_t)o->m.expert;
  usual.mix = (char *)(uintptr_t)o->m.mix;
  usual.scale = o->m.scale;
  svf_status status = SVF_OK;
  for (size_t i = 0; status == SVF_OK && i < o->prompt_count; ++i) {
    status = jobs_add(&s->jobs, o->prompts[i], strlen(o->prompts[i]), &usual);
    if (status == SVF_OK) s->jobs.job[i].request.sampling.seed += i;
  }
  if (status == SVF_OK && o->file) status = jobs_read(&s->jobs, o->file, &usual);
  if (status != SVF_OK || s->jobs.count > 0) return status;
  return svf_fail(SVF_ERR_FILE, "%s: there is no prompt in it", o->file);
}

static svf_status allocate(session *s)
{
  const size_t n = s->jobs.count + 1;
  s->outputs = calloc(n, sizeof *s->outputs);
  s->requests = calloc(n, sizeof *s->requests);
  s->prompts = calloc(n, sizeof *s->prompts);
  s->gains = calloc(n, sizeof *s->gains);
  if (s->outputs && s->requests && s->prompts && s->gains) return SVF_OK;
  return svf_fail(SVF_ERR_MEMORY, "no memory for %zu prompts", s->jobs.count);
}

static svf_status generate(session *s, double *seconds)
{
  svf_context *context = NULL;
  size_t positions = 1;
  svf_status status = allocate(s);
  for (size_t i = 0; status == SVF_OK && i < s->jobs.count; ++i) status = prepare(s, i, &positions);
  if (status != SVF_OK) return status;
  const size_t together = s->jobs.count < s->o->sequences ? s->jobs.count : s->o->sequences;
  const size_t block = SVF_KV_BLOCK, each = (positions + block - 1) / block * block;
  const svf_context_options c = {.size = sizeof c,
                                 .sequences = together ? together : 1,
                                 .tokens = (together ? together : 1) * each,
                                 .threads = s->o->m.model.threads};
  status = svf_context_create(s->model, &c, &context);
  s->outputs[0].stream = s->jobs.count == 1 && !s->o->m.json;
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  if (status == SVF_OK) status = svf_generate(context, s->requests, s->jobs.count);
  clock_gettime(CLOCK_MONOTONIC, &to);
  *seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
  svf_context_destroy(context);
  return status;
}

static void print_json(const session *s, size_t i)
{
  const output *out = &s->outputs[i];
  const svf_request *r = &s->requests[i];
  const job *j = &s->jobs.job[i];
  printf("{\"schema\": %d, \"prompt\": ", JSON_SCHEMA);
  cli_json_string(stdout, j->prompt, j->bytes);
  fputs(", \"text\": ", stdout);
  cli_json_string(stdout, out->done ? out->done : "", out->bytes);
  printf(", \"prompt_tokens\": %zu, \"tokens\": %zu, \"finish\": \"%s\"}\n", r->prompt_count,
         out->tokens, output_reason(out, r));
}

/* Not by %s: a text may hold NUL. */
static void print_text(const job *j, const output *out, bool first)
{
  fputs(first ? "== " : "\n== ", stdout);
  fwrite(j->prompt, 1, j->bytes, stdout);
  fputs(" ==\n", stdout);
  if (out->bytes > 0) fwrite(out->done, 1, out->bytes, stdout);
  fputc('\n', stdout);
}

static bool print(const session *s, double seconds)
{
  size_t tokens = 0;
  bool ok = true;
  for (size_t i = 0; i < s->jobs.count; ++i) {
    output *out = &s->outputs[i];
    output_finish(out);
    tokens += out->tokens;
    ok = ok && !out->failed;
    if (s->o->m.json) {
      print_json(s, i);
    } else if (!out->stream) {
      print_text(&s->jobs.job[i], out, i == 0);
    }
  }
  if (!s->o->m.quiet) {
    fprintf(stderr, "%zu tokens in %.2f s: %.1f a second\n", tokens, seconds,
            (double)tokens / seconds);
  }
  return ok;
}

static void close_session(session *s)
{
  for (size_t i = 0; i < s->jobs.count && s->outputs && s->prompts && s->gains; ++i) {
    svf_text_destroy(s->outputs[i].text);
    free(s->outputs[i].done);
    free(s->prompts[i]);
    free(s->gains[i]);
  }
  free(s->outputs);
  free(s->requests);
  free(s->prompts);
  free(s->gains);
  jobs_free(&s->jobs);
  svf_tokenizer_close(s->tokenizer);
  svf_model_close(s->model);
}

static int run(int argc, char **argv)
{
  static const struct argp_child children[] = {
      {&cli_model_argp, 0, NULL, 0}, {&cli_expert_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL [PROMPT...]",
      "Continue texts. Each may have its own expert: all share one pass over the weights.\v"
      "examples:\n"
      "  svf generate tinyllama-svf --expert math.safetensors 'What is 12 * 7?'\n"
      "  svf generate tinyllama-svf --mix math.safetensors=0.7,base=0.3 'def f('\n"
      "  svf generate tinyllama-svf --prompts q.jsonl --json -t 0.8 --top-p 0.95",
      children,
      NULL,
      NULL};
  options o = {.sequences = USUAL_SEQUENCES, .usual = {.request = {.max_tokens = USUAL_TOKENS}}};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  session s = {.o = &o};
  double seconds = 0;
  svf_status status = read_jobs(&s);
  if (status == SVF_OK) status = svf_tokenizer_open(o.dir, &s.tokenizer);
  if (status == SVF_OK) status = cli_open_model(o.dir, &o.m, &s.model);
  if (status == SVF_OK) status = generate(&s, &seconds);
  int code = status == SVF_OK ? EXIT_OK : cli_fail(name, status);
  if (code == EXIT_OK && !print(&s, seconds)) code = EXIT_FAILED;
  if (code == EXIT_OK && cli_interrupted()) code = EXIT_INTERRUPTED;
  close_session(&s);
  return code;
}

const svf_command command_generate = {name, "continue texts, each with its own expert", run};
