/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "bench/group.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/clock.h"
#include "bench/memory.h"
#include "bench/pin.h"

enum { ROUNDS_MIN = 3, ROUNDS_MAX = 9 };

/* --- The loaded layer, kept while groups of the same shape follow each other ------------------ */

typedef struct loaded {
  const shape *shape;
  layer layer;
  float *u, *vt, *sigma; /* made up, or NULL where the shape has its own */
  float *experts;
  svf_format format; /* of the contenders */
  const contender *who[CONTENDERS_MAX];
  void *self[CONTENDERS_MAX];
  size_t count;
} loaded;

static loaded now_loaded;

static void release_contenders(void)
{
  loaded *l = &now_loaded;
  for (size_t i = 0; i < l->count; ++i) l->who[i]->destroy(l->self[i]);
  l->count = 0;
}

void group_release(void)
{
  loaded *l = &now_loaded;
  release_contenders();
  free(l->u);
  free(l->vt);
  free(l->sigma);
  free(l->experts);
  *l = (loaded){0};
}

/* Factors scaled so that values keep their size through both products. */
static float *scaled_random(size_t count, uint64_t seed, size_t reduced)
{
  float *p = bench_random(count, seed);
  const float scale = sqrtf(3.0f / (float)reduced);
  for (size_t i = 0; i < count; ++i) p[i] *= scale;
  return p;
}

static void load_layer(const group *g)
{
  loaded *l = &now_loaded;
  const shape *s = g->shape;
  if (l->shape == s) return;
  group_release();
  l->shape = s;
  if (s->u) {
    l->layer = (layer){s->m, s->n, s->r, s->u, s->vt, s->sigma};
  } else {
    l->u = scaled_random(s->m * s->r, 1, s->r);
    l->vt = scaled_random(s->r * s->n, 2, s->n);
    l->sigma = bench_alloc(s->r * sizeof *l->sigma);
    for (size_t k = 0; k < s->r; ++k) l->sigma[k] = 1.0f;
    l->layer = (layer){s->m, s->n, s->r, l->u, l->vt, l->sigma};
  }
  size_t most = 0;
  for (size_t i = 0; i < g->o->experts_count; ++i) {
    if (g->o->experts[i] > most) most = g->o->experts[i];
  }
  l->experts = bench_random(most * s->r, 4);
  for (size_t k = 0; k < most * s->r; ++k) {
    l->experts[k] = (1 + 0.5f * l->experts[k]) * l->layer.sigma[k % s->r];
  }
}

static void load(const group *g)
{
  loaded *l = &now_loaded;
  load_layer(g);
  if (l->count > 0 && l->format == g->format) return;
  release_contenders();
  l->format = g->format;
  const setup how = {&l->layer, g->format, g->o->cold_bytes, g->o->threads, g->o->isa, g->o->group};
  for (size_t i = 0; i < g->count; ++i) {
    l->who[i] = g->row[i].contender;
    l->self[i] = l->who[i]->create(&how);
    l->count = i + 1;
  }
}

/* --- Measuring -------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, size_t count)
{
  double sorted[ROUNDS_MAX];
  memcpy(sorted, values, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, compare_doubles);
  return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

typedef struct pace {
  size_t calls;             /* per round */
  double round[ROUNDS_MAX]; /* seconds per call */
  size_t turn;
} pace;

/* Worker threads of OpenBLAS and of OpenMP runtimes spin for a while after their work, and would
 * take the cores from whoever is measured next: let them fall asleep, then wake one's own, for long
 * enough that the scheduler has spread them over the cores. Returns the quickest call. */
static double change_over(const contender *who, void *self, pace *p)
{
  const struct timespec rest = {.tv_nsec = 40 * 1000 * 1000};
  const double awake = 0.004;
  nanosleep(&rest, NULL);
  const double start = clock_now();
  double now = start, quickest = INFINITY;
  while (now - start < awake) {
    const double from = now;
    who->run(self, p->turn++);
    now = clock_now();
    if (now - from < quickest) quickest = now - from;
  }
  return quickest;
}

static double time_calls(const contender *who, void *self, pace *p)
{
  const double start = clock_now();
  for (size_t i = 0; i < p->calls; ++i) {
    who->run(self, p->turn++);
  }
  return (clock_now() - start) / (double)p->calls;
}

/* How far from svf's result a peer's may be, as NMSE: what rounding to the format explains, with
 * room. A wrong result is off by about 1. */
static double error_allowed(svf_format format)
{
  const svf_format_traits t = format_traits(format);
  const double sums = 1e-8, bf16 = 1e-4, int8 = 1e-3, int4 = 3e-2;
  if (t.integer) return t.weight_bits < 8 ? int4 : int8;
  return fmax(sums, ldexp(bf16, 2 * (8 - t.weight_precision)));
}

static bool same_result(svf_format format, const float *want, const float *got, size_t count)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    const double d = (double)got[i] - (double)want[i];
    error += d * d;
    power += (double)want[i] * (double)want[i];
  }
  return error <= error_allowed(format) * power;
}

/* Rounds so that a contender takes about the seconds asked for; slow ones decide. */
static size_t count_rounds(const group *g, const pace *paces)
{
  double longest = 0;
  for (size_t i = 0; i < g->count; ++i) {
    const double t = paces[i].round[0] * (double)paces[i].calls;
    if (!g->row[i].contender->slow && t > longest) longest = t;
  }
  const double rounds = g->o->seconds / longest;
  return rounds < ROUNDS_MIN ? ROUNDS_MIN : rounds > ROUNDS_MAX ? ROUNDS_MAX : (size_t)rounds;
}

/* Get a contender ready and compare what it computes with svf, row 0, whose result is kept in
 * `want`. Says in the row's error why it cannot be measured. */
static void prepare(group *g, size_t i, const batch *b, float *want)
{
  const size_t count = b->rows * g->shape->m;
  row *r = &g->row[i];
  const contender *who = r->contender;
  void *self = now_loaded.self[i];
  r->error[0] = 0;
  if (!who->prepare(self, b)) {
    snprintf(r->error, sizeof r->error, "%s has nothing for %s on this CPU", who->title,
             who->computes(g->format));
    return;
  }
  r->detail[0] = 0;
  if (who->detail) who->detail(self, r->detail, sizeof r->detail);
  r->weight_bytes = who->bytes ? (double)who->bytes(self) : 0;
  memset(b->y, 0xff, count * sizeof(float));
  who->run(self, 0);
  if (i == 0) {
    memcpy(want, b->y, count * sizeof(float));
  } else if (!who->other_work && !same_result(g->format, want, b->y, count)) {
    snprintf(r->error, sizeof r->error, "%s computes something else than svf", who->title);
    g->wrong = true;
  }
}

static void run_rounds(group *g, pace *paces)
{
  const double target = g->o->seconds / ROUNDS_MAX; /* per contender and round, or one call */
  for (size_t i = 0; i < g->count; ++i) {
    if (g->row[i].error[0]) continue;
    const double once = change_over(g->row[i].contender, now_loaded.self[i], &paces[i]);
    paces[i].calls = once < target ? 1 + (size_t)(target / once) : 1;
    paces[i].round[0] = once;
  }
  const size_t rounds = count_rounds(g, paces);
  for (size_t r = 0; r < rounds; ++r) {
    for (size_t i = 0; i < g->count; ++i) {
      const contender *who = g->row[i].contender;
      if (g->row[i].error[0]) continue;
      if (who->slow && paces[i].round[0] > 0.1) {
        paces[i].round[r] = paces[i].round[0];
        continue;
      }
      change_over(who, now_loaded.self[i], &paces[i]);
      paces[i].round[r] = time_calls(who, now_loaded.self[i], &paces[i]);
    }
  }
  for (size_t i = 0; i < g->count; ++i) {
    double ratio[ROUNDS_MAX];
    if (g->row[i].error[0]) continue;
    for (size_t r = 0; r < rounds; ++r) ratio[r] = paces[i].round[r] / paces[0].round[r];
    g->row[i].seconds = median(paces[i].round, rounds);
    g->row[i].speedup = median(ratio, rounds);
    g->row[i].measured = true;
  }
}

/* All of the group; a row that could not be measured has its error. */
static void measure(group *g)
{
  const shape *s = g->shape;
  load(g);
  const float **gains = bench_alloc(g->rows * sizeof *gains);
  const float **first_gains = bench_alloc(g->rows * sizeof *first_gains);
  float *dense = bench_alloc(g->rows * s->r * sizeof *dense);
  for (size_t i = 0; i < g->rows; ++i) {
    gains[i] = now_loaded.experts + i % g->experts * s->r;
    first_gains[i] = now_loaded.experts;
    memcpy(dense + i * s->r, gains[i], s->r * sizeof *dense);
  }
  float *x = bench_random(g->rows * s->n, 5);
  float *y = bench_alloc(g->rows * s->m * sizeof *y),
        *want = bench_alloc(g->rows * s->m * sizeof *y);
  const batch b = {g->rows, g->experts, x, gains, first_gains, dense, y};
  pace paces[CONTENDERS_MAX] = {{0}};
  for (size_t i = 0; i < g->count; ++i) prepare(g, i, &b, want);
  pin_threads(g->o->threads); /* everybody's exist now */
  g->peak = peak_of(svf_isa_serving(g->o->isa, g->format), g->format);
  const roofs before = roofs_measure(g->peak, g->o->threads);
  run_rounds(g, paces);
  const roofs after = roofs_measure(g->peak, g->o->threads);
  g->roofs.flops = before.flops > after.flops ? before.flops : after.flops;
  g->roofs.bytes = before.bytes > after.bytes ? before.bytes : after.bytes;
  for (size_t i = 0; i < g->count; ++i) g->row[i].fresh = true;
  free(gains);
  free(first_gains);
  free(dense);
  free(x);
  free(y);
  free(want);
}

/* --- Reporting -------------------------------------------------------------------------------- */

double group_flops(const group *g)
{
  return 2.0 * (double)g->rows * (double)g->shape->r * (double)(g->shape->m + g->shape->n);
}

double row_bytes(const row *r)
{
  const group *g = r->group;
  return r->weight_bytes + 4.0 * (double)g->rows * (double)(g->shape->n + g->shape->m);
}

double group_roof_seconds(const group *g)
{
  const double memory = row_bytes(&g->row[0]) / g->roofs.bytes;
  const double compute = g->roofs.flops > 0 ? group_flops(g) / g->roofs.flops : 0;
  return memory > compute ? memory : compute;
}

const row *group_find(const group *g, const char *name)
{
  for (size_t i = 0; i < g->count; ++i) {
    if (g->row[i].measured && strcmp(g->row[i].contender->name, name) == 0) return &g->row[i];
  }
  return NULL;
}

static void counter(gbench_result *result, const char *name, double value)
{
  result->counter[result->counters++] = (gbench_counter){name, value};
}

bool row_report(void *context, gbench_result *result, char *error, size_t bytes)
{
  row *r = context;
  group *g = r->group;
  if (isatty(STDERR_FILENO)) {
    fprintf(stderr, "\r\033[Kmeasuring %s %s rows %zu experts %zu", g->shape->name,
            svf_format_name(g->format), g->rows, g->experts);
  }
  if (!r->fresh) measure(g);
  r->fresh = false;
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
  if (r->error[0]) {
    snprintf(error, bytes, "%s", r->error);
    return false;
  }
  result->seconds = r->seconds;
  if (r == &g->row[0] && g->peak) {
    snprintf(result->label, sizeof result->label, "roof: %s", g->peak->name);
  } else {
    snprintf(result->label, sizeof result->label, "%s", r->detail);
  }
  counter(result, "GFLOP/s", 1e-9 * group_flops(g) / r->seconds);
  if (r->weight_bytes > 0) counter(result, "GB/s", 1e-9 * row_bytes(r) / r->seconds);
  counter(result, "of_roof", group_roof_seconds(g) / r->seconds);
  counter(result, "roof_GFLOP/s", 1e-9 * g->roofs.flops);
  counter(result, "roof_GB/s", 1e-9 * g->roofs.bytes);
  for (size_t i = 1; r == &g->row[0] && i < g->count; ++i) {
    if (!g->row[i].error[0]) counter(result, g->row[i].contender->versus, g->row[i].speedup);
  }
  return true;
}
