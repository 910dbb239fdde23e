/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT ops
#define SVF_UNIT_ISA avx512
#define SVF_UNIT_VECTORS avx512
#include "kernels/avx512/vec.h"

SVF_TARGET_AVX512

#include "kernels/ops_vec.h"

OPS_UNIT(SVF_ISA_AVX512, VEC_NEEDS)

SVF_TARGET_END
#include "kernels/unit_end.h"
