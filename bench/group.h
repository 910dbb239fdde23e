/* SPDX-License-Identifier: Apache-2.0
 *
 * A group: one layer at one number of rows, and everyone who is measured on it. All of a group are
 * measured together, in interleaved rounds, so that a ratio compares what ran within the same
 * fraction of a second; Google Benchmark's rows then report their share. */
#ifndef SVF_BENCH_GROUP_H
#define SVF_BENCH_GROUP_H

#include "bench/contender.h"
#include "bench/gbench.h"
#include "bench/models.h"
#include "bench/options.h"
#include "bench/roofs/roofs.h"

enum { CONTENDERS_MAX = 8 };

typedef struct group group;

/* A row of output. */
typedef struct row {
  group *group;
  const contender *contender;
  char name[192];
  bool fresh, measured; /* has news that were not reported yet; ever had a result */
  char error[128];      /* why it was not measured, or "" */
  char detail[80];      /* what serves the contender inside, or "" */
  double weight_bytes;  /* of one copy, as this contender packs it; 0: says nothing */
  double seconds;       /* median over rounds */
  double speedup;       /* of svf over this one: median over rounds of the ratio */
} row;

struct group {
  const options *o;
  const shape *shape;
  svf_format format;
  size_t rows, experts;
  row row[CONTENDERS_MAX]; /* row[0] is svf */
  size_t count;
  const peak *peak; /* that bounds svf's kernel, or NULL */
  roofs roofs;      /* measured around the rounds */
  bool wrong;       /* a peer's result was not svf's */
};

/* gbench_fn for a row: context is the row. Measures the group when the row has nothing fresh. */
bool row_report(void *context, gbench_result *result, char *error, size_t bytes);

/* max(bytes / bandwidth, flops / peak) of svf: the least time that the roofs allow. */
double group_roof_seconds(const group *g);

/* Of the job, whatever the format; a hi + lo pair counts once. */
double group_flops(const group *g);

/* Of weights as packed by this contender, X and Y. */
double row_bytes(const row *r);

/* The row of that contender, or NULL. */
const row *group_find(const group *g, const char *contender);

/* Free the weights that the last group left loaded. */
void group_release(void);

#endif
