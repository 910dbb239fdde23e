/* SPDX-License-Identifier: Apache-2.0 */
#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/neon/vec.h"

#include "kernels/ops_vec.h"

SVF_OPS(neon, SVF_ISA_NEON, SVF_FMA_NEEDS);
