/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expert consists of. */
#ifndef SVF_EXPERTS_EXPERT_H
#define SVF_EXPERTS_EXPERT_H

#include <svf/expert.h>

struct svf_expert {
  svf_expert_info info;
  size_t count;
  svf_expert_module *modules; /* in the order of names */
  float *floats;              /* what the modules' values and z point into */
  char *text;                 /* and names, task, trained */
};

/* 1 to SVF_EXPERT_MAX_MODULE_NAME printable ASCII characters without blanks: safe in messages. */
svf_status svf_module_name_check(const char *name);

/* The end of a tensor's name: ".z" where z is stored, ".p" where parameters are. */
const char *svf_expert_suffix(svf_parametrisation kind);

/* Puts the module's name before the last message. Returns status. */
svf_status svf_fail_in_module(svf_status status, const char *name);

#endif
