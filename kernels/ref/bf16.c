/* SPDX-License-Identifier: Apache-2.0 */
#define FMA_PER_LINE 2
#include "kernels/ref/fma.h"

REF_KERNEL(bf16, SVF_FORMAT_BF16);
