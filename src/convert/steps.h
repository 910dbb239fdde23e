/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of a long job, several at once. */
#ifndef SVF_CONVERT_STEPS_H
#define SVF_CONVERT_STEPS_H

#include <stddef.h>

#include <svf/status.h>

typedef struct svf_steps {
  size_t count;   /* steps 0..count - 1 */
  size_t threads; /* at most so many run at once, on threads of OpenMP */
  size_t memory;  /* bytes that steps which run at once may take; one alone may take more */
  size_t (*bytes)(void *context, size_t step);
  svf_status (*begin)(void *context,
                      size_t step);              /* called on the caller's thread alone, in order */
  svf_status (*run)(void *context, size_t step); /* called after `begin`, on any thread */
  void *context;
} svf_steps;

/* Begins and runs all steps. After the first failure no other step begins; those that run come to
 * their end. Of several failures it returns that of the lowest step, with its message. */
svf_status svf_steps_run(const svf_steps *steps);

#endif
