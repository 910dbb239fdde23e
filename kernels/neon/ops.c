/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT ops
#define SVF_UNIT_ISA neon
#define SVF_UNIT_VECTORS neon
#include "kernels/neon/vec.h"

#include "kernels/ops_vec.h"

OPS_UNIT(SVF_ISA_NEON, VEC_NEEDS)

#include "kernels/unit_end.h"
