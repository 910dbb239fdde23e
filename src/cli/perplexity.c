/* SPDX-License-Identifier: Apache-2.0
 *
 * svf perplexity: how well a model foretells a text. */
#define _GNU_SOURCE
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/prompt.h"
#include "src/core/ops.h"
#include "src/core/status.h"
#include "src/io/file.h"

static const char name[] = "perplexity";

enum { KEY_WINDOW = 512, USUAL_WINDOW = 2048, ROWS = 256 };

typedef struct options {
  model_options m;
  const char *dir, *file;
  size_t window;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &o->m; return 0;
    case KEY_WINDOW:
      if (!cli_parse_size(value, &o->window) || o->window < 2) {
        argp_error(state, "--window=%s: 2 tokens or more", value);
      }
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num > 1) argp_usage(state);
      *(state->arg_num == 0 ? &o->dir : &o->file) = value;
      return 0;
    case ARGP_KEY_END:
      if (state->arg_num < 2) argp_usage(state);
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

typedef struct sums {
  double nll;
  size_t tokens; /* that were foretold */
} sums;

/* One window of tokens, each foretold by those before it in the window. */
static svf_status window(svf_context *c, const prompt *p, size_t at, size_t count, float *logits,
                         size_t vocab, sums *s)
{
  svf_row rows[ROWS];
  svf_status status = svf_context_begin(c, 0, p->gains, NULL, 0, NULL);
  for (size_t i = 0, n; status == SVF_OK && i + 1 < count; i += n) {
    n = count - 1 - i < ROWS ? count - 1 - i : ROWS;
    for (size_t k = 0; k < n; ++k) rows[k] = (svf_row){0, p->tokens[at + i + k], 1};
    status = svf_context_forward(c, rows, n, logits);
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
  svf_model_describe(p->model, &info);
  size_t width = o->window ? o->window : USUAL_WINDOW;
  if (width > info.context) width = info.context;
  const svf_context_options wanted = {
      .size = sizeof wanted, .tokens = width, .rows = ROWS, .threads = o->m.model.threads};
  float *logits = malloc(ROWS * info.vocab * sizeof *logits);
  svf_status status = logits ? svf_context_create(p->model, &wanted, &c)
                             : svf_fail(SVF_ERR_MEMORY, "no memory for logits");
  const size_t windows = (p->count + width - 1) / width;
  for (size_t i = 0; status == SVF_OK && i < windows; ++i) {
    const size_t left = p->count - i * width;
    if (cli_progress((void *)(uintptr_t)&o->m.quiet, i, windows, "windows")) {
      status = svf_fail(SVF_ERR_STOPPED, "interrupted");
    } else {
      status = window(c, p, i * width, left < width ? left : width, logits, info.vocab, s);
    }
  }
  cli_progress_end();
  if (status == SVF_OK && s->tokens == 0) {
    status = svf_fail(SVF_ERR_ARGUMENT, "%s has no two tokens", o->file);
  }
  svf_context_destroy(c);
  free(logits);
  return status;
}

static int run(int argc, char **argv)
{
  static const struct argp_option table[] = {
      {"window", KEY_WINDOW, "N", 0, "tokens of a window (default 2048, or the model's context)",
       1},
      {0}};
  static const struct argp_child children[] = {
      {&cli_model_argp, 0, NULL, 0}, {&cli_expert_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL FILE",
      "Perplexity of a text: exp of the mean negative log-likelihood of its tokens, in windows "
      "that "
      "do not overlap.\vexample: svf perplexity tinyllama-svf book.txt --format w4",
      children,
      NULL,
      NULL};
  options o = {0};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  char *text = NULL;
  size_t bytes = 0;
  prompt p = {0};
  sums s = {0};
  svf_status status = svf_file_read(o.file, SIZE_MAX / 4, &text, &bytes);
  if (status == SVF_OK) status = prompt_open(o.dir, &o.m, text, bytes, &p);
  if (status == SVF_OK) status = measure(&o, &p, &s);
  int code = status == SVF_OK ? EXIT_OK : cli_fail(name, status);
  const double mean = s.nll / (double)s.tokens;
  if (code == EXIT_OK && o.m.json) {
    printf(
        "{\"schema\": %d, \"perplexity\": %.9g, \"nll\": %.9g, \"tokens\": %zu, "
        "\"bits_per_byte\": %.9g}\n",
        JSON_SCHEMA, exp(mean), mean, s.tokens, s.nll / log(2) / (double)bytes);
  } else if (code == EXIT_OK) {
    printf("perplexity %.4f over %zu tokens, %.4f bits per byte\n", exp(mean), s.tokens,
           s.nll / log(2) / (double)bytes);
  }
  prompt_close(&p);
  free(text);
  return code;
}

const svf_command command_perplexity = {name, "how well a model foretells a text", run};
