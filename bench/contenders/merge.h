/* SPDX-License-Identifier: Apache-2.0
 *
 * An expert merged into a dense matrix, in fp32. */
#ifndef SVF_BENCH_CONTENDERS_MERGE_H
#define SVF_BENCH_CONTENDERS_MERGE_H

#include "bench/contender.h"

/* merged [m][n] = U diag(gains) V^T, by way of scaled [m][r] = U diag(gains). */
void merge_weights(const layer *l, const float *gains, float *scaled, float *merged);

#endif
