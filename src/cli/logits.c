/* SPDX-License-Identifier: Apache-2.0
 *
 * svf logits: what a model makes of a prompt, at every position. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include <svf/safetensors.h>

#include "src/cli/prompt.h"
#include "src/core/status.h"

static const char name[] = "logits";

enum { KEY_TOP = 512, USUAL_TOP = 5, TOP_MAX = 100 };

typedef struct options {
  model_options m;
  const char *dir, *text, *out;
  size_t top;
} options;

static error_t take(int key, char *value, struct argp_state *state)
{
  options *o = state->input;
  switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = state->child_inputs[1] = &o->m; return 0;
    case 'o': o->out = value; return 0;
    case KEY_TOP:
      if (!cli_parse_size(value, &o->top) || o->top == 0 || o->top > TOP_MAX) {
        argp_error(state, "--top=%s: 1 to %d", value, TOP_MAX);
      }
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num > 1) argp_usage(state);
      *(state->arg_num == 0 ? &o->dir : &o->text) = value;
      return 0;
    case ARGP_KEY_END:
      if (state->arg_num < 2) argp_usage(state);
      return 0;
    default: return ARGP_ERR_UNKNOWN;
  }
}

static svf_status compute(const options *o, const prompt *p, float *logits)
{
  svf_context *c = NULL;
  const svf_context_options wanted = {
      .size = sizeof wanted, .tokens = p->count, .rows = p->count, .threads = o->m.model.threads};
  svf_row *rows = malloc(p->count * sizeof *rows);
  if (!rows) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu rows", p->count);
  for (size_t i = 0; i < p->count; ++i) rows[i] = (svf_row){0, p->tokens[i], 1};
  svf_status status = svf_context_create(p->model, &wanted, &c);
  if (status == SVF_OK) status = svf_context_begin(c, 0, p->gains, NULL, 0, NULL);
  if (status == SVF_OK) status = svf_context_forward(c, rows, p->count, logits);
  svf_context_destroy(c);
  free(rows);
  return status;
}

static svf_status save(const char *path, const prompt *p, size_t vocab, const float *logits)
{
  const svf_st_entry entries[] = {{"logits", SVF_ST_F32, 2, {p->count, vocab}},
                                  {"tokens", SVF_ST_I32, 1, {p->count}}};
  svf_st_writer *w = NULL;
  svf_status status = svf_st_create(path, entries, 2, NULL, 0, &w);
  if (status == SVF_OK) status = svf_st_append(w, logits, p->count * vocab * sizeof *logits);
  if (status == SVF_OK) status = svf_st_append(w, p->tokens, p->count * sizeof *p->tokens);
  if (status == SVF_OK) return svf_st_commit(&w);
  svf_st_discard(&w);
  return status;
}

/* The ids of the `top` largest, the largest first. */
static void find_top(const float *row, size_t vocab, size_t top, size_t *ids)
{
  size_t n = 0;
  for (size_t i = 0; i < vocab; ++i) {
    size_t at = n;
    while (at > 0 && row[i] > row[ids[at - 1]]) --at;
    if (at == top) continue;
    if (n < top) ++n;
    for (size_t k = n - 1; k > at; --k) ids[k] = ids[k - 1];
    ids[at] = i;
  }
}

static void print_token(const svf_tokenizer *t, size_t id, bool json)
{
  const char *text = svf_tokenizer_token(t, (int32_t)id);
  if (!text) text = "";
  if (json) {
    cli_json_string(stdout, text, strlen(text));
  } else {
    printf("%-14s", text);
  }
}

static void print(const options *o, const prompt *p, size_t vocab, const float *logits)
{
  const svf_tokenizer *t = p->tokenizer;
  const size_t top = o->top < vocab ? o->top : vocab;
  size_t ids[TOP_MAX];
  if (o->m.json) printf("{\"schema\": %d, \"positions\": [", JSON_SCHEMA);
  for (size_t i = 0; i < p->count; ++i) {
    const float *row = logits + i * vocab;
    find_top(row, vocab, top, ids);
    if (o->m.json) printf("%s\n  {\"token\": %ld, \"top\": [", i ? "," : "", (long)p->tokens[i]);
    if (!o->m.json) print_token(t, (size_t)p->tokens[i], false);
    for (size_t k = 0; k < top; ++k) {
      if (o->m.json) {
        printf("%s{\"id\": %zu, \"text\": ", k ? ", " : "", ids[k]);
        print_token(t, ids[k], true);
        printf(", \"logit\": %.9g}", (double)row[ids[k]]);
      } else {
        printf("  %8.3f ", (double)row[ids[k]]);
        print_token(t, ids[k], false);
      }
    }
    fputs(o->m.json ? "]}" : "\n", stdout);
  }
  if (o->m.json) puts("\n]}");
}

static int run(int argc, char **argv)
{
  static const struct argp_option table[] = {
      {"output", 'o', "FILE", 0, "write all logits, F32 [tokens][vocabulary], as safetensors", 1},
      {"top", KEY_TOP, "N", 0, "print the N largest at each position (default 5)", 1},
      {0}};
  static const struct argp_child children[] = {
      {&cli_model_argp, 0, NULL, 0}, {&cli_expert_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      table,
      take,
      "MODEL PROMPT",
      "Print, for each token of a prompt, which tokens the model expects behind it.\v"
      "example: svf logits tinyllama-svf 'The capital of France is' --top 3",
      children,
      NULL,
      NULL};
  options o = {.top = USUAL_TOP};
  cli_model_defaults(&o.m);
  argp_parse(&argp, argc, argv, 0, NULL, &o);
  cli_catch_interrupts();
  prompt p = {0};
  svf_model_info info = {0};
  float *logits = NULL;
  svf_status status = prompt_open(o.dir, &o.m, o.text, strlen(o.text), &p);
  if (status == SVF_OK && p.count == 0) status = svf_fail(SVF_ERR_ARGUMENT, "the prompt is empty");
  if (status == SVF_OK) {
    svf_model_describe(p.model, &info);
    logits = malloc(p.count * info.vocab * sizeof *logits);
    status = logits ? compute(&o, &p, logits) : svf_fail(SVF_ERR_MEMORY, "no memory for logits");
  }
  if (status == SVF_OK && o.out) status = save(o.out, &p, info.vocab, logits);
  const int code = status == SVF_OK ? EXIT_OK : cli_fail(name, status);
  if (code == EXIT_OK && !o.out) print(&o, &p, info.vocab, logits);
  free(logits);
  prompt_close(&p);
  return code;
}

const svf_command command_logits = {name, "what a model expects behind each token", run};
