/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/target.h"

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx2,fma")

#include "kernels/avx2/vec.h"

#include "kernels/ops_vec.h"

SVF_OPS(avx2, SVF_ISA_AVX2, SVF_FMA_NEEDS);

SVF_TARGET_END
