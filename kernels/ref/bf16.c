/* SPDX-License-Identifier: Apache-2.0 */
#define SVF_UNIT bf16
#define SVF_UNIT_ISA ref
#define FMA_BF16 1
#include "kernels/ref/fma.h"

PLAIN_UNIT

#include "kernels/unit_end.h"
