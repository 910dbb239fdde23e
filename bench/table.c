/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/table.h"

#include <stdbool.h>

static void print_peer(FILE *to, const group *g, const char *name)
{
  const row *r = group_find(g, name);
  if (r) {
    fprintf(to, " %9.4f %6.2fx", 1e3 * r->seconds, r->speedup);
  } else {
    fprintf(to, " %9s %7s", "-", "-");
  }
}

void table_print(FILE *to, const group *groups, size_t count)
{
  bool experts = false;
  for (size_t i = 0; i < count; ++i) experts = experts || group_find(&groups[i], "one");
  fprintf(to, "\n%-16s %-18s %5s | %9s %9s %7s %8s | %9s %7s %9s %7s %9s %7s%s\n", "layer", "m,n,r",
          "rows", "svf ms", "GFLOP/s", "GB/s", "of roof", "oneDNN", "", "OpenBLAS", "", "merge", "",
          experts ? " | one expert" : "");
  for (size_t i = 0; i < count; ++i) {
    const group *g = &groups[i];
    const row *svf = group_find(g, "svf");
    char dims[32];
    if (!svf) continue;
    snprintf(dims, sizeof dims, "%zu,%zu,%zu", g->shape->m, g->shape->n, g->shape->r);
    fprintf(to, "%-16s %-18s %5zu | %9.4f %9.1f %7.1f %7.1f%% |", g->shape->name, dims, g->rows,
            1e3 * svf->seconds, 1e-9 * group_flops(g) / svf->seconds,
            1e-9 * row_bytes(svf) / svf->seconds, 100 * group_roof_seconds(g) / svf->seconds);
    print_peer(to, g, "onednn");
    print_peer(to, g, "openblas");
    print_peer(to, g, "merge");
    if (experts) fprintf(to, " |");
    if (experts) print_peer(to, g, "one");
    fprintf(to, "\n");
  }
  fprintf(
      to,
      "\nms: median over interleaved rounds; x: how many times faster svf is (median over rounds)\n"
      "of roof: max(bytes / read bandwidth, flops / peak) / time, both measured around it; bytes "
      "as svf\n"
      "packs the weights; peak of the instruction that its kernel multiplies by\n");
}
