/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/svf_grouped: several layers on one X as one call beside a call each, in interleaved
 * rounds. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/svf.h>

#include "bench/clock.h"
#include "bench/flags.h"
#include "bench/list.h"
#include "bench/memory.h"

enum { LAYERS = 3, ROUNDS_MAX = 1000, CALLS = 50 /* in a time that is taken */ };

/* Layers m[i] x n, m[i] = 0: no more of them. */
typedef struct shape {
  const char *name;
  size_t n, m[LAYERS];
} shape;

static const shape shapes[] = {
    {"3 x 256x256", 256, {256, 256, 256}},
    {"576x576 + 2 x 192x576", 576, {576, 192, 192}},
    {"2 x 1536x576", 576, {1536, 1536}},
    {"2048x2048 + 2 x 256x2048", 2048, {2048, 256, 256}},
};

struct options {
  const char *formats;
  size_t rows, threads, rounds;
  bool help;
};

typedef struct layers {
  svf_matmul_args calls[LAYERS];
  size_t count, bytes;
  void *workspace;
} layers;

static void print_help(void)
{
  fputs(
      "usage: svf_grouped [options]\n"
      "  --format=LIST  of weights (default: f32,bf16,w8,w4)\n"
      "  --rows=N       (default: 1)\n"
      "  --threads=N    (default: OpenMP's)\n"
      "  --rounds=N     of which the medians count, at most 1000 (default: 101)\n"
      "  --help\n"
      "Microseconds of the layers one by one and as a group, dense and of full rank; warm.\n",
      stdout);
}

static const flag flags[] = {
    {"format", "LIST", "f32,bf16,w8,w4", flag_text, .at = offsetof(options, formats)},
    {"rows", "N", "1", flag_number, .at = offsetof(options, rows), .most = 4096},
    {"threads", "N", NULL, flag_number, .at = offsetof(options, threads), .most = 1024},
    {"rounds", "N", "101", flag_number, .at = offsetof(options, rounds), .most = ROUNDS_MAX},
    {"help", .take = flag_true, .at = offsetof(options, help)},
};

static void must(svf_status status)
{
  if (status == SVF_OK) return;
  fprintf(stderr, "svf_grouped: %s\n", svf_last_message());
  exit(1);
}

static void *pack(size_t m, size_t n, size_t r, svf_format format)
{
  const size_t k = r > 0 ? r : n;
  float *u = bench_random(m * k, 1), *vt = r > 0 ? bench_random(r * n, 2) : NULL;
  float *sigma = r > 0 ? bench_random(r, 3) : NULL;
  const svf_linear_source s = {.size = sizeof s,
                               .m = m,
                               .n = n,
                               .r = r,
                               .format = format,
                               .u = u,
                               .u_stride = k,
                               .vt = vt,
                               .vt_stride = n,
                               .sigma = sigma};
  size_t bytes;
  must(svf_linear_bytes(&s, &bytes));
  void *block = bench_alloc(bytes);
  must(svf_linear_pack(&s, block, bytes));
  free(u);
  free(vt);
  free(sigma);
  return block;
}

static layers open_layers(const shape *s, svf_format format, bool dense, const options *o)
{
  layers l = {0};
  float *x = bench_random(o->rows * s->n, 4);
  for (; l.count < LAYERS && s->m[l.count] > 0; ++l.count) {
    const size_t m = s->m[l.count], r = dense ? 0 : m < s->n ? m : s->n;
    l.calls[l.count] = (svf_matmul_args){.size = sizeof(svf_matmul_args),
                                         .linear = pack(m, s->n, r, format),
                                         .rows = o->rows,
                                         .x = x,
                                         .x_stride = (ptrdiff_t)s->n,
                                         .y = bench_alloc(o->rows * m * sizeof(float)),
                                         .y_stride = (ptrdiff_t)m};
  }
  must(svf_matmul_group_workspace(l.calls, l.count, o->threads, &l.bytes)); /* serves each alone */
  l.workspace = bench_alloc(l.bytes);
  return l;
}

static void close_layers(layers *l)
{
  free((void *)(uintptr_t)l->calls[0].x);
  for (size_t i = 0; i < l->count; ++i) {
    free((void *)(uintptr_t)l->calls[i].linear);
    free(l->calls[i].y);
  }
  free(l->workspace);
}

/* Microseconds of all layers, one by one or as a group. */
static double time_layers(const layers *l, bool grouped, size_t threads)
{
  const double start = clock_now();
  for (int turn = 0; turn < CALLS; ++turn) {
    if (grouped) {
      must(svf_matmul_group(l->calls, l->count, threads, l->workspace, l->bytes));
    } else {
      for (size_t i = 0; i < l->count; ++i) {
        must(svf_matmul(&l->calls[i], threads, l->workspace, l->bytes));
      }
    }
  }
  return (clock_now() - start) / CALLS * 1e6;
}

static int ascending(const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *times, size_t count)
{
  qsort(times, count, sizeof *times, ascending);
  return times[count / 2];
}

static void measure(const shape *s, svf_format format, bool dense, const options *o)
{
  double single[ROUNDS_MAX], grouped[ROUNDS_MAX], ratio[ROUNDS_MAX];
  layers l = open_layers(s, format, dense, o);
  for (size_t i = 0; i < o->rounds; ++i) {
    single[i] = time_layers(&l, false, o->threads);
    grouped[i] = time_layers(&l, true, o->threads);
    ratio[i] = single[i] / grouped[i];
  }
  printf("%-26s %-11s %-8s %10.2f %10.2f %8.2fx\n", s->name, svf_format_name(format),
         dense ? "dense" : "factors", median(single, o->rounds), median(grouped, o->rounds),
         median(ratio, o->rounds));
  close_layers(&l);
}

int main(int argc, char **argv)
{
  options o = {0};
  if (!flags_parse(flags, sizeof flags / sizeof *flags, argc, argv, &o, NULL, 0)) return 2;
  if (o.help) {
    print_help();
    return 0;
  }
  if (o.threads == 0) o.threads = svf_max_threads();
  printf("%zu rows, %zu threads; microseconds\n%-26s %-11s %-8s %10s %10s %9s\n", o.rows, o.threads,
         "layers", "format", "", "one by one", "as a group", "faster");
  const char *list = o.formats;
  for (char name[16]; list_next(&list, name, sizeof name);) {
    svf_format format;
    svf_format_traits traits = {.size = sizeof traits};
    if (svf_format_parse(name, &format) != SVF_OK ||
        svf_format_get_traits(format, &traits) != SVF_OK) {
      flag_refuse("format", name, "no format");
      return 2;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      if (traits.dense == format) measure(&shapes[i], format, true, &o);
      measure(&shapes[i], format, false, &o);
    }
  }
  return 0;
}
