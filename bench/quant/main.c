/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/svf_quant: ways to quantise a layer, beside each other, with their bytes. */
#define _GNU_SOURCE
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/svf.h>

#include "bench/flags.h"
#include "bench/quant/ways.h"

struct options {
  size_t m, n, r, rows, rank;
  const char *weights, *tensor, *json;
  bool help;
};

static void print_help(void)
{
  fputs(
      "usage: svf_quant [options]\n"
      "  --shape=M,N,R       random singular vectors of an M x N layer, rank R\n"
      "                      (default 1024,1024,1024)\n"
      "  --rows=N            rows of activations (default 32)\n"
      "  --weights=FILE      a matrix of a safetensors file instead, its own spectrum,\n"
      "  --tensor=NAME       this one,\n"
      "  --rank=R            at this rank (default: full)\n"
      "  --json              JSON instead of tables\n"
      "  --help\n"
      "example: svf_quant --shape=1024,2816,1024 --rows=64\n"
      "errors are squared and relative; 'run' is with the activations' own rounding\n",
      stdout);
}

enum { SIZE_MOST = 65536 };

static bool take_shape(options *o, const flag *f, const char *value)
{
  size_t shape[3];
  if (flag_read_numbers(value, SIZE_MOST, shape, 3) != 3) {
    return flag_refuse(f->name, value, "expected three integers from 1 to %d", SIZE_MOST);
  }
  o->m = shape[0];
  o->n = shape[1];
  o->r = shape[2];
  return true;
}

static const flag flags[] = {
    {"shape", "M,N,R", "1024,1024,1024", take_shape, .at = 0},
    {"rows", "N", "32", flag_number, .at = offsetof(options, rows), .most = SIZE_MOST},
    {"weights", "FILE", NULL, flag_text, .at = offsetof(options, weights)},
    {"tensor", "NAME", NULL, flag_text, .at = offsetof(options, tensor)},
    {"rank", "R", NULL, flag_number, .at = offsetof(options, rank), .most = SIZE_MOST},
    {"json", "FILE", NULL, flag_text, .at = offsetof(options, json)},
    {"help", .take = flag_true, .at = offsetof(options, help)},
};

static bool check(const options *o)
{
  const size_t full = o->m < o->n ? o->m : o->n;
  if (o->r > full) {
    fprintf(stderr, "svf_quant: --shape: rank %zu exceeds min(m, n) = %zu\n", o->r, full);
    return false;
  }
  if (!o->weights != !o->tensor) {
    fputs("svf_quant: --weights and --tensor go together\n", stderr);
    return false;
  }
  if (o->rank && !o->weights) {
    fputs("svf_quant: --rank goes with --weights; --shape has a rank of its own\n", stderr);
    return false;
  }
  return true;
}

/* --- Output ----------------------------------------------------------------------------------- */

static const char *cell(char *text, size_t bytes, double x)
{
  if (isnan(x)) return "-";
  snprintf(text, bytes, "%.2e", x);
  return text;
}

static void print_table(const quant_layer *l, const quant_result *r, size_t count)
{
  printf("\n%s, %zu x %zu, rank %zu, %zu rows\n", l->spectrum, l->m, l->n, l->r, l->rows);
  printf("%-28s %8s %6s | %9s %9s | %9s %9s | %9s %9s\n", "", "KiB", "bits", "W", "predicted", "Y",
         "delta", "Y, run", "delta");
  for (size_t i = 0; i < count; ++i) {
    const double numbers[] = {r[i].frobenius, r[i].planned, r[i].y,
                              r[i].y_delta,   r[i].run,     r[i].run_delta};
    char text[6][16];
    const char *cells[6];
    for (int c = 0; c < 6; ++c) cells[c] = cell(text[c], sizeof text[c], numbers[c]);
    printf("%-28s %8.0f %6.3f | %9s %9s | %9s %9s | %9s %9s\n", r[i].name,
           (double)r[i].bytes / 1024, r[i].bits, cells[0], cells[1], cells[2], cells[3], cells[4],
           cells[5]);
  }
}

static void print_number(FILE *to, const char *name, double x)
{
  fprintf(to, ", \"%s\": ", name);
  if (isnan(x)) {
    fputs("null", to);
  } else {
    fprintf(to, "%.6g", x);
  }
}

static void print_string(FILE *to, const char *text)
{
  fputc('"', to);
  for (; *text; ++text) {
    if (*text == '"' || *text == '\\') fputc('\\', to);
    if ((unsigned char)*text >= ' ') fputc(*text, to);
  }
  fputc('"', to);
}

static void print_json(FILE *to, const quant_layer *l, const quant_result *r, size_t count)
{
  fputs("  {\"spectrum\": ", to);
  print_string(to, l->spectrum);
  fprintf(to, ", \"m\": %zu, \"n\": %zu, \"r\": %zu, \"rows\": %zu, \"ways\": [", l->m, l->n, l->r,
          l->rows);
  for (size_t i = 0; i < count; ++i) {
    fprintf(to, "%s\n    {\"name\": ", i ? "," : "");
    print_string(to, r[i].name);
    fprintf(to, ", \"bytes\": %zu", r[i].bytes);
    print_number(to, "bits", r[i].bits);
    print_number(to, "w", r[i].frobenius);
    print_number(to, "w_foretold", r[i].planned);
    print_number(to, "y", r[i].y);
    print_number(to, "y_delta", r[i].y_delta);
    print_number(to, "run", r[i].run);
    print_number(to, "run_delta", r[i].run_delta);
    fputc('}', to);
  }
  fputs("]}", to);
}

/* Every spectrum there is, or the tensor's own. */
static void compare_all(const options *o, quant_layer *l, FILE *json)
{
  quant_result results[QUANT_WAYS_MAX];
  const int first = o->weights ? QUANT_OWN : 0, end = o->weights ? 0 : quant_spectra();
  if (json) fputs("[\n", json);
  for (int s = first; s < end; ++s) {
    quant_layer_fill(l, s, o->rows);
    const size_t count = quant_compare(l, results);
    print_table(l, results, count);
    fflush(stdout);
    if (json) print_json(json, l, results, count);
    if (json) fputs(s + 1 < end ? ",\n" : "\n]\n", json);
  }
}

static bool written(FILE *f, const char *name)
{
  const bool ok = fflush(f) == 0 && !ferror(f);
  if (!ok) fprintf(stderr, "svf_quant: %s: could not be written\n", name);
  return ok;
}

int main(int argc, char **argv)
{
  options o = {0};
  if (!flags_parse(flags, sizeof flags / sizeof *flags, argc, argv, &o, NULL, 0)) return 2;
  if (o.help) {
    print_help();
    return 0;
  }
  if (!check(&o)) return 2;
  if (svf_isa_select_env() != SVF_OK) {
    fprintf(stderr, "svf_quant: %s\n", svf_last_message());
    return 2;
  }
  FILE *json = o.json ? fopen(o.json, "w") : NULL;
  if (o.json && !json) {
    perror(o.json);
    return 1;
  }
  quant_layer l;
  bool ok = o.weights ? quant_layer_load(&l, o.weights, o.tensor, o.rank)
                      : quant_layer_random(&l, o.m, o.n, o.r);
  if (ok) compare_all(&o, &l, json);
  ok = ok && written(stdout, "standard output") && (!json || written(json, o.json));
  if (json) fclose(json);
  quant_layer_free(&l);
  return ok ? 0 : 1;
}
