/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_EXPERTS_APPLY_H
#define SVF_EXPERTS_APPLY_H

#include <svf/modules.h>

/* svf_expert_check with modules that svf_modules_check has passed. */
svf_status svf_expert_match(const svf_expert *expert, const svf_modules *modules, unsigned flags);

#endif
