/* SPDX-License-Identifier: Apache-2.0
 *
 * svf_compare: two versions of the library in turns, in one process and on the same memory; ratios
 * of the times of each round, their median and its 95 % interval (order statistics, which assume
 * nothing of the distribution). Weights are cold: calls rotate over copies of them. Ends with 1 if
 * the interval of any ratio new/old lies wholly above the limit. `ci/compare COMMIT` builds both
 * sides and runs it. */
#define _GNU_SOURCE
#include "bench/compare/side.h"

#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/flags.h"
#include "bench/memory.h"

enum { ROUNDS_MAX = 201, ROWS_MAX = 16, SIDES = 2, LAYERS_MAX = 3, SIZE_MOST = 1 << 24 };

static const char *const known_formats = "f32,bf16,bf16-split,s8,s8-split,w8,w4,w84";

struct options {
  const char *file[SIDES]; /* old, new */
  const char *formats, *shape;
  void (*run)(const char *format);
  size_t rows[ROWS_MAX], row_count;
  size_t rounds, threads, group;
  size_t m, n, r;
  double limit;
  bool help;
};

static options o;
static const compare_side *side[SIDES];
static bool slower; /* a ratio's interval lies above the limit */

/* --- Rounds ----------------------------------------------------------------------------------- */

/* Seconds of one measurement of a side. */
typedef double measure_fn(void *context, int side);

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, size_t count)
{
  qsort(x, count, sizeof *x, ascending);
  return count % 2 ? x[count / 2] : (x[count / 2 - 1] + x[count / 2]) / 2;
}

/* Which side goes first changes from round to round. If a measurement is about a number of items,
 * prints how many millions of them each side does in a second; items = 0: it is not. */
static void compare(const char *format, const char *what, measure_fn *measure, void *context,
                    double items)
{
  double time[SIDES][ROUNDS_MAX], ratio[ROUNDS_MAX];
  for (int s = 0; s < SIDES; ++s) (void)measure(context, s);
  for (size_t i = 0; i < o.rounds; ++i) {
    for (int k = 0; k < SIDES; ++k) {
      const int s = (int)((i + (size_t)k) % SIDES);
      time[s][i] = measure(context, s);
    }
    ratio[i] = time[1][i] / time[0][i];
  }
  const double middle = median(ratio, o.rounds); /* sorted now */
  const double away = (double)o.rounds - 1.96 * sqrt((double)o.rounds);
  const size_t low = away > 0 ? (size_t)(away / 2) : 0, high = o.rounds - 1 - low;
  const bool above = ratio[low] > o.limit;
  slower = slower || above;
  const double old = median(time[0], o.rounds), new = median(time[1], o.rounds);
  printf("%-10s %-22s %10.3f %10.3f %8.3f  [%.3f, %.3f]", format, what, 1e3 * old, 1e3 * new,
         middle, ratio[low], ratio[high]);
  if (items > 0) printf("  %.1f and %.1f M/s", items / old / 1e6, items / new / 1e6);
  printf("%s\n", above ? "  SLOWER" : "");
  fflush(stdout);
}

/* --- Layers ----------------------------------------------------------------------------------- */

/* Calls of both sides on the same copies of the same packed layers. */
typedef struct calls {
  size_t count;
  compare_layer layer[LAYERS_MAX];
  size_t bytes[LAYERS_MAX], all; /* of a block, whole pages; of a copy of all blocks */
  char *memory;
  size_t copies, turn, times; /* times: runs of a measurement */
  float *x, *y;
  const float **gains;
  void *side[SIDES];
} calls;

static void run_once(calls *c, int s)
{
  const void *blocks[LAYERS_MAX];
  const char *at = c->memory + c->turn++ % c->copies * c->all;
  for (size_t i = 0; i < c->count; at += c->bytes[i++]) blocks[i] = at;
  side[s]->run(c->side[s], blocks);
}

static double measure_calls(void *context, int s)
{
  calls *c = context;
  run_once(c, s);
  const double start = clock_now();
  for (size_t i = 0; i < c->times; ++i) run_once(c, s);
  return (clock_now() - start) / (double)c->times;
}

static void load_layers(calls *c)
{
  enum { PAGE = 4096, COLD = 1 << 30 };
  c->all = 0;
  for (size_t i = 0; i < c->count; ++i) {
    c->bytes[i] = (side[0]->bytes(&c->layer[i]) + PAGE - 1) / PAGE * PAGE;
    c->all += c->bytes[i];
  }
  c->copies = COLD / c->all + 2;
  c->memory = bench_alloc(c->copies * c->all);
  char *at = c->memory;
  for (size_t i = 0; i < c->count; at += c->bytes[i++]) {
    side[0]->pack(&c->layer[i], at, c->bytes[i], 1);
  }
  for (size_t i = 1; i < c->copies; ++i) memcpy(c->memory + i * c->all, c->memory, c->all);
}

/* Each row has an expert of its own. */
static void open_calls(calls *c, size_t rows, bool together)
{
  size_t outputs = 0, rank = c->layer[0].r;
  for (size_t i = 0; i < c->count; ++i) {
    outputs += c->layer[i].m;
    if (c->layer[i].r > rank) rank = c->layer[i].r;
  }
  c->x = bench_random(rows * c->layer[0].n, 3);
  c->y = bench_alloc(rows * outputs * sizeof *c->y);
  float *gains = bench_random(rows * rank, 4);
  c->gains = bench_alloc(rows * sizeof *c->gains);
  for (size_t i = 0; i < rows; ++i) c->gains[i] = gains + i * rank;
  const compare_batch batch = {rows, o.threads, c->x, c->y, c->gains};
  for (int s = 0; s < SIDES; ++s) {
    c->side[s] = side[s]->calls(c->layer, c->count, &batch, together);
  }
  c->times = 1;
  const double once = measure_calls(c, 0), aim = 0.03;
  c->times = once < aim ? (size_t)(aim / once) + 1 : 1;
}

static void end_calls(calls *c)
{
  for (int s = 0; s < SIDES; ++s) side[s]->end_calls(c->side[s]);
  free(c->x);
  free(c->y);
  free((void *)(uintptr_t)c->gains[0]);
  free(c->gains);
}

/* U and V of variance 1 over their length; sigma falls. */
static void fill_layer(compare_layer *l, const char *format, size_t m, size_t n, size_t r)
{
  float *sigma = bench_alloc(r * sizeof *sigma);
  for (size_t i = 0; i < r; ++i) sigma[i] = 1 / (1 + (float)i / 64);
  *l = (compare_layer){format, o.group, m, n, r, bench_random(m * r, 1), bench_random(r * n, 2),
                       sigma};
}

static void free_layer(compare_layer *l)
{
  free((void *)(uintptr_t)l->u);
  free((void *)(uintptr_t)l->vt);
  free((void *)(uintptr_t)l->sigma);
}

static void compare_layers(calls *c, const char *format, const char *name, bool together)
{
  if (side[0]->bytes(&c->layer[0]) == 0) return; /* a format that only the new one has */
  load_layers(c);
  for (size_t i = 0; i < o.row_count; ++i) {
    char what[64];
    snprintf(what, sizeof what, "%s rows %zu", name, o.rows[i]);
    open_calls(c, o.rows[i], together);
    compare(format, what, measure_calls, c, 0);
    end_calls(c);
  }
  free(c->memory);
}

static void compare_matmul(const char *format)
{
  calls c = {.count = 1};
  char name[48];
  fill_layer(&c.layer[0], format, o.m, o.n, o.r);
  snprintf(name, sizeof name, "%zux%zu", o.m, o.n);
  compare_layers(&c, format, name, false);
  free_layer(&c.layer[0]);
}

/* q, k and v of one X: separate calls of the old version, one plan of the new one. */
static void compare_group(const char *format)
{
  static const struct {
    const char *name;
    size_t n, m[LAYERS_MAX];
  } groups[] = {{"3 of 256", 256, {256, 256, 256}}, {"qkv of 576", 576, {576, 192, 192}}};
  for (size_t g = 0; g < sizeof groups / sizeof *groups; ++g) {
    calls c = {.count = LAYERS_MAX};
    for (size_t i = 0; i < LAYERS_MAX; ++i) {
      const size_t m = groups[g].m[i], n = groups[g].n;
      fill_layer(&c.layer[i], format, m, n, m < n ? m : n);
    }
    compare_layers(&c, format, groups[g].name, true);
    for (size_t i = 0; i < LAYERS_MAX; ++i) free_layer(&c.layer[i]);
  }
}

/* --- Packing ---------------------------------------------------------------------------------- */

typedef struct packing {
  const compare_layer *layer;
  void *block;
  size_t bytes;
} packing;

static double measure_pack(void *context, int s)
{
  const packing *c = context;
  const double start = clock_now();
  side[s]->pack(c->layer, c->block, c->bytes, o.threads);
  return clock_now() - start;
}

static void compare_pack(const char *format)
{
  compare_layer layer;
  char what[64];
  fill_layer(&layer, format, o.m, o.n, o.r);
  packing c = {.layer = &layer, .bytes = side[0]->bytes(&layer)};
  if (c.bytes > 0) {
    c.block = bench_alloc(c.bytes);
    snprintf(what, sizeof what, "pack %zux%zu", o.m, o.n);
    compare(format, what, measure_pack, &c, (double)o.r * (double)(o.m + o.n));
    free(c.block);
  }
  free_layer(&layer);
}

/* --- Models ----------------------------------------------------------------------------------- */

typedef struct models {
  void *model[SIDES], *texts[SIDES];
  unsigned long long sum[SIDES];
} models;

static double measure_pass(void *context, int s)
{
  models *m = context;
  return side[s]->pass(m->texts[s]);
}

/* The largest number of rows is a prompt that is read, the others are texts that are continued. */
static void compare_pass(const char *format)
{
  enum { LENGTH = 32, PROMPT = 512 };
  models m = {0};
  for (int s = 0; s < SIDES; ++s) {
    if (!(m.model[s] = side[s]->model(o.shape, format, o.group))) return;
  }
  for (size_t i = 0; i < o.row_count; ++i) {
    const size_t rows = o.rows[i];
    char what[64];
    for (int s = 0; s < SIDES; ++s) {
      m.texts[s] = rows >= PROMPT
                       ? side[s]->texts(m.model[s], 1, 0, 0, rows, o.threads)
                       : side[s]->texts(m.model[s], rows, LENGTH, o.rounds + 1, 0, o.threads);
    }
    snprintf(what, sizeof what, "pass of %zu rows", rows);
    compare(format, what, measure_pass, &m, 0);
    for (int s = 0; s < SIDES; ++s) side[s]->end_texts(m.texts[s]);
  }
  for (int s = 0; s < SIDES; ++s) side[s]->end_model(m.model[s]);
}

enum { TEXTS = 128, PREFIX = 44, OWN = 4, TOKENS = 16 };

static double measure_generate(void *context, int s)
{
  models *m = context;
  return side[s]->generate(m->model[s], TEXTS, PREFIX, OWN, TOKENS, TEXTS, o.threads, &m->sum[s]);
}

static void compare_prefix(const char *format)
{
  models m = {0};
  for (int s = 0; s < SIDES; ++s) {
    if (!(m.model[s] = side[s]->model(o.shape, format, o.group))) return;
  }
  compare(format, "128 texts, prefix 44", measure_generate, &m, 0);
  if (m.sum[0] != m.sum[1]) {
    printf("%-10s the texts differ\n", format);
    slower = true;
  }
  for (int s = 0; s < SIDES; ++s) side[s]->end_model(m.model[s]);
}

/* --- Program ---------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  void (*run)(const char *format);
} comparisons[] = {{"matmul", compare_matmul},
                   {"group", compare_group},
                   {"pack", compare_pack},
                   {"pass", compare_pass},
                   {"prefix", compare_prefix}};

static void print_help(void)
{
  fputs(
      "usage: svf_compare [OPTION...] OLD.so NEW.so\n"
      "  --what=matmul|group|pack|pass|prefix   (matmul)\n"
      "  --formats=LIST   (all)\n"
      "  --rows=LIST      (1,8,64,512)\n"
      "  --size=M,N,R     of the layer of matmul and pack (4096,4096,4096)\n"
      "  --shape=NAME     of the model of pass and prefix (tinyllama-1.1b)\n"
      "  --group=N        weights that share a scale, in formats with groups (32)\n"
      "  --rounds=N       (15)\n"
      "  --threads=N      (2)\n"
      "  --limit=RATIO    (1.02)\n",
      stdout);
}

static bool take_rows(options *to, const flag *f, const char *value)
{
  to->row_count = flag_read_numbers(value, SIZE_MOST, to->rows, ROWS_MAX);
  return to->row_count > 0 || flag_refuse(f->name, value, "expected at most %d integers", ROWS_MAX);
}

static bool take_size(options *to, const flag *f, const char *value)
{
  size_t size[3];
  if (flag_read_numbers(value, SIZE_MOST, size, 3) != 3) {
    return flag_refuse(f->name, value, "expected three integers");
  }
  to->m = size[0];
  to->n = size[1];
  to->r = size[2];
  return true;
}

static bool take_limit(options *to, const flag *f, const char *value)
{
  to->limit = strtod(value, NULL);
  return to->limit > 0 || flag_refuse(f->name, value, "expected a number above 0");
}

static bool take_what(options *to, const flag *f, const char *value)
{
  for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; ++i) {
    if (strcmp(value, comparisons[i].name) != 0) continue;
    to->run = comparisons[i].run;
    return true;
  }
  return flag_refuse(f->name, value, "no comparison");
}

static const flag flags[] = {
    {"what", "NAME", "matmul", take_what, .at = 0},
    {"formats", "LIST", "all", flag_text, .at = offsetof(options, formats)},
    {"rows", "LIST", "1,8,64,512", take_rows, .at = 0},
    {"size", "M,N,R", "4096,4096,4096", take_size, .at = 0},
    {"shape", "NAME", "tinyllama-1.1b", flag_text, .at = offsetof(options, shape)},
    {"group", "N", "32", flag_number, .at = offsetof(options, group), .most = SIZE_MOST},
    {"rounds", "N", "15", flag_number, .at = offsetof(options, rounds), .most = ROUNDS_MAX},
    {"threads", "N", "2", flag_number, .at = offsetof(options, threads), .most = SIZE_MOST},
    {"limit", "RATIO", "1.02", take_limit, .at = 0},
    {"help", .take = flag_true, .at = offsetof(options, help)},
};

static bool load_side(int s)
{
  void *file = dlopen(o.file[s], RTLD_NOW | RTLD_LOCAL);
  const compare_side *(*get)(void) = NULL;
  if (file) *(void **)&get = dlsym(file, "svf_compare_side");
  if (!get) {
    fprintf(stderr, "svf_compare: %s\n", dlerror());
    return false;
  }
  side[s] = get();
  return true;
}

int main(int argc, char **argv)
{
  if (!flags_parse(flags, sizeof flags / sizeof *flags, argc, argv, &o, o.file, SIDES)) return 2;
  if (o.help) {
    print_help();
    return 0;
  }
  if (!o.file[SIDES - 1]) {
    fputs("svf_compare: needs two libraries; see --help\n", stderr);
    return 2;
  }
  for (int s = 0; s < SIDES; ++s) {
    if (!load_side(s)) return 1;
  }
  printf("svf %s against %s, %zu rounds in turns, %zu threads\n", side[1]->version(),
         side[0]->version(), o.rounds, o.threads);
  printf("%-10s %-22s %10s %10s %8s  95 %% interval\n", "format", "", "old ms", "new ms",
         "new/old");
  char formats[256];
  snprintf(formats, sizeof formats, "%s",
           strcmp(o.formats, "all") == 0 ? known_formats : o.formats);
  for (char *f = strtok(formats, ","); f; f = strtok(NULL, ",")) o.run(f);
  return slower ? 1 : 0;
}
