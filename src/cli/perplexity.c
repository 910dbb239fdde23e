/* SPDX-License-Identifier: Apache-2.0
 *
 * svf perplexity: how well a model predicts a text. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/score.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/json.h"
#include "src/cli/prompt.h"

enum { USUAL_WINDOW = 2048 };

typedef struct options {
  model_options m;
  const char *name; /* of the text, for messages */
  size_t window;
} options;

static bool take_window(const char *value, void *to)
{
  return cli_take_size(value, to) && *(const size_t *)to >= 2;
}

static const cli_option table[] = {
    {.name = "window",
     .value = "N",
     .take = take_window,
     .at = offsetof(options, window),
     .help = "tokens per window (default 2048, or the model's context if it is smaller)",
     .values = "must be a whole number, 2 or more"},
    {0}};

typedef struct sums {
  double nll;
  size_t tokens; /* number of tokens predicted */
  size_t bytes;  /* of the text, in those tokens */
} sums;

/* Windows of the text. Each token is predicted from those before it in its window. */
typedef struct windows {
  svf_score_request *requests;
  size_t count, done;
  bool quiet;
} windows;

static void window_ended(void *context)
{
  windows *w = context;
  cli_progress(&w->quiet, ++w->done, w->count, "windows");
}

/* A last window of a single token has nothing to predict. */
static void cut(const prompt *p, size_t width, double *log_probabilities, windows *w)
{
  for (size_t at = 0; at + 1 < p->count; at += width) {
    const size_t left = p->count - at;
    w->requests[w->count++] = (svf_score_request){.size = sizeof(svf_score_request),
                                                  .tokens = p->tokens + at,
                                                  .count = left < width ? left : width,
                                                  .first = 1,
                                                  .gains = p->gains,
                                                  .on_finish = window_ended,
                                                  .on_finish_context = w,
                                                  .log_probabilities = log_probabilities + at};
  }
}

/* Puts the place in the text before a message of svf_score. */
static svf_status at_token(const options *o, size_t width, svf_status status)
{
  size_t window, token;
  if (!cli_take_index("requests", &window) || !cli_take_index("tokens", &token)) return status;
  return cli_fail_at(status, "%s: token %zu", o->name, window * width + token + 1);
}

static svf_status score(const options *o, const prompt *p, size_t width, windows *w)
{
  svf_context *c = NULL;
  const svf_context_options wanted = {
      .size = sizeof wanted, .tokens = width, .rows = PROMPT_ROWS, .threads = o->m.threads};
  svf_status status = svf_context_create(p->model, &wanted, &c);
  cli_progress(&w->quiet, 0, w->count, "windows");
  if (status == SVF_OK) status = svf_score(c, w->requests, w->count);
  svf_context_destroy(c);
  return status == SVF_OK ? status : at_token(o, width, status);
}

static void add_up(const windows *w, sums *s)
{
  for (size_t i = 0; i < w->count; ++i) {
    const svf_score_request *r = &w->requests[i];
    for (size_t k = 0; k < r->count - r->first; ++k) s->nll -= r->log_probabilities[k];
    s->tokens += r->count - r->first;
  }
}

/* --- Bytes of the predicted tokens ------------------------------------------------------------ */

/* A token that the tokenizer put before the text, such as BOS. */
static bool is_added(const prompt *p, const char *text, size_t bytes)
{
  const char *token = svf_tokenizer_token(p->tokenizer, p->tokens[0]);
  const size_t n = token ? strlen(token) : 0;
  if (!svf_tokenizer_is_special(p->tokenizer, p->tokens[0])) return false;
  return n > bytes || memcmp(text, token, n) != 0;
}

/* The bytes of the text that a token adds to those before it. */
static svf_status decode(svf_decoder *d, int32_t token, size_t *bytes)
{
  char small[256];
  svf_status status = svf_decoder_push(d, token, small, sizeof small, bytes);
  if (status != SVF_ERR_SPACE) return status;
  char *large = malloc(*bytes);
  if (!large) return cli_fail(SVF_ERR_MEMORY, "no memory for a token of %zu bytes", *bytes);
  status = svf_decoder_push(d, token, large, *bytes, bytes);
  free(large);
  return status;
}

/* All bytes of the text but those of the first token of each window, which is not predicted. A
 * character that several tokens share belongs to the last one. */
static svf_status count_bytes(const prompt *p, size_t width, const char *text, size_t bytes,
                              size_t *predicted)
{
  const bool added = is_added(p, text, bytes);
  size_t left_out = 0;
  svf_decoder d;
  svf_status status = svf_decoder_init(&d, p->tokenizer, 0);
  for (size_t i = 0, n; status == SVF_OK && i < p->count; ++i) {
    status = decode(&d, p->tokens[i], &n);
    if (status == SVF_OK && i % width == 0 && (i > 0 || !added)) left_out += n;
  }
  *predicted = left_out < bytes ? bytes - left_out : 0;
  return status;
}

/* --- Measuring -------------------------------------------------------------------------------- */

static svf_status window_width(const options *o, const prompt *p, size_t *width)
{
  svf_model_info info = {.size = sizeof info};
  const svf_status status = svf_model_get_info(p->model, &info);
  *width = o->window ? o->window : USUAL_WINDOW;
  if (status == SVF_OK && *width > info.context) *width = info.context;
  return status;
}

static svf_status measure(const options *o, const prompt *p, size_t width, sums *s)
{
  svf_status status;
  windows w = {.quiet = o->m.quiet};
  w.requests = malloc((p->count / width + 1) * sizeof *w.requests);
  double *log_probabilities = malloc(p->count * sizeof *log_probabilities);
  if (w.requests && log_probabilities) {
    cut(p, width, log_probabilities, &w);
    status = score(o, p, width, &w);
    if (status == SVF_OK) add_up(&w, s);
  } else {
    status = cli_fail(SVF_ERR_MEMORY, "no memory for a text of %zu tokens", p->count);
  }
  free(w.requests);
  free(log_probabilities);
  return status;
}

static void print_number(const char *key, double value)
{
  printf(", \"%s\": ", key);
  if (isfinite(value)) {
    printf("%.9g", value);
  } else {
    fputs("null", stdout);
  }
}

static void print(const sums *s, bool json)
{
  const double mean = s->nll / (double)s->tokens, bits = s->nll / log(2) / (double)s->bytes;
  if (json) {
    printf("{\"schema\": %d", JSON_SCHEMA);
    print_number("perplexity", exp(mean));
    print_number("nll", mean);
    printf(", \"tokens\": %zu", s->tokens);
    print_number("bits_per_byte", bits);
    puts("}");
  } else {
    printf("perplexity %.4f over %zu tokens, %.4f bits per byte\n", exp(mean), s->tokens, bits);
  }
}

/* While the process only waits for input, an interrupt ends it at once. */
static svf_status work(options *o, const char *dir, const char *path)
{
  char *text = NULL;
  size_t bytes = 0, width = 0;
  prompt p = {0};
  sums s = {0};
  svf_status status = cli_check_expert(&o->m);
  o->name = strcmp(path, "-") == 0 ? "standard input" : path;
  if (status == SVF_OK) status = cli_read(path, &text, &bytes);
  cli_catch_interrupts(&command_perplexity, "interrupted", NULL);
  if (status == SVF_OK) status = cli_fail_at(cli_check_text(text, bytes), "%s", o->name);
  if (status == SVF_OK) status = prompt_open(&command_perplexity, dir, &o->m, text, bytes, &p);
  if (status == SVF_OK && p.count < 2) {
    status = cli_fail(SVF_ERR_FILE, "%s has fewer than two tokens: there is nothing to predict",
                      o->name);
  }
  if (status == SVF_OK) status = window_width(o, &p, &width);
  if (status == SVF_OK) status = count_bytes(&p, width, text, bytes, &s.bytes);
  if (status == SVF_OK) status = measure(o, &p, width, &s);
  cli_progress_end();
  if (status == SVF_OK) print(&s, o->m.json);
  prompt_close(&p);
  free(text);
  return status;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 2, .most = 2};
  cli_group groups[CLI_MODEL_GROUPS];
  cli_model_groups(groups, table, &o, &o.m);
  cli_parse(command_perplexity.arguments, command_perplexity.help, groups, argc, argv, &words);
  return cli_end(&command_perplexity, work(&o, words.word[0], words.word[1]));
}

const svf_command command_perplexity = {
    "perplexity", "how well a model predicts a text", "MODEL FILE",
    "Perplexity of a text, '-' is standard input: exp of the mean negative log-likelihood of its "
    "tokens, in windows that do not overlap.\v"
    "--json: an object of schema, perplexity (null if it overflows), nll (the mean), tokens (the "
    "number predicted), bits_per_byte (of the bytes of those tokens; null if they have none).\n\n"
    "example: svf perplexity tinyllama-svf book.txt --format w4",
    run};
