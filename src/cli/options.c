/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/status.h>

/* --- Values ----------------------------------------------------------------------------------- */

bool cli_take_flag(const char *value, void *to)
{
  *(bool *)to = true;
  return !value;
}

bool cli_take_text(const char *value, void *to)
{
  *(const char **)to = value;
  return true;
}

bool cli_take_size(const char *value, void *to)
{
  char *end = NULL;
  if (*value < '0' || *value > '9') return false;
  errno = 0;
  const unsigned long long number = strtoull(value, &end, 10);
  if (errno != 0 || *end || number > SIZE_MAX) return false;
  *(size_t *)to = (size_t)number;
  return true;
}

bool cli_take_count(const char *value, void *to)
{
  return cli_take_size(value, to) && *(const size_t *)to > 0;
}

bool cli_take_float(const char *value, void *to)
{
  char *end = NULL;
  if (!*value || *value == ' ') return false;
  const float number = strtof(value, &end);
  *(float *)to = number;
  return *end == 0 && isfinite(number);
}

/* --- Names ------------------------------------------------------------------------------------ */

size_t cli_edits(const char *a, const char *b)
{
  enum { LONGEST = 16 };
  size_t row[LONGEST + 1];
  const size_t n = strlen(a), m = strlen(b);
  if (n > m + 2 || m > LONGEST) return n + m;
  for (size_t k = 0; k <= m; ++k) row[k] = k;
  for (size_t i = 1; i <= n; ++i) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t k = 1; k <= m; ++k) {
      const size_t exchange = corner + (a[i - 1] != b[k - 1]);
      corner = row[k];
      const size_t one = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
      row[k] = exchange < one ? exchange : one;
    }
  }
  return row[m];
}

/* --- Parsing ---------------------------------------------------------------------------------- */

enum { OPTIONS_MAX = 40, KEYS = 256, TEXT = 256 }; /* keys from KEYS on: indices, no letters */

typedef struct parser {
  struct argp_option help[OPTIONS_MAX + 1];
  struct {
    const cli_option *option;
    char *to;
    bool given;
    char help[TEXT];
  } all[OPTIONS_MAX];
  int count;
  cli_words *words;
  const char *arguments; /* as argp's args_doc */
} parser;

static void list_options(parser *p, const cli_group *groups)
{
  for (int g = 0; groups[g].options; ++g) {
    for (const cli_option *o = groups[g].options; o->name; ++o) {
      if (p->count == OPTIONS_MAX) {
        fprintf(stderr, "svf: more than %d options: OPTIONS_MAX is too small\n", OPTIONS_MAX);
        abort();
      }
      p->all[p->count].option = o;
      p->all[p->count].to = (char *)groups[g].to + o->at;
      snprintf(p->all[p->count].help, TEXT, "%s%s", o->help, o->list ? o->list() : "");
      p->help[p->count] = (struct argp_option){.name = o->name,
                                               .key = o->letter ? o->letter : KEYS + p->count,
                                               .arg = o->value,
                                               .doc = p->all[p->count].help,
                                               .group = g + 1};
      ++p->count;
    }
  }
}

static error_t take_option(parser *p, int key, const char *value, const struct argp_state *state)
{
  int i = 0;
  while (i < p->count && p->help[i].key != key) ++i;
  if (i == p->count) return ARGP_ERR_UNKNOWN;
  const cli_option *o = p->all[i].option;
  if (p->all[i].given && o->once) argp_error(state, "--%s is given twice", o->name);
  p->all[i].given = true;
  if (!o->take(value, p->all[i].to)) {
    size_t unused;
    const bool whole = o->take != cli_take_count || cli_take_size(value, &unused);
    const char *values = o->values ? o->values : svf_last_message();
    argp_error(state, "--%s=%s: %s%s", o->name, value, whole ? values : "must be a whole number",
               o->list ? o->list() : "");
  }
  return 0;
}

static void check_needed(const parser *p, const struct argp_state *state)
{
  for (int i = 0; i < p->count; ++i) {
    const cli_option *o = p->all[i].option;
    if (o->needed && !p->all[i].given) argp_error(state, "-%c %s is missing", o->letter, o->value);
  }
}

/* The usage with the first argument that is missing: the name at its place in `arguments`. */
static void refuse_few(const parser *p, const struct argp_state *state)
{
  const char *name = p->arguments;
  for (size_t i = 0; i < p->words->count && strchr(name, ' '); ++i) name = strchr(name, ' ') + 1;
  fprintf(stderr, "%s: %.*s is missing\n", state->name, (int)strcspn(name, " "), name);
  argp_usage(state);
}

static error_t take(int key, char *value, struct argp_state *state)
{
  parser *p = state->input;
  cli_words *w = p->words;
  switch (key) {
    case ARGP_KEY_ARG: return ARGP_ERR_UNKNOWN; /* all at once, below */
    case ARGP_KEY_ARGS:
      w->word = state->argv + state->next;
      w->count = (size_t)(state->argc - state->next);
      if (w->count > w->most) argp_error(state, "'%s' is one argument too many", w->word[w->most]);
      return 0;
    case ARGP_KEY_END:
      if (w->count < w->least) refuse_few(p, state);
      check_needed(p, state);
      return 0;
    default: return take_option(p, key, value, state);
  }
}

void cli_parse(const char *arguments, const char *help, const cli_group *groups, int argc,
               char **argv, cli_words *words)
{
  parser p = {.words = words, .arguments = arguments};
  list_options(&p, groups);
  const struct argp argp = {p.help, take, arguments, help, NULL, NULL, NULL};
  argp_parse(&argp, argc, argv, 0, NULL, &p);
}
