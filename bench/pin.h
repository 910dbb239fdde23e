/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads on cores of their own. Worker threads of several runtimes share the process; left alone,
 * the scheduler now and then keeps two of a team on one core for many milliseconds. */
#ifndef SVF_BENCH_PIN_H
#define SVF_BENCH_PIN_H

#include <stddef.h>

/* The number of CPUs that the process could use when it was first asked; 1 if that is not known. */
size_t pin_cpus(void);

/* This thread to the first CPU that the process may use, every other thread that exists now to the
 * next ones, in the order of their creation: right for any number of pools of one worker per
 * further CPU. With more than four threads this one stays free: svf_matmul starts at most four for
 * each CPU that its caller may use, and would otherwise count one. Does nothing where threads
 * cannot be listed. */
void pin_threads(size_t threads);

#endif
