/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_EXPERTS_APPLY_H
#define SVF_EXPERTS_APPLY_H

#include <svf/modules.h>

/* svf_expert_check for modules that svf_modules_read has read. */
svf_status svf_expert_check_pairing(const svf_expert *expert, const svf_modules *modules,
                                    unsigned flags);

#endif
