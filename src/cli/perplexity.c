/* SPDX-License-Identifier: Apache-2.0
 *
 * svf perplexity: how well a model foretells a text. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/fail.h"
#include "src/cli/json.h"
#include "src/cli/prompt.h"

#include "src/core/ops.h"

enum { USUAL_WINDOW = 2048 };

typedef struct options {
  model_options m;
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
     .help = "tokens of a window (default 2048, or the model's context)",
     .values = "2 tokens or more"},
    {0}};

typedef struct sums {
  double nll;
  size_t tokens; /* that were foretold */
} sums;

/* One window of tokens, each foretold by those before it in the window. */
static svf_status window(svf_context *c, const prompt *p, size_t at, size_t count, float *logits,
                         size_t vocab, sums *s)
{
  svf_status status = svf_context_begin(c, 0, p->gains, NULL, 0, NULL);
  for (size_t i = 0, n; status == SVF_OK && i + 1 < count; i += n) {
    n = count - 1 - i < PROMPT_ROWS ? count - 1 - i : PROMPT_ROWS;
    status = prompt_forward(p, c, at + i, n, vocab, logits);
    for (size_t k = 0; status == SVF_OK && k < n; ++k) {
      const float *row = logits + k * vocab;
      s->nll += svf_log_sum_exp(row, vocab) - (double)row[p->tokens[at + i + k + 1]];
      ++s->tokens;
    }
  }
  return status;
}

static svf_status measure(const options *o, const prompt *p, sums *s)
{
  svf_model_info info;
  svf_context *c = NULL;
  svf_model_get_info(p->model, &info);
  size_t width = o->window ? o->window : USUAL_WINDOW;
  if (width > info.context) width = info.context;
  const svf_context_options wanted = {
      .size = sizeof wanted, .tokens = width, .rows = PROMPT_ROWS, .threads = o->m.threads};
  float *logits = malloc(PROMPT_ROWS * info.vocab * sizeof *logits);
  svf_status status = logits ? svf_context_create(p->model, &wanted, &c)
                             : cli_fail(SVF_ERR_MEMORY, "no memory for logits");
  const size_t windows = (p->count + width - 1) / width;
  for (size_t i = 0; status == SVF_OK && i < windows; ++i) {
    const size_t left = p->count - i * width;
    cli_progress((void *)(uintptr_t)&o->m.quiet, i, windows, "windows");
    status = window(c, p, i * width, left < width ? left : width, logits, info.vocab, s);
  }
  svf_context_destroy(c);
  free(logits);
  return status;
}

static void print(const sums *s, size_t bytes, bool json)
{
  const double mean = s->nll / (double)s->tokens, bits = s->nll / log(2) / (double)bytes;
  if (json) {
    printf("{\"schema\": %d, \"perplexity\": ", JSON_SCHEMA);
    if (isfinite(exp(mean))) {
      printf("%.9g", exp(mean));
    } else {
      fputs("null", stdout);
    }
    printf(", \"nll\": %.9g, \"tokens\": %zu, \"bits_per_byte\": %.9g}\n", mean, s->tokens, bits);
  } else {
    printf("perplexity %.4f over %zu tokens, %.4f bits per byte\n", exp(mean), s->tokens, bits);
  }
}

/* An interrupt ends the process at once while it only waits for input. */
static svf_status work(options *o, const char *dir, const char *path)
{
  char *text = NULL;
  size_t bytes = 0;
  prompt p = {0};
  sums s = {0};
  svf_status status = cli_check_expert(&o->m);
  if (status == SVF_OK) status = cli_read(path, &text, &bytes);
  cli_catch_interrupts();
  if (status == SVF_OK) status = prompt_open(dir, &o->m, text, bytes, &p);
  if (status == SVF_OK && p.count < 2) {
    status = cli_fail(SVF_ERR_FILE, "%s has fewer than two tokens: there is nothing to foretell",
                      strcmp(path, "-") == 0 ? "standard input" : path);
  }
  if (status == SVF_OK) status = measure(o, &p, &s);
  cli_progress_end();
  if (status == SVF_OK) print(&s, bytes, o->m.json);
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
    "perplexity", "how well a model foretells a text", "MODEL FILE",
    "Perplexity of a text, '-' is standard input: exp of the mean negative log-likelihood of its "
    "tokens, in windows that do not overlap.\v"
    "--json: an object of schema, perplexity (null if it overflows), nll (the mean), tokens (that "
    "were foretold), "
    "bits_per_byte.\n\n"
    "example: svf perplexity tinyllama-svf book.txt --format w4",
    run};
