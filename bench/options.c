/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of svf_matmul: what is parsed (flags.h), what the help says and what a message names
 * all come from one table. */
#include "bench/options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "bench/contender.h"
#include "bench/flags.h"
#include "bench/list.h"
#include "bench/pin.h"

enum { TEXT = 256 };

/* --- Messages and values ---------------------------------------------------------------------- */

/* "what: a,b,c" for what the row allows. */
static bool bad_name(const flag *row, const char *value, const char *what)
{
  char text[TEXT] = "";
  row->allowed(text);
  return flag_refuse(row->name, value, "%s; allowed: %s", what, text);
}

/* --- One function per option ------------------------------------------------------------------ */

static bool room_for(const options *o, const char *name, const char *value, size_t count)
{
  return o->shape_count + count <= SHAPE_LIST_MAX ||
         flag_refuse(name, value, "makes %zu shapes, at most %d can be measured",
                     o->shape_count + count, SHAPE_LIST_MAX);
}

static bool take_model(options *o, const flag *row, const char *value)
{
  shape found[SHAPES_MAX];
  const size_t count = model_shapes(value, found);
  if (count == 0) return bad_name(row, value, "no such model");
  if (!room_for(o, row->name, value, count)) return false;
  memcpy(o->shapes + o->shape_count, found, count * sizeof *found);
  o->shape_count += count;
  return true;
}

static bool take_shape(options *o, const flag *row, const char *value)
{
  size_t v[3];
  if (flag_read_numbers(value, NUMBER_MAX, v, 3) != 3) {
    return flag_refuse(row->name, value, "expected M,N,R, each from 1 to %d", NUMBER_MAX);
  }
  if (!room_for(o, row->name, value, 1)) return false;
  shape *s = &o->shapes[o->shape_count++];
  *s = (shape){.m = v[0], .n = v[1], .r = v[2]};
  snprintf(s->name, sizeof s->name, "shape");
  return true;
}

static bool take_rows(options *o, const flag *row, const char *value)
{
  o->rows_count = flag_read_numbers(value, NUMBER_MAX, o->rows, ROWS_LIST_MAX);
  return o->rows_count > 0 ||
         flag_refuse(row->name, value, "expected at most %d integers from 1 to %d as in %s",
                     ROWS_LIST_MAX, NUMBER_MAX, row->preset);
}

static bool take_experts(options *o, const flag *row, const char *value)
{
  o->experts_count = flag_read_numbers(value, NUMBER_MAX, o->experts, ROWS_LIST_MAX);
  return o->experts_count > 0 ||
         flag_refuse(row->name, value, "expected at most %d integers from 1 to %d", ROWS_LIST_MAX,
                     NUMBER_MAX);
}

static void allowed_formats(char *text)
{
  for (size_t i = 0; i < svf_format_count(); ++i) {
    list_add(text, TEXT, svf_format_name(svf_format_at(i)));
  }
  list_add(text, TEXT, "all");
}

/* In the order of the list, each once. */
static bool take_format(options *o, const flag *row, const char *value)
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
    if (list_has(taken, element)) return flag_refuse(row->name, value, "%s twice", element);
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

static bool take_group(options *o, const flag *row, const char *value)
{
  char text[TEXT] = "";
  row->allowed(text);
  return (flag_read_number(value, NUMBER_MAX, &o->group) && list_has(text, value)) ||
         bad_name(row, value, "no group");
}

static void allowed_isas(char *text)
{
  list_add(text, TEXT, svf_isa_name(SVF_ISA_AUTO));
  for (size_t i = 0; i < svf_isa_count(); ++i) list_add(text, TEXT, svf_isa_name(svf_isa_at(i)));
}

static bool take_isa(options *o, const flag *row, const char *value)
{
  if (svf_isa_parse(value, &o->isa) != SVF_OK) return bad_name(row, value, "no instruction set");
  o->isa_given = true;
  return svf_isa_select(o->isa) == SVF_OK ||
         flag_refuse(row->name, value, "%s", svf_last_message());
}

static size_t threads_max(void) { return THREADS_PER_CPU_MAX * pin_cpus(); }

static bool take_threads(options *o, const flag *row, const char *value)
{
  return flag_read_number(value, threads_max(), &o->threads) ||
         flag_refuse(row->name, value, "expected an integer from 1 to %zu, %d for each of %zu CPUs",
                     threads_max(), THREADS_PER_CPU_MAX, pin_cpus());
}

static void allowed_peers(char *text)
{
  contender_peers(text, TEXT);
  list_add(text, TEXT, "all");
  list_add(text, TEXT, "none");
}

static bool take_peers(options *o, const flag *row, const char *value)
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

static bool take_warm(options *o, const flag *row, const char *value)
{
  (void)row, (void)value;
  o->cold_bytes = 0;
  return true;
}

static bool take_seconds(options *o, const flag *row, const char *value)
{
  char *end;
  o->seconds = strtod(value, &end);
  return (end != value && !*end && o->seconds > 0 && o->seconds <= SECONDS_MAX) ||
         flag_refuse(row->name, value, "expected a number above 0 and at most %d", SECONDS_MAX);
}

static void allowed_models(char *text) { model_names(text, TEXT); }

/* --- The table -------------------------------------------------------------------------------- */

static const flag table[] = {
    {.name = "model",
     .argument = "NAME",
     .take = take_model,
     .allowed = allowed_models,
     .help = "all linear layers of one block of"},
    {.name = "shape",
     .argument = "M,N,R",
     .take = take_shape,
     .help = "one layer: out, in, rank; may be repeated"},
    {.name = "weights",
     .argument = "FILE",
     .take = flag_text,
     .at = offsetof(options, weights),
     .help = "a real matrix of a safetensors file: factorised, its accuracy against the dense "
             "product reported, then measured"},
    {.name = "tensor",
     .argument = "NAME",
     .take = flag_text,
     .at = offsetof(options, tensor),
     .help = "which one; belongs to --weights"},
    {.name = "rank",
     .argument = "R",
     .take = flag_number,
     .at = offsetof(options, rank),
     .most = NUMBER_MAX,
     .help = "at which to factorise it (default: full)"},
    {.name = "rows",
     .argument = "LIST",
     .preset = "1,8,64,512",
     .take = take_rows,
     .help = "rows of the batch"},
    {.name = "experts",
     .argument = "LIST",
     .preset = "1",
     .take = take_experts,
     .help =
         "distinct gain vectors in the batch; one number above 1 is also compared with one expert"},
    {.name = "format",
     .argument = "LIST",
     .preset = "f32",
     .take = take_format,
     .allowed = allowed_formats,
     .help = "of svf; peers compute in the nearest that they have, see their rows' names:"},
    {.name = "group",
     .argument = "N",
     .preset = "32",
     .take = take_group,
     .allowed = allowed_groups,
     .help = "weights per scale, in formats with a choice; of two bands the head is r/8:"},
    {.name = "isa",
     .argument = "NAME",
     .take = take_isa,
     .allowed = allowed_isas,
     .help = "best kernels to use; each format is served by the best at or below it; without this "
             "SVF_ISA counts, then auto:"},
    {.name = "threads",
     .argument = "N",
     .take = take_threads,
     .help = "for svf and peers, at most four per CPU (default: what OpenMP takes, one per CPU)"},
    {.name = "peers",
     .argument = "LIST",
     .preset = "all",
     .take = take_peers,
     .allowed = allowed_peers,
     .help =
         "contenders to measure beside svf; of these merge_bf16, dense and models are other ways "
         "to serve experts, and `all` has them only with more than one number of experts:"},
    {.name = "warm",
     .take = take_warm,
     .help = "use one copy of the weights; by default more than 1 GiB of copies is rotated over, "
             "so that weights come from memory as in a real model. The roof of bytes is that of "
             "memory, so `of roof` may exceed 100 %"},
    {.name = "seconds",
     .argument = "S",
     .preset = "0.4",
     .take = take_seconds,
     .help = "of measuring per row of output, not counting what the copies of a layer take; less "
             "is noise"},
    {.name = "help", .take = flag_true, .at = offsetof(options, help), .help = "or -h: this text"},
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

static void print_option(const flag *row)
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

bool options_parse(int argc, char **argv, options *o)
{
  *o = (options){.cold_bytes = 1.1e9};
  o->threads = svf_max_threads() < threads_max() ? svf_max_threads() : threads_max();
  if (!flags_parse(table, OPTIONS, argc, argv, o, NULL, 0)) return false;
  if (!o->weights != !o->tensor || (o->rank && !o->weights)) {
    fprintf(stderr, "svf_matmul: --weights and --tensor belong together, --rank to them\n");
    return false;
  }
  if (o->weights && !room_for(o, "weights", o->weights, 1)) return false;
  if (o->shape_count == 0 && !o->weights) default_shapes(o);
  if (!o->isa_given && svf_isa_select_env() != SVF_OK) {
    fprintf(stderr, "svf_matmul: %s\n", svf_last_message());
    return false;
  }
  o->isa = svf_isa_selected();
  return true;
}
