/* SPDX-License-Identifier: Apache-2.0
 *
 * svf generate: continues texts, each with its own expert. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/jobs.h"
#include "src/cli/json.h"
#include "src/cli/model_options.h"
#include "src/cli/output.h"
#include "src/cli/prompt.h"

enum { STOPS_MAX = 16, USUAL_TOKENS = 128, USUAL_SEQUENCES = 8 };

typedef struct stops {
  const char *text[STOPS_MAX];
  size_t count;
} stops;

typedef struct options {
  model_options m;
  const char *file;
  svf_sampling sampling;
  size_t tokens, sequences;
  stops stops;
  bool ignore_end, plain;
  bool seeded; /* --seed is given */
} options;

static bool take_seed(const char *value, void *to)
{
  options *o = to;
  size_t seed;
  if (!cli_take_size(value, &seed)) return false;
  o->sampling.seed = seed;
  o->seeded = true;
  return true;
}

static bool take_top_p(const char *value, void *to)
{
  const float *top_p = to;
  return cli_take_float(value, to) && *top_p > 0 && *top_p <= 1;
}

static bool take_stop(const char *value, void *to)
{
  stops *s = to;
  if (!*value || s->count == STOPS_MAX) return false;
  if (cli_check_text(value, strlen(value)) != SVF_OK) return false;
  s->text[s->count++] = value;
  return true;
}

static const cli_option table[] = {
    {.name = "prompts",
     .letter = 'p',
     .value = "FILE",
     .take = cli_take_text,
     .at = offsetof(options, file),
     .help =
         "prompts from a file ('-': standard input), one per line, which may be {\"prompt\": ..., "
         "\"expert\": ..., ...}: see below",
     .once = true},
    {.name = "tokens",
     .letter = 'n',
     .value = "N",
     .take = cli_take_size,
     .at = offsetof(options, tokens),
     .help = "at most N tokens per text (default 128)",
     .values = "must be a whole number, 0 or more"},
    {.name = "temperature",
     .letter = 't',
     .value = "T",
     .take = cli_take_float,
     .at = offsetof(options, sampling.temperature),
     .help = "sampling temperature; 0, the default, takes the likeliest token",
     .values = "must be a number"},
    {.name = "top-k",
     .value = "K",
     .take = cli_take_size,
     .at = offsetof(options, sampling.top_k),
     .help = "sample from the K likeliest tokens; 0, the default: from all",
     .values = "must be a whole number, 0 or more"},
    {.name = "top-p",
     .value = "P",
     .take = take_top_p,
     .at = offsetof(options, sampling.top_p),
     .help = "sample from the fewest tokens whose probabilities add up to P; 1, the default: from "
             "all",
     .values = "must be more than 0, at most 1"},
    {.name = "min-p",
     .value = "P",
     .take = cli_take_float,
     .at = offsetof(options, sampling.min_p),
     .help = "sample from tokens with at least this share of the likeliest one's probability",
     .values = "must be a number from 0 to 1"},
    {.name = "seed",
     .value = "N",
     .take = take_seed,
     .help = "seed of the first prompt, N+1 of the next, ...; of all lines of a file (default 0)",
     .values = "must be a whole number, 0 or more and below 2^64"},
    {.name = "stop",
     .value = "TEXT",
     .take = take_stop,
     .at = offsetof(options, stops),
     .help = "end a text before this string, or before the special token that it spells; up to 16",
     .values = "must be 1 to 16 texts in UTF-8, none of them empty"},
    {.name = "ignore-end",
     .take = cli_take_flag,
     .at = offsetof(options, ignore_end),
     .help = "continue past the model's end-of-text token"},
    {.name = "plain",
     .take = cli_take_flag,
     .at = offsetof(options, plain),
     .help = "treat special tokens that are spelled out in a prompt as text"},
    {.name = "sequences",
     .value = "N",
     .take = cli_take_count,
     .at = offsetof(options, sequences),
     .help = "texts generated at once (default 8)",
     .values = "must be 1 or more"},
    {0}};

typedef struct session {
  options *o;
  svf_model *model;
  svf_tokenizer *tokenizer;
  jobs jobs;
  output *outputs;
  svf_request *requests;
  int32_t **prompts;
  float **gains;
  size_t printed; /* texts */
} session;

/* --- Prompts ---------------------------------------------------------------------------------- */

/* The first option of sampling that is given and does nothing where every temperature is 0. */
static const char *idle_option(const options *o)
{
  const svf_sampling *s = &o->sampling;
  return s->top_k > 0 ? "--top-k" : s->top_p != 0 ? "--top-p" : s->min_p != 0 ? "--min-p" : NULL;
}

static bool is_drawn(const job *j) { return fabsf(j->sampling.temperature) > 0; }

/* With --json seeds are part of the result, and lines may come from one. */
static void remark_seeds(const session *s, bool any_drawn)
{
  size_t i = 0;
  if (s->o->m.json || s->o->m.quiet) return;
  if (s->o->seeded && !any_drawn) {
    fputs("svf generate: --seed has no effect at temperature 0: see --temperature\n", stderr);
  }
  while (i < s->jobs.count && (!s->jobs.job[i].seeded || is_drawn(&s->jobs.job[i]))) ++i;
  if (i == s->jobs.count) return;
  fprintf(stderr, "svf generate: %s: line %zu: \"seed\" has no effect at \"temperature\" 0\n",
          s->jobs.file, s->jobs.job[i].line);
}

static svf_status check_sampling(const session *s)
{
  bool any_drawn = false;
  for (size_t i = 0; i < s->jobs.count; ++i) any_drawn = any_drawn || is_drawn(&s->jobs.job[i]);
  const char *option = any_drawn ? NULL : idle_option(s->o);
  if (option) {
    return cli_fail(SVF_ERR_ARGUMENT, "%s has no effect at temperature 0: see --temperature",
                    option);
  }
  remark_seeds(s, any_drawn);
  return SVF_OK;
}

/* An option for all prompts must have an effect on at least one of them. */
static svf_status check_options(const session *s)
{
  model_options m = s->o->m;
  if (m.expert && m.mix) return cli_check_expert(&m);
  m.expert = m.mix = NULL;
  for (size_t i = 0; i < s->jobs.count; ++i) {
    const job *j = &s->jobs.job[i];
    if (j->expert) m.expert = j->expert;
    if (j->mix) m.mix = j->mix;
  }
  if (m.expert) m.mix = NULL;
  const svf_status status = check_sampling(s);
  return status == SVF_OK ? cli_check_expert(&m) : status;
}

/* A prompt of the command line; i runs from 1. */
static svf_status add_word(session *s, const cli_words *words, size_t i, const job *usual)
{
  const char *word = words->word[i];
  svf_status status = cli_check_prompt(word);
  if (words->count > 2) status = cli_fail_at(status, "prompt %zu", i);
  if (status == SVF_OK) status = jobs_add(&s->jobs, word, strlen(word), usual);
  if (status == SVF_OK) s->jobs.job[i - 1].sampling.seed += i - 1;
  return status;
}

static svf_status read_jobs(session *s, const cli_words *words)
{
  const options *o = s->o;
  const job usual = {.expert = (char *)(uintptr_t)o->m.expert,
                     .mix = (char *)(uintptr_t)o->m.mix,
                     .scale = o->m.scale.value,
                     .sampling = o->sampling,
                     .tokens = o->tokens};
  svf_status status = SVF_OK;
  if (words->count == 1 && !o->file) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "there is no prompt: '-p -' reads prompts from standard input");
  }
  for (size_t i = 1; status == SVF_OK && i < words->count; ++i) {
    status = add_word(s, words, i, &usual);
  }
  if (status == SVF_OK && o->file) status = jobs_read(&s->jobs, o->file, &usual);
  if (status != SVF_OK) return status;
  if (s->jobs.count == 0)
    return cli_fail(SVF_ERR_FILE, "%s: there is no prompt in it", s->jobs.file);
  return check_options(s);
}

static svf_status encode(const session *s, const job *j, int32_t **ids, size_t *count)
{
  const unsigned flags = SVF_TOKENIZER_SPECIAL | (s->o->plain ? SVF_TOKENIZER_PLAIN : 0);
  svf_status status =
      svf_tokenizer_encode(s->tokenizer, flags, j->prompt, j->bytes, NULL, 0, count);
  if (status != SVF_OK && status != SVF_ERR_SPACE) return status;
  if (*count == 0)
    return cli_fail(SVF_ERR_ARGUMENT,
                    "an empty prompt, and the tokenizer puts no BOS token before it");
  *ids = malloc(*count * sizeof **ids);
  if (!*ids) return cli_fail(SVF_ERR_MEMORY, "no memory for a prompt of %zu tokens", *count);
  status = svf_tokenizer_encode(s->tokenizer, flags, j->prompt, j->bytes, *ids, *count, count);
  return status == SVF_OK ? cli_check_tokens(s->model, *ids, *count) : status;
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

/* --- Texts ------------------------------------------------------------------------------------ */

static void print_text(const session *s, size_t i)
{
  const job *j = &s->jobs.job[i];
  if (s->o->m.json) {
    output_print_json(&s->outputs[i], i, j, &s->requests[i]);
  } else if (!s->outputs[i].stream) {
    output_print(&s->outputs[i], i, j);
  }
  fflush(stdout);
}

/* Print texts in the order of the prompts, each as soon as it and those before it have ended. */
static void print_ended(session *s)
{
  while (s->printed < s->jobs.count && s->outputs[s->printed].ended) print_text(s, s->printed++);
}

/* Texts begin in an order of their own: one may have ended although one before it never began. */
static void print_rest(session *s)
{
  for (; s->printed < s->jobs.count; ++s->printed) {
    if (s->outputs[s->printed].ended) print_text(s, s->printed);
  }
}

static void text_ended(void *context)
{
  output *out = context;
  output_finish(out);
  print_ended(out->owner);
}

/* Refuse what svf_generate would refuse, too; its message would name the number of the request. */
static svf_status check_request(const session *s, const svf_request *r)
{
  svf_model_info info = {.size = sizeof info};
  svf_candidate scratch;
  int32_t unused;
  const svf_status status = svf_model_get_info(s->model, &info);
  if (status != SVF_OK) return status;
  if (r->prompt_count > info.context || r->max_tokens > info.context + 1 - r->prompt_count) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "a prompt of %zu tokens and %zu more exceed the model's context of %zu",
                    r->prompt_count, r->max_tokens, info.context);
  }
  return svf_sample(r->sampling, 0, &(float){0}, 1, &scratch, &unused);
}

static svf_status prepare(session *s, size_t i, size_t *positions)
{
  const stops *ends = &s->o->stops;
  output *out = &s->outputs[i];
  svf_request *r = &s->requests[i];
  *r = (svf_request){
      .size = sizeof *r, .sampling = &s->jobs.job[i].sampling, .max_tokens = s->jobs.job[i].tokens};
  svf_status status = encode(s, &s->jobs.job[i], &s->prompts[i], &r->prompt_count);
  if (status == SVF_OK) status = check_request(s, r);
  if (status == SVF_OK) status = load_gains(s, i, &r->gains);
  if (status == SVF_OK) {
    status = svf_text_create(s->tokenizer, SVF_TOKENIZER_SKIP_SPECIAL, ends->text, ends->count,
                             &out->text);
  }
  if (status != SVF_OK) return jobs_fail_at(&s->jobs, i, status);
  out->owner = s;
  out->stream = s->jobs.count == 1 && !s->o->m.json;
  r->prompt = s->prompts[i];
  r->ignore_end = s->o->ignore_end;
  r->on_token = output_token;
  r->on_finish = text_ended;
  r->on_token_context = out;
  const size_t needed = r->prompt_count + r->max_tokens;
  if (needed > *positions) *positions = needed;
  return SVF_OK;
}

/* --- All texts -------------------------------------------------------------------------------- */

static svf_status allocate(session *s)
{
  const size_t n = s->jobs.count + 1;
  s->outputs = calloc(n, sizeof *s->outputs);
  s->requests = calloc(n, sizeof *s->requests);
  s->prompts = calloc(n, sizeof *s->prompts);
  s->gains = calloc(n, sizeof *s->gains);
  if (s->outputs && s->requests && s->prompts && s->gains) return SVF_OK;
  return cli_fail(SVF_ERR_MEMORY, "no memory for %zu prompts", s->jobs.count);
}

/* The status of the first text that failed, which ends all of them. */
static svf_status check_texts(const session *s)
{
  for (size_t i = 0; i < s->jobs.count; ++i) {
    const svf_status status = output_status(&s->outputs[i]);
    if (status != SVF_OK) return jobs_fail_at(&s->jobs, i, status);
  }
  return SVF_OK;
}

/* Asked before every pass: true ends all texts, even while a long prompt is being read. */
static bool is_over(void *context)
{
  const session *s = context;
  return cli_interrupted() || ferror(stdout) || check_texts(s) != SVF_OK;
}

static svf_status prepare_all(session *s, size_t *positions)
{
  svf_status status = allocate(s);
  for (size_t i = 0; status == SVF_OK && i < s->jobs.count; ++i) {
    status = prepare(s, i, positions);
  }
  return status;
}

static void remark_format(const session *s)
{
  bool any = false;
  for (size_t i = 0; i < s->jobs.count; ++i) any = any || s->requests[i].gains;
  if (any) cli_remark_format(&command_generate, s->model, &s->o->m);
}

/* An interrupt is not an error: the texts say that they were interrupted, and so does the exit
 * code. */
static svf_status generate(session *s, double *seconds)
{
  svf_context *context = NULL;
  size_t positions = 1, failed;
  svf_status status = prepare_all(s, &positions);
  if (status != SVF_OK) return status;
  const size_t together = s->jobs.count < s->o->sequences ? s->jobs.count : s->o->sequences;
  const size_t block = SVF_KV_BLOCK, each = (positions + block - 1) / block * block;
  const svf_context_options c = {.size = sizeof c,
                                 .sequences = together,
                                 .tokens = together * each,
                                 .threads = s->o->m.threads,
                                 .stop = is_over,
                                 .stop_context = s};
  remark_format(s);
  status = svf_context_create(s->model, &c, &context);
  const double start = cli_now();
  cli_defer_interrupts();
  if (status == SVF_OK) status = svf_generate(context, s->requests, s->jobs.count);
  *seconds = cli_now() - start;
  print_rest(s);
  cli_resume_interrupts();
  svf_context_destroy(context);
  if (status == SVF_OK || status == SVF_ERR_STOPPED) return check_texts(s);
  return cli_take_index("requests", &failed) ? jobs_fail_at(&s->jobs, failed, status) : status;
}

/* --- Output ----------------------------------------------------------------------------------- */

static bool any_ended_at_once(const session *s)
{
  for (size_t i = 0; i < s->jobs.count; ++i) {
    const output *out = &s->outputs[i];
    if (out->ended && out->tokens == 0 && s->requests[i].finish == SVF_FINISH_END) return true;
  }
  return false;
}

static void remark_empty(const session *s)
{
  if (s->o->m.quiet || s->o->m.json || !any_ended_at_once(s)) return;
  fputs(
      "svf generate: the model ended the text at once; a model for chats expects its template "
      "around the prompt\n",
      stderr);
}

static void print_summary(const session *s, double seconds)
{
  size_t tokens = 0;
  if (s->o->m.quiet) return;
  for (size_t i = 0; i < s->jobs.count; ++i) tokens += s->outputs[i].tokens;
  fprintf(stderr, "%zu tokens in %.2f s: %.1f a second\n", tokens, seconds,
          (double)tokens / seconds);
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

/* An interrupt ends the process at once while it only waits for prompts. */
static int work(session *s, const cli_words *words)
{
  const char *dir = words->word[0];
  double seconds = 0;
  svf_status status = read_jobs(s, words);
  cli_catch_interrupts(&command_generate, "interrupted", NULL);
  if (status == SVF_OK) status = cli_open_tokenizer(dir, &s->tokenizer);
  if (status == SVF_OK) status = cli_open_model(dir, &s->o->m, 0, &s->model);
  if (status == SVF_OK) status = generate(s, &seconds);
  if (status != SVF_OK) return cli_end(&command_generate, status);
  remark_empty(s);
  print_summary(s, seconds);
  return cli_interrupted() ? EXIT_INTERRUPTED : EXIT_OK;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults(),
               .sampling = {.size = sizeof o.sampling},
               .tokens = USUAL_TOKENS,
               .sequences = USUAL_SEQUENCES};
  cli_words words = {.least = 1, .most = SIZE_MAX};
  cli_group groups[CLI_MODEL_GROUPS];
  session s = {.o = &o};
  cli_model_groups(groups, table, &o, &o.m);
  cli_parse(command_generate.arguments, command_generate.help, groups, argc, argv, &words);
  const int code = work(&s, &words);
  close_session(&s);
  return code;
}

const svf_command command_generate = {
    "generate", "continue texts, each with its own expert", "MODEL [PROMPT...]",
    "Continue texts. Each may have its own expert: all share one pass over the weights. Texts are "
    "printed in the order of their prompts, each as soon as it and those before it have ended; a "
    "single one is printed as it is generated.\v"
    "--prompts: a line is a prompt, or a JSON object with the key prompt and any of " JOBS_KEYS
    ". Keys that are missing take the values of the options.\n\n"
    "--json: a line for each text, each an object of schema, index (of the prompt, from 0), "
    "prompt, "
    "expert and mix (or null), scale (of the expert), seed, text, prompt_tokens, tokens, finish "
    "(stop, end, length, interrupted or failed).\n\n"
    "examples:\n"
    "  svf generate tinyllama-svf --expert math.safetensors 'What is 12 * 7?'\n"
    "  svf generate tinyllama-svf --mix math.safetensors=0.7,base=0.3 'def f('\n"
    "  svf generate tinyllama-svf --prompts q.jsonl --json -t 0.8 --top-p 0.95",
    run};
