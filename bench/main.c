/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/svf_matmul: the fused matmul beside its peers and roofs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/contender.h"
#include "bench/gbench.h"
#include "bench/group.h"
#include "bench/list.h"
#include "bench/options.h"
#include "bench/table.h"
#include "bench/weights.h"

enum { EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_WEIGHTS = 4, ACCURACY_ROWS = 8 };

/* True if a contender is to be measured: svf, the first one, always is. The contenders of a layer
 * do not depend on the number of experts, so that they stay loaded while it changes. */
static bool is_wanted(const options *o, const contender *c, svf_format format)
{
  if (!c->computes(format)) return false;
  if (c == contender_at(0)) return true;
  if (c == &contender_svf_one) return o->experts_count == 1 && o->experts[0] > 1;
  if (c->alternative && o->all_peers && o->experts_count == 1) return false;
  return list_has(o->peers, c->name);
}

static void make_group(group *g, const options *o, const shape *s, svf_format format, size_t rows,
                       size_t experts)
{
  *g = (group){.o = o, .shape = s, .format = format, .rows = rows, .experts = experts};
  for (size_t i = 0; i < contender_count(); ++i) {
    const contender *c = contender_at(i);
    const bool one = c == &contender_svf_one;
    if (!is_wanted(o, c, format)) continue;
    row *r = &g->row[g->count++];
    r->group = g;
    r->contender = c;
    snprintf(r->name, sizeof r->name, "%s/%s/%s/%s/m:%zu/n:%zu/r:%zu/rows:%zu/experts:%zu",
             one ? "svf" : c->name, c->computes(format), c->variant(o->isa, format), s->name, s->m,
             s->n, s->r, rows, one ? 1 : experts);
    gbench_register(r->name, row_report, r);
  }
}

static void describe(const options *o)
{
  char text[4096], *line = text;
  snprintf(text, sizeof text, "%zu", o->threads);
  gbench_context("threads", text);
  gbench_context("times",
                 "real_time of a row: median over interleaved rounds; cpu_time means nothing");
  gbench_context("weights", o->cold_bytes > 0 ? "cold: rotating over copies" : "warm: one copy");
  gbench_context("svf_version", svf_version());
  svf_cpu_describe(text, sizeof text);
  for (char *end; (end = strchr(line, '\n')); line = end + 1) *end = ';';
  gbench_context("svf_cpu", text);
  for (size_t i = 2; i < contender_count(); ++i) {
    gbench_context(contender_at(i)->name, contender_at(i)->variant(o->isa, SVF_FORMAT_F32));
  }
#ifndef HAVE_ONEDNN
  gbench_context("onednn", "missing in this build");
#endif
#ifndef HAVE_OPENBLAS
  gbench_context("openblas", "missing in this build");
#endif
#ifdef NDEBUG
  gbench_context("svf_build",
                 "optimised; library_build_type is that of the Google Benchmark package");
#else
  gbench_context("svf_build", "with assertions");
#endif
}

static bool has_flag(int argc, char **argv, const char *name)
{
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return true;
  }
  return false;
}

/* What the instructions of this CPU can do, whichever the kernels use. */
static void describe_peaks(const options *o)
{
  char text[256] = "";
  if (peak_count() > 0 && peak_at(0)->runs()) peak_measure(peak_at(0), o->threads); /* wakes them */
  for (size_t i = 0; i < peak_count(); ++i) {
    char one[64];
    const peak *p = peak_at(i);
    if (!p->runs()) continue;
    snprintf(one, sizeof one, " %s %.0f", p->name, 1e-9 * peak_measure(p, o->threads));
    list_add(text, sizeof text, one);
  }
  if (*text) gbench_context("peaks in Gop/s", text + 1);
}

/* Adds the real matrix as the last shape, for which options_parse left space. False after a
 * message. */
static bool take_weights(options *o, weights *w, FILE *to)
{
#ifdef HAVE_MODEL
  if (!weights_load(w, o->weights, o->tensor, o->rank)) return false;
  weights_accuracy(w, ACCURACY_ROWS, to);
  shape *s = &o->shapes[o->shape_count++];
  const layer *l = &w->layer;
  *s = (shape){.m = l->m, .n = l->n, .r = l->r, .u = l->u, .vt = l->vt, .sigma = l->sigma};
  snprintf(s->name, sizeof s->name, "%s", o->tensor);
  return true;
#else
  (void)w, (void)to;
  fprintf(stderr, "svf_matmul: %s: this build has no svf_model to read it\n", o->weights);
  return false;
#endif
}

int main(int argc, char **argv)
{
  options o;
  const bool listing = has_flag(argc, argv, "--benchmark_list_tests") ||
                       has_flag(argc, argv, "--benchmark_list_tests=true");
  /* If standard output is for a program, the table goes elsewhere. */
  const bool machine = listing || has_flag(argc, argv, "--benchmark_format=json") ||
                       has_flag(argc, argv, "--benchmark_format=csv");
  if (has_flag(argc, argv, "--help") ||
      has_flag(argc, argv, "-h")) { /* before Google Benchmark prints only its own */
    options_help();
    return 0;
  }
  gbench_init(&argc, argv);
  if (!options_parse(argc, argv, &o)) return EXIT_USAGE;
  if (o.help) { /* shortened, as --hel */
    options_help();
    return 0;
  }
  weights w = {0};
  if (o.weights && !take_weights(&o, &w, machine ? stderr : stdout)) {
    return EXIT_WEIGHTS;
  }
  const size_t most = o.shape_count * o.format_count * o.rows_count * o.experts_count;
  size_t count = 0;
  group *groups = calloc(most, sizeof *groups);
  if (!groups) return 1;
  describe(&o);
  if (!listing) describe_peaks(&o);
  for (size_t s = 0; s < o.shape_count; ++s) {
    for (size_t f = 0; f < o.format_count; ++f) {
      for (size_t r = 0; r < o.rows_count; ++r) {
        for (size_t e = 0; e < o.experts_count; ++e) {
          make_group(&groups[count++], &o, &o.shapes[s], o.formats[f], o.rows[r], o.experts[e]);
        }
      }
    }
  }
  gbench_run(!machine);
  size_t measured = 0;
  bool wrong = false;
  for (size_t i = 0; i < count; ++i) {
    measured += group_find(&groups[i], "svf") != NULL;
    wrong = wrong || groups[i].wrong;
  }
  if (measured > 0) table_print(machine ? stderr : stdout, groups, count);
  group_release();
#ifdef HAVE_MODEL
  weights_free(&w);
#endif
  gbench_shutdown();
  free(groups);
  return listing || (measured > 0 && !wrong) ? 0 : EXIT_NOTHING;
}
