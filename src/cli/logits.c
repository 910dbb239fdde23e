/* SPDX-License-Identifier: Apache-2.0
 *
 * svf logits: the likeliest next tokens, or all logits, at every position of a prompt. */
#define _GNU_SOURCE
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/safetensors.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/json.h"
#include "src/cli/prompt.h"

enum { USUAL_TOP = 5, TOP_MAX = 100 };

typedef struct options {
  model_options m;
  const char *out;
  size_t top; /* 0: not given */
} options;

static bool take_top(const char *value, void *to)
{
  return cli_take_count(value, to) && *(const size_t *)to <= TOP_MAX;
}

static const cli_option table[] = {
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .take = cli_take_text,
     .at = offsetof(options, out),
     .help = "write all logits, F32 [tokens][vocabulary], as safetensors, and print none"},
    {.name = "top",
     .value = "N",
     .take = take_top,
     .at = offsetof(options, top),
     .help = "print the N largest logits at each position (default 5)",
     .values = "must be a whole number, 1 to 100"},
    {0}};

static svf_status compute(const options *o, const prompt *p, size_t vocab, float *logits)
{
  svf_context *c = NULL;
  const svf_context_options wanted = {
      .size = sizeof wanted, .tokens = p->count, .rows = PROMPT_ROWS, .threads = o->m.threads};
  svf_status status = svf_context_create(p->model, &wanted, &c);
  if (status == SVF_OK) status = svf_context_begin(c, 0, p->gains, NULL, 0, NULL);
  for (size_t i = 0, n; status == SVF_OK && i < p->count; i += n) {
    n = p->count - i < PROMPT_ROWS ? p->count - i : PROMPT_ROWS;
    status = prompt_forward(p, c, i, n, vocab, logits + i * vocab);
  }
  svf_context_destroy(c);
  return status;
}

static svf_status save(const char *path, const prompt *p, size_t vocab, const float *logits)
{
  const svf_safetensors_entry entries[] = {
      {sizeof *entries, "logits", SVF_TENSOR_F32, 2, {p->count, vocab}},
      {sizeof *entries, "tokens", SVF_TENSOR_I32, 1, {p->count}}};
  svf_safetensors_writer *w = NULL;
  svf_status status = svf_safetensors_create(path, entries, 2, NULL, 0, &w);
  if (status == SVF_OK)
    status = svf_safetensors_append(w, logits, p->count * vocab * sizeof *logits);
  if (status == SVF_OK) status = svf_safetensors_append(w, p->tokens, p->count * sizeof *p->tokens);
  if (status == SVF_OK) return svf_safetensors_commit(&w);
  svf_safetensors_discard(&w);
  return status;
}

/* The ids of the `top` largest logits, the largest first. */
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

/* --- Printing --------------------------------------------------------------------------------- */

enum { TOKEN_TEXT = 4096 }; /* bytes of a token's text that are printed */

/* The text that a token adds to what *before has decoded. Bytes that do not complete a character
 * are U+FFFD. */
static size_t token_text(const svf_decoder *before, size_t id, char text[TOKEN_TEXT])
{
  svf_decoder d = *before;
  size_t bytes = 0, rest = 0;
  if (svf_decoder_push(&d, (int32_t)id, text, TOKEN_TEXT, &bytes) != SVF_OK) return 0;
  return svf_decoder_flush(&d, text + bytes, TOKEN_TEXT - bytes, &rest) == SVF_OK ? bytes + rest
                                                                                  : bytes;
}

/* In quotes, which show where it begins and ends, in a column of a table. */
static void print_token(const svf_decoder *before, size_t id)
{
  enum { COLUMN = 14 };
  char text[TOKEN_TEXT];
  const size_t bytes = token_text(before, id, text);
  int width = 2;
  for (size_t i = 0; i < bytes; ++i) width += ((unsigned char)text[i] & 0xc0) != 0x80;
  cli_json_string(stdout, text, bytes);
  printf("%*s", width < COLUMN ? COLUMN - width : 0, "");
}

static void print_text_row(const svf_decoder *after, const float *row, const size_t *ids, size_t n)
{
  for (size_t k = 0; k < n; ++k) {
    printf("  %8.3f ", (double)row[ids[k]]);
    print_token(after, ids[k]);
  }
  putchar('\n');
}

static void print_json_row(const svf_decoder *after, const float *row, const size_t *ids, size_t n)
{
  for (size_t k = 0; k < n; ++k) {
    char text[TOKEN_TEXT];
    printf("%s{\"id\": %zu, \"text\": ", k ? ", " : "", ids[k]);
    cli_json_string(stdout, text, token_text(after, ids[k], text));
    printf(", \"logit\": %.9g}", (double)row[ids[k]]);
  }
  fputs("]}", stdout);
}

/* Token i of the prompt; *d has decoded those before it, and decodes this one. */
static void print_position(const prompt *p, size_t i, svf_decoder *d, bool json)
{
  char text[TOKEN_TEXT];
  size_t unused;
  if (json) {
    printf("%s\n  {\"token\": %ld, \"top\": [", i ? "," : "", (long)p->tokens[i]);
  } else {
    print_token(d, (size_t)p->tokens[i]);
  }
  (void)svf_decoder_push(d, p->tokens[i], text, sizeof text, &unused);
}

static svf_status print(const options *o, const prompt *p, size_t vocab, const float *logits)
{
  const size_t wanted = o->top > 0 ? o->top : USUAL_TOP, top = wanted < vocab ? wanted : vocab;
  size_t ids[TOP_MAX];
  svf_decoder d;
  const svf_status status = svf_decoder_init(&d, p->tokenizer, 0);
  if (status != SVF_OK) return status;
  if (o->m.json) printf("{\"schema\": %d, \"positions\": [", JSON_SCHEMA);
  for (size_t i = 0; i < p->count; ++i) {
    const float *row = logits + i * vocab;
    find_top(row, vocab, top, ids);
    print_position(p, i, &d, o->m.json);
    (o->m.json ? print_json_row : print_text_row)(&d, row, ids, top);
  }
  if (o->m.json) puts("\n]}");
  return SVF_OK;
}

static svf_status check_options(const options *o)
{
  if (o->out && o->top > 0) {
    return cli_fail(SVF_ERR_ARGUMENT, "--top has no effect with --output, which takes all logits");
  }
  if (o->out && o->m.json) {
    return cli_fail(SVF_ERR_ARGUMENT, "--json has no effect with --output, which prints nothing");
  }
  return cli_check_expert(&o->m);
}

static svf_status work(options *o, const char *dir, const char *text, prompt *p)
{
  svf_model_info info = {.size = sizeof info};
  svf_status status = check_options(o);
  if (status == SVF_OK) status = cli_check_prompt(text);
  if (status == SVF_OK) status = prompt_open(&command_logits, dir, &o->m, text, strlen(text), p);
  if (status != SVF_OK) return status;
  if (p->count == 0) return cli_fail(SVF_ERR_ARGUMENT, "the prompt is empty");
  status = svf_model_get_info(p->model, &info);
  if (status != SVF_OK) return status;
  if (p->count > info.context) {
    return cli_fail(SVF_ERR_ARGUMENT, "the prompt has %zu tokens, the model's context %zu",
                    p->count, info.context);
  }
  float *logits = malloc(p->count * info.vocab * sizeof *logits);
  if (!logits) return cli_fail(SVF_ERR_MEMORY, "no memory for logits");
  status = compute(o, p, info.vocab, logits);
  if (status == SVF_OK && o->out) status = save(o->out, p, info.vocab, logits);
  if (status == SVF_OK && !o->out) status = print(o, p, info.vocab, logits);
  free(logits);
  return status;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 2, .most = 2};
  cli_group groups[CLI_MODEL_GROUPS];
  prompt p = {0};
  cli_model_groups(groups, table, &o, &o.m);
  cli_parse(command_logits.arguments, command_logits.help, groups, argc, argv, &words);
  char path[PATH_MAX]; /* dirname writes to it */
  snprintf(path, sizeof path, "%s", o.out ? o.out : "");
  cli_catch_interrupts(&command_logits, "interrupted", NULL);
  if (o.out) cli_clean_when_interrupted(dirname(path));
  const int code = cli_end(&command_logits, work(&o, words.word[0], words.word[1], &p));
  prompt_close(&p);
  return code;
}

const svf_command command_logits = {
    "logits", "the likeliest next tokens at each position", "MODEL PROMPT",
    "Print, for each token of a prompt, the tokens that the model thinks likeliest to follow it.\v"
    "--json: an object of schema and positions, a list of token (an id) and top, a list of id, "
    "text (as it continues the prompt) and logit.\n\n"
    "example: svf logits tinyllama-svf 'The capital of France is' --top 3",
    run};
