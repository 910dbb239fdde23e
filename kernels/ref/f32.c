/* SPDX-License-Identifier: Apache-2.0 */
#define FMA_PER_LINE 1
#include "kernels/ref/fma.h"

REF_KERNEL(f32, SVF_FORMAT_F32);
