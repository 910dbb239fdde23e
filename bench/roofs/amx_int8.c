/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/amx.h"
#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("amx-tile,amx-int8,avx512f")

ROOF_TILES(roof_int8_amx, _tile_dpbssd, 64)

SVF_TARGET_END
