/* SPDX-License-Identifier: Apache-2.0
 *
 * One table of options: what getopt_long knows, what the help says and what a message names all
 * come from it. */
#define _GNU_SOURCE
#include "bench/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "bench/contender.h"
#include "bench/list.h"
#include "bench/pin.h"

enum { TEXT = 256 };

/* What --option=value allows, appended to text[0..TEXT). */
typedef void allowed_fn(char *text);

typedef struct option_row {
  const char *name, *argument; /* argument NULL: takes none */
  const char *preset;          /* value it has if it is not given; NULL: none, or not a value */
  bool (*take)(options *o, const struct option_row *row, const char *value);
  allowed_fn *allowed; /* NULL: nothing to list */
  const char *help;
} option_row;

/* --- Messages and values ---------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static bool bad(const option_row *row, const char *value,
                                                      const char *why, ...)
{
  va_list list;
  va_start(list, why);
  fprintf(stderr, "svf_matmul: --%s=%s: ", row->name, value);
  vfprintf(stderr, why, list);
  fputc('\n', stderr);
  va_end(list);
  return false;
}

/* "what: a,b,c" for what the row allows. */
static bool bad_name(const option_row *row, const char *value, const char *what)
{
  char text[TEXT] = "";
  row->allowed(text);
  return bad(row, value, "%s; allowed: %s", what, text);
}

/* Exactly one integer from 1 to most. */
static bool read_number(const char *text, size_t most, size_t *out)
{
  char *end;
  if (*text < '0' || *text > '9') return false;
  const unsigned long long v = strtoull(text, &end, 10);
  *out = (size_t)v;
  return !*end && v > 0 && v <= most;
}

/* A list of integers from 1 to NUMBER_MAX; returns how many, 0 if malformed or more than `most`. */
static size_t read_numbers(const char *text, size_t *out, size_t most)
{
  char element[32];
  size_t count = 0;
  while (list_next(&text, element, sizeof element)) {
    if (count == most || !read_number(element, NUMBER_MAX, &out[count])) return 0;
    ++count;
  }
  return count;
}

static bool take_number(const option_row *row, const char *value, size_t most, size_t *out)
{
  return read_number(value, most, out) ||
         bad(row, value, "expected an integer from 1 to %zu", most);
}

/* --- One function per option ------------------------------------------------------------------ */

static bool room_for(const options *o, const option_row *row, const char *value, size_t count)
{
  return o->shape_count + count <= SHAPE_LIST_MAX ||
         bad(row, value, "makes %zu shapes, at most %d can be measured", o->shape_count + count,
             SHAPE_LIST_MAX);
}

static bool take_model(options *o, const option_row *row, const char *value)
{
  shape found[SHAPES_MAX];
  const size_t count = model_shapes(value, found);
  if (count == 0) return bad_name(row, value, "no such model");
  if (!room_for(o, row, value, count)) return false;
  memcpy(o->shapes + o->shape_count, found, count * sizeof *found);
  o->shape_count += count;
  return true;
}

static bool take_shape(options *o, const option_row *row, const char *value)
{
  size_t v[3];
  if (read_numbers(value, v, 3) != 3) {
    return bad(row, value, "expected M,N,R, each from 1 to %d", NUMBER_MAX);
  }
  if (!room_for(o, row, value, 1)) return false;
  shape *s = &o->shapes[o->shape_count++];
  *s = (shape){.m = v[0], .n = v[1], .r = v[2]};
  snprintf(s->name, sizeof s->name, "shape");
  return true;
}

static bool take_weights(options *o, const option_row *row, const char *value)
{
  o->weights = value;
  return *value || bad(row, value, "expected a file");
}

static bool take_tensor(options *o, const option_row *row, const char *value)
{
  o->tensor = value;
  return *value || bad(row, value, "expected a name");
}

static bool take_rank(options *o, const option_row *row, const char *value)
{
  return take_number(row, value, NUMBER_MAX, &o->rank);
}

static bool take_rows(options *o, const option_row *row, const char *value)
{
  o->rows_count = read_numbers(value, o->rows, ROWS_LIST_MAX);
  return o->rows_count > 0 || bad(row, value, "expected at most %d integers from 1 to %d as in %s",
                                  ROWS_LIST_MAX, NUMBER_MAX, row->preset);
}

static bool take_experts(options *o, const option_row *row, const char *value)
{
  o->experts_count = read_numbers(value, o->experts, ROWS_LIST_MAX);
  return o->experts_count > 0 ||
         bad(row, value, "expected at most %d integers from 1 to %d", ROWS_LIST_MAX, NUMBER_MAX);
}

static void allowed_formats(char *text)
{
  for (size_t i = 0; i < svf_format_count(); ++i) {
    list_add(text, TEXT, svf_format_name(svf_format_at(i)));
  }
  list_add(text, TEXT, "all");
}

/* In the order of the list, each once. */
static bool take_format(options *o, const option_row *row, const char *value)
{
  char element[64], taken[TEXT] = "";
  o->format_count = 0;
  if (strcmp(value, "all") == 0) {
    for (size_t i = 0; i < svf_format_count() && i < FORMAT_LIST_MAX; ++i) {
      o->formats[o->format_count++] = svf_format_at(i);
    }
    return true;
  }
  for (const char *left = value; list_next(&left, element, sizeof element);) {
    svf_format format;
    if (svf_format_parse(element, &format) != SVF_OK || o->format_count == FORMAT_LIST_MAX) {
      return bad_name(row, value, "not a list of formats");
    }
    if (list_has(taken, element)) return bad(row, value, "%s twice", element);
    list_add(taken, sizeof taken, element);
    o->formats[o->format_count++] = format;
  }
  return true;
}

static void allowed_groups(char *text)
{
  char number[32];
  for (size_t i = 0; i < svf_format_count(); ++i) {
    const svf_format_traits t = format_traits(svf_format_at(i));
    for (size_t g = 0; t.group_count > 1 && g < t.group_count; ++g) {
      snprintf(number, sizeof number, "%zu", t.groups[g]);
      if (!list_has(text, number)) list_add(text, TEXT, number);
    }
  }
}

static bool take_group(options *o, const option_row *row, const char *value)
{
  char text[TEXT] = "";
  row->allowed(text);
  return (read_number(value, NUMBER_MAX, &o->group) && list_has(text, value)) ||
         bad_name(row, value, "no group");
}

static void allowed_isas(char *text)
{
  list_add(text, TEXT, svf_isa_name(SVF_ISA_AUTO));
  for (size_t i = 0; i < svf_isa_count(); ++i) list_add(text, TEXT, svf_isa_name(svf_isa_at(i)));
}

static bool take_isa(options *o, const option_row *row, const char *value)
{
  if (svf_isa_parse(value, &o->isa) != SVF_OK) return bad_name(row, value, "no instruction set");
  o->isa_given = true;
  return svf_isa_select(o->isa) == SVF_OK || bad(row, value, "%s", svf_last_message());
}

static size_t threads_max(void) { return THREADS_PER_CPU_MAX * pin_cpus(); }

static bool take_threads(options *o, const option_row *row, const char *value)
{
  return read_number(value, threads_max(), &o->threads) ||
         bad(row, value, "expected an integer from 1 to %zu, %d for each of %zu CPUs",
             threads_max(), THREADS_PER_CPU_MAX, pin_cpus());
}

static void allowed_peers(char *text)
{
  contender_peers(text, TEXT);
  list_add(text, TEXT, "all");
  list_add(text, TEXT, "none");
}

static bool take_peers(options *o, const option_row *row, const char *value)
{
  char element[64], known[TEXT];
  contender_peers(known, sizeof known);
  if (strcmp(value, "none") == 0) value = NULL;
  o->all_peers = value && strcmp(value, "all") == 0;
  if (o->all_peers) value = *known ? known : NULL;
  o->peers[0] = 0;
  for (const char *left = value; list_next(&left, element, sizeof element);) {
    if (!list_has(known, element)) return bad_name(row, value, "not a list of peers in this build");
    if (!list_has(o->peers, element)) list_add(o->peers, sizeof o->peers, element);
  }
  return true;
}

static bool take_warm(options *o, const option_row *row, const char *value)
{
  (void)row, (void)value;
  o->cold_bytes = 0;
  return true;
}

static bool take_seconds(options *o, const option_row *row, const char *value)
{
  char *end;
  o->seconds = strtod(value, &end);
  return (end != value && !*end && o->seconds > 0 && o->seconds <= SECONDS_MAX) ||
         bad(row, value, "expected a number above 0 and at most %d", SECONDS_MAX);
}

static bool take_help(options *o, const option_row *row, const char *value)
{
  (void)row, (void)value;
  o->help = true;
  return true;
}

static void allowed_models(char *text) { model_names(text, TEXT); }

/* --- The table -------------------------------------------------------------------------------- */

static const option_row table[] = {
    {"model", "NAME", NULL, take_model, allowed_models, "all linear layers of one block of"},
    {"shape", "M,N,R", NULL, take_shape, NULL, "one layer: out, in, rank; may be repeated"},
    {"weights", "FILE", NULL, take_weights, NULL,
     "a real matrix of a safetensors file: factorised, its accuracy against the dense product "
     "reported, then measured"},
    {"tensor", "NAME", NULL, take_tensor, NULL, "which one; belongs to --weights"},
    {"rank", "R", NULL, take_rank, NULL, "at which to factorise it (default: full)"},
    {"rows", "LIST", "1,8,64,512", take_rows, NULL, "rows of the batch"},
    {"experts", "LIST", "1", take_experts, NULL,
     "distinct gain vectors in the batch; one number above 1 is also compared with one expert"},
    {"format", "LIST", "f32", take_format, allowed_formats,
     "of svf; peers compute in the nearest that they have, see their rows' names:"},
    {"group", "N", "32", take_group, allowed_groups,
     "weights per scale, in formats with a choice; of two bands the head is r/8:"},
    {"isa", "NAME", NULL, take_isa, allowed_isas,
     "best kernels to use; each format is served by the best at or below it; without this SVF_ISA "
     "counts, then auto:"},
    {"threads", "N", NULL, take_threads, NULL,
     "for svf and peers, at most four per CPU (default: what OpenMP takes, one per CPU)"},
    {"peers", "LIST", "all", take_peers, allowed_peers,
     "contenders to measure beside svf; of these merge_bf16, dense and models are other ways to "
     "serve experts, and `all` has them only with more than one number of experts:"},
    {"warm", NULL, NULL, take_warm, NULL,
     "use one copy of the weights; by default more than 1 GiB of copies is rotated over, so that "
     "weights come from memory as in a real model. The roof of bytes is that of memory, so `of "
     "roof` may exceed 100 %"},
    {"seconds", "S", "0.4", take_seconds, NULL,
     "of measuring per row of output, not counting what the copies of a layer take; less is noise"},
    {"help", NULL, NULL, take_help, NULL, "or -h: this text"},
};

enum { OPTIONS = sizeof table / sizeof *table };

/* --- Help ------------------------------------------------------------------------------------- */

enum { INDENT = 19, WIDTH = 96 };

/* Words from column INDENT to WIDTH; the cursor is at INDENT. Lists may break after a comma. */
static void print_wrapped(const char *text)
{
  size_t column = INDENT, space = 0;
  while (*text) {
    size_t length = strcspn(text, " ,");
    if (text[length] == ',') ++length;
    if (column + space + length > WIDTH) {
      printf("\n%*s", INDENT, "");
      column = INDENT;
      space = 0;
    }
    column += (size_t)printf("%*s%.*s", (int)space, "", (int)length, text);
    text += length;
    space = *text == ' ';
    text += space;
  }
  printf("\n");
}

static void print_option(const option_row *row)
{
  char left[INDENT + 16], text[2 * TEXT + 256] = "";
  snprintf(left, sizeof left, "  --%s%s%s", row->name, row->argument ? "=" : "",
           row->argument ? row->argument : "");
  printf("%-*s", INDENT, left);
  snprintf(text, sizeof text, "%s", row->help);
  if (row->allowed) {
    char allowed[TEXT] = "";
    row->allowed(allowed);
    snprintf(text + strlen(text), sizeof text - strlen(text), " %s", allowed);
  }
  if (row->preset) {
    snprintf(text + strlen(text), sizeof text - strlen(text), " (default %s)", row->preset);
  }
  print_wrapped(text);
}

void options_help(void)
{
  printf(
      "usage: svf_matmul [options] [Google Benchmark's --benchmark_* flags]\n"
      "Measures Y = ((X V) * D) U^T of svf beside its peers, in interleaved rounds.\n\n");
  for (int i = 0; i < OPTIONS; ++i) print_option(&table[i]);
  printf(
      "\nexamples:\n"
      "  svf_matmul\n"
      "  svf_matmul --model=tinyllama-1.1b --rows=1,4,16 --format=all\n"
      "  svf_matmul --shape=4096,4096,4096 --rows=512 --isa=avx2\n"
      "  svf_matmul --weights=model.safetensors --tensor=model.layers.0.mlp.down_proj.weight\n"
      "  svf_matmul --benchmark_out=results.json --benchmark_out_format=json\n\n"
      "exit status: 0 measured, 1 nothing measured or a peer's result differs from svf's, 2 "
      "usage,\n"
      "4 weights that cannot be used\n");
}

/* --- Parsing ---------------------------------------------------------------------------------- */

/* The default takes the two kinds of large layers and a small one. */
static void default_shapes(options *o)
{
  static const shape shapes[] = {
      {.name = "llama-3-8b:q,o", .m = 4096, .n = 4096, .r = 4096},
      {.name = "llama-3-8b:down", .m = 4096, .n = 14336, .r = 4096},
      {.name = "toy:q,o", .m = 256, .n = 256, .r = 256},
  };
  memcpy(o->shapes, shapes, sizeof shapes);
  o->shape_count = sizeof shapes / sizeof *shapes;
}

static const option_row *find_option(const char *name)
{
  const option_row *row = table;
  while (strcmp(row->name, name) != 0) ++row;
  return row;
}

/* What getopt_long did not understand. `code` is '?' or ':'. */
static bool unknown(int code, char **argv)
{
  const char *what = argv[optind - 1];
  if (code == ':') {
    fprintf(stderr, "svf_matmul: %s: needs a value\n", what);
  } else if (optopt >= OPTIONS) {
    fprintf(stderr, "svf_matmul: -%c: no such option; see --help\n", optopt);
  } else if (strchr(what, '=') && optopt > 0) {
    fprintf(stderr, "svf_matmul: %s: takes no value\n", what);
  } else {
    fprintf(stderr, "svf_matmul: %s: no such option, or short for several; see --help\n", what);
  }
  return false;
}

static bool take_all(int argc, char **argv, options *o)
{
  struct option known[OPTIONS + 1] = {{0}};
  for (int i = 0; i < OPTIONS; ++i) {
    known[i] = (struct option){table[i].name, table[i].argument ? required_argument : no_argument,
                               NULL, i + 1};
  }
  opterr = 0;
  for (int code; (code = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
    if (code == '?' || code == ':') return unknown(code, argv);
    if (code == 'h') {
      o->help = true;
    } else if (!table[code - 1].take(o, &table[code - 1], optarg)) {
      return false;
    }
  }
  if (optind == argc) return true;
  fprintf(stderr, "svf_matmul: %s: unexpected argument; see --help\n", argv[optind]);
  return false;
}

bool options_parse(int argc, char **argv, options *o)
{
  *o = (options){.cold_bytes = 1.1e9};
  o->threads = svf_max_threads() < threads_max() ? svf_max_threads() : threads_max();
  for (int i = 0; i < OPTIONS; ++i) {
    if (table[i].preset && !table[i].take(o, &table[i], table[i].preset)) return false;
  }
  if (!take_all(argc, argv, o)) return false;
  if (!o->weights != !o->tensor || (o->rank && !o->weights)) {
    fprintf(stderr, "svf_matmul: --weights and --tensor belong together, --rank to them\n");
    return false;
  }
  if (o->weights && !room_for(o, find_option("weights"), o->weights, 1)) return false;
  if (o->shape_count == 0 && !o->weights) default_shapes(o);
  if (!o->isa_given && svf_isa_select_env() != SVF_OK) {
    fprintf(stderr, "svf_matmul: %s\n", svf_last_message());
    return false;
  }
  o->isa = svf_isa_selected();
  return true;
}
