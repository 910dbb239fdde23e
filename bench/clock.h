/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_BENCH_CLOCK_H
#define SVF_BENCH_CLOCK_H

/* Seconds from a monotonic clock. */
double clock_now(void);

#endif
