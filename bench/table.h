/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BENCH_TABLE_H
#define SVF_BENCH_TABLE_H

#include <stdio.h>

#include "bench/group.h"

/* One line per measured group: svf beside its roof and its peers. */
void table_print(FILE *to, const group *groups, size_t count);

#endif
