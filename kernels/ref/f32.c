/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT f32
#define SVF_UNIT_ISA ref
#define FMA_BF16 0
#include "kernels/ref/fma.h"

PLAIN_UNIT

#include "kernels/unit_end.h"
