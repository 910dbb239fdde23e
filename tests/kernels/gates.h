/* SPDX-License-Identifier: Apache-2.0
 *
 * The gates of the checker. Each runs one kernel (by its ISA) through its cases, counts what it did
 * and reports the first failures. */
#ifndef SVF_TESTS_GATES_H
#define SVF_TESTS_GATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/svf.h>

typedef struct run {
  svf_isa isa;
  svf_format format;
  bool quick; /* a tenth of the cases: emulators and sanitizers */
  bool full;  /* more of the slow ones */
  uint64_t seed, state;
  const char *gate; /* name of the gate under way */
  size_t cases, failures;
} run;

/* Count a case; when it failed, print gate, kernel and the message (the first ten). */
__attribute__((format(printf, 3, 4))) void gate_case(run *r, bool passed, const char *format, ...);

typedef struct gate {
  const char *name, *what;
  void (*fn)(run *r);
} gate;

void gate_small(run *r);      /* small.c */
void gate_random(run *r);     /* random.c */
void gate_large(run *r);      /* random.c */
void gate_batch(run *r);      /* batch.c */
void gate_identities(run *r); /* identities.c */
void gate_accuracy(run *r);   /* accuracy.c */
void gate_onednn(run *r);     /* onednn.c, in builds with it */

/* What the format under test is like. */
static inline svf_format_traits gate_traits(svf_format format)
{
  svf_format_traits t = {.size = sizeof t};
  svf_format_get_traits(format, &t);
  return t;
}

/* Whether weights of the format share scales in groups that a caller chooses. */
static inline bool gate_grouped(svf_format format) { return gate_traits(format).group_count > 1; }

/* The --bench table for one kernel. */
void bench_kernel(svf_isa isa, svf_format format); /* bench.c */

#endif
