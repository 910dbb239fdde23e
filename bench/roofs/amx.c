/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/amx.h"
#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("amx-tile,amx-bf16,avx512f")

ROOF_TILES(roof_bf16_amx, _tile_dpbf16ps, 32)

SVF_TARGET_END
