/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/table.h"

#include <string.h>

/* The contenders other than svf that were measured anywhere, in the order of their list. */
static size_t list_columns(const group *groups, size_t count, const contender **columns)
{
  size_t found = 0;
  for (size_t c = 1; c < contender_count(); ++c) {
    bool measured = false;
    for (size_t i = 0; i < count; ++i) {
      measured = measured || group_find(&groups[i], contender_at(c)->name);
    }
    if (measured) columns[found++] = contender_at(c);
  }
  return found;
}

/* Longest name of a layer, at least `width`. */
static int layer_width(const group *groups, size_t count, int width)
{
  for (size_t i = 0; i < count; ++i) {
    const int length = (int)strlen(groups[i].shape->name);
    if (length > width) width = length;
  }
  return width;
}

static void print_peer(FILE *to, const group *g, const contender *c)
{
  const row *r = group_find(g, c->name);
  if (r) {
    fprintf(to, " | %9.4f %8.2fx", 1e3 * r->seconds, r->speedup);
  } else {
    fprintf(to, " | %9s %9s", "-", "-");
  }
}

static void print_group(FILE *to, const group *g, int width)
{
  const row *svf = group_find(g, "svf");
  char dims[40], kernel[32];
  snprintf(dims, sizeof dims, "%zu,%zu,%zu", g->shape->m, g->shape->n, g->shape->r);
  snprintf(kernel, sizeof kernel, "%s/%s", svf_format_name(g->format),
           svf->contender->variant(g->o->isa, g->format));
  fprintf(to, "%-*s %-16s %5zu %7zu  %-21s | %9.4f %9.1f %7.1f %7.1f%%", width, g->shape->name,
          dims, g->rows, g->experts, kernel, 1e3 * svf->seconds,
          1e-9 * group_flops(g) / svf->seconds, 1e-9 * row_bytes(svf) / svf->seconds,
          100 * group_roof_seconds(g) / svf->seconds);
}

void table_print(FILE *to, const group *groups, size_t count)
{
  const contender *columns[CONTENDERS_MAX];
  const size_t found = list_columns(groups, count, columns);
  const int width = layer_width(groups, count, 15);
  fprintf(to, "\n%-*s %-16s %5s %7s  %-21s | %9s %9s %7s %8s", width, "layer", "m,n,r", "rows",
          "experts", "format/ISA", "svf ms", "GFLOP/s", "GB/s", "of roof");
  for (size_t c = 0; c < found; ++c) fprintf(to, " | %10s ms %5s", columns[c]->title, "x");
  fprintf(to, "\n");
  for (size_t i = 0; i < count; ++i) {
    if (!group_find(&groups[i], "svf")) continue;
    print_group(to, &groups[i], width);
    for (size_t c = 0; c < found; ++c) print_peer(to, &groups[i], columns[c]);
    fprintf(to, "\n");
  }
  fprintf(
      to,
      "\nms: median over interleaved rounds; x: how many times faster svf is (median over rounds)\n"
      "of roof: max(bytes / read bandwidth, flops / peak) / time, both measured around it; bytes "
      "as "
      "svf\npacks the weights; peak of the instruction that its kernel multiplies by%s\n",
      groups[0].o->cold_bytes > 0 ? ""
                                  : "; with --warm weights\nmay come from caches, beyond 100%");
}
