/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bench/flags.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/list.h"

enum { FLAGS_MAX = 32 };

/* --- Values ----------------------------------------------------------------------------------- */

bool flag_refuse(const char *name, const char *value, const char *why, ...)
{
  va_list list;
  va_start(list, why);
  fprintf(stderr, "%s: --%s=%s: ", program_invocation_short_name, name, value);
  vfprintf(stderr, why, list);
  fputc('\n', stderr);
  va_end(list);
  return false;
}

bool flag_read_number(const char *text, size_t most, size_t *out)
{
  char *end;
  if (*text < '0' || *text > '9') return false;
  const unsigned long long v = strtoull(text, &end, 10);
  *out = (size_t)v;
  return !*end && v > 0 && v <= most;
}

size_t flag_read_numbers(const char *text, size_t most, size_t *out, size_t capacity)
{
  char element[32];
  size_t count = 0;
  while (list_next(&text, element, sizeof element)) {
    if (count == capacity || !flag_read_number(element, most, &out[count])) return 0;
    ++count;
  }
  return count;
}

bool flag_true(options *o, const flag *f, const char *value)
{
  (void)value;
  *(bool *)(void *)((char *)o + f->at) = true;
  return true;
}

bool flag_text(options *o, const flag *f, const char *value)
{
  *(const char **)(void *)((char *)o + f->at) = value;
  return *value || flag_refuse(f->name, value, "expected %s", f->argument);
}

bool flag_number(options *o, const flag *f, const char *value)
{
  return flag_read_number(value, f->most, (size_t *)(void *)((char *)o + f->at)) ||
         flag_refuse(f->name, value, "expected an integer from 1 to %zu", f->most);
}

/* --- Parsing ---------------------------------------------------------------------------------- */

static bool refuse_argument(const char *argument, const char *why)
{
  const char *program = program_invocation_short_name;
  fprintf(stderr, "%s: %s: %s\nusage: %s [options], see --help\n", program, argument, why, program);
  return false;
}

/* What getopt_long did not understand, of `count` flags. `code` is '?' or ':'. */
static bool unknown(int code, size_t count, char **argv)
{
  const char *what = argv[optind - 1];
  const char letter[] = {'-', (char)optopt, 0};
  if (code == ':') return refuse_argument(what, "needs a value");
  if (optopt > (int)count) return refuse_argument(letter, "no such option");
  if (strchr(what, '=') && optopt > 0) return refuse_argument(what, "takes no value");
  return refuse_argument(what, "no such option, or short for several");
}

static const flag *find(const flag *flags, const char *name)
{
  while (strcmp(flags->name, name) != 0) ++flags;
  return flags;
}

static bool take_all(const flag *flags, size_t count, int argc, char **argv, options *o)
{
  struct option known[FLAGS_MAX + 1] = {{0}};
  for (size_t i = 0; i < count && i < FLAGS_MAX; ++i) {
    known[i] = (struct option){flags[i].name, flags[i].argument ? required_argument : no_argument,
                               NULL, (int)i + 1};
  }
  opterr = 0;
  for (int code; (code = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
    if (code == '?' || code == ':') return unknown(code, count, argv);
    const flag *f = code == 'h' ? find(flags, "help") : &flags[code - 1];
    if (!f->take(o, f, optarg)) return false;
  }
  return true;
}

bool flags_parse(const flag *flags, size_t count, int argc, char **argv, options *o,
                 const char **operands, int most)
{
  for (size_t i = 0; i < count; ++i) {
    if (flags[i].preset && !flags[i].take(o, &flags[i], flags[i].preset)) return false;
  }
  if (!take_all(flags, count, argc, argv, o)) return false;
  if (argc - optind > most) return refuse_argument(argv[optind + most], "unexpected argument");
  for (int i = 0; i < most; ++i) operands[i] = optind + i < argc ? argv[optind + i] : NULL;
  return true;
}
