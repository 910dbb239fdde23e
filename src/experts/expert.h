/* SPDX-License-Identifier: Apache-2.0
 *
 * An expert in memory. */
#ifndef SVF_EXPERTS_EXPERT_H
#define SVF_EXPERTS_EXPERT_H

#include <svf/expert.h>

struct svf_expert {
  svf_expert_info info;
  size_t count;
  svf_expert_module *modules; /* [count], in the order of names */
  float *floats;              /* the modules' values and z point into it */
  char *text;                 /* the modules' names, task and trained point into it */
};

/* Checks that a name has 1 to SVF_EXPERT_MAX_MODULE_NAME printable ASCII characters without blanks,
 * which makes it safe in messages. Errors: NULL, ARGUMENT. */
svf_status svf_module_name_check(const char *name);

/* The end of a tensor's name: ".z" if z is stored, ".p" if parameters are. */
const char *svf_expert_suffix(svf_parametrisation kind);

/* Unless status is OK, puts the module's name before the last message. Returns status. */
svf_status svf_fail_in_module(svf_status status, const char *name);

#endif
