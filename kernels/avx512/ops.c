/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/target.h"

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <svf/cpu.h>

SVF_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")

#include "kernels/avx512/vec.h"

#include "kernels/ops_vec.h"

SVF_OPS(avx512, SVF_ISA_AVX512, SVF_FMA_NEEDS);

SVF_TARGET_END
