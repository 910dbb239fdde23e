/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of every bench, from a table: what getopt_long knows and what a message names. Each
 * program has an `options` of its own. Messages begin with the program's name. */
#ifndef SVF_BENCH_FLAGS_H
#define SVF_BENCH_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct options options;
typedef struct flag flag;

/* Takes the value of --name=value, which is NULL if the flag has no argument. False after a message
 * on stderr. */
typedef bool flag_fn(options *o, const flag *f, const char *value);

struct flag {
  const char *name;
  const char *argument; /* what the help calls the value; NULL: it takes none */
  const char *preset;   /* value it has if it is not given; NULL: none, or not a value */
  flag_fn *take;
  size_t at;                   /* offset of what the functions below set in the options */
  size_t most;                 /* of a number, which is at least 1 */
  void (*allowed)(char *text); /* appends what the value may be; NULL: nothing to list */
  const char *help;
};

flag_fn flag_true;   /* a bool */
flag_fn flag_text;   /* a const char *, not empty */
flag_fn flag_number; /* a size_t */

/* Exactly one integer from 1 to `most`. */
bool flag_read_number(const char *text, size_t most, size_t *out);

/* A list of integers from 1 to `most`; returns how many, 0 if it is malformed or has more than
 * `capacity`. */
size_t flag_read_numbers(const char *text, size_t most, size_t *out, size_t capacity);

/* "<program>: --<name>=<value>: <why>" on stderr. Returns false. */
__attribute__((format(printf, 3, 4))) bool flag_refuse(const char *name, const char *value,
                                                       const char *why, ...);

/* Takes the presets, then what argv has; -h stands for the flag "help". operands: out, [most] what
 * is not an option, NULL where argv has fewer; may be NULL if most is 0. False after a message on
 * stderr. */
bool flags_parse(const flag *flags, size_t count, int argc, char **argv, options *o,
                 const char **operands, int most);

#endif
