/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT ops
#define SVF_UNIT_ISA avx2
#define SVF_UNIT_VECTORS avx2
#include "kernels/avx2/vec.h"

SVF_TARGET_AVX2

#include "kernels/ops_vec.h"

OPS_UNIT(SVF_ISA_AVX2, VEC_NEEDS)

SVF_TARGET_END
#include "kernels/unit_end.h"
