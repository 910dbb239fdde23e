/* SPDX-License-Identifier: Apache-2.0
 *
 * CPUs that are not there: the linker puts this in the place of svf_cpu_features (--wrap). */
#ifndef SVF_TESTS_FEATURES_H
#define SVF_TESTS_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

/* The features that a model of an instruction set adds where AVX-512 is, and those that this run
 * does without. Set them before the library is first called. */
extern uint64_t features_added, features_removed;

/* Do without a comma-separated list of features, by the names of svf_cpu_describe. */
bool features_remove(const char *names);

#endif
