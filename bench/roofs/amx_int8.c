/* SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>

#include "bench/roofs/amx.h"
#include "bench/roofs/roofs.h"
#include "kernels/target.h"

SVF_TARGET_BEGIN("amx-tile,amx-int8,avx512f")

/* As in bf16, of products of bytes. */
double roof_int8_amx(size_t steps)
{
  enum { ROWS = 16 };
  _tile_loadconfig(&roof_tiles);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (size_t s = 0; s < steps; ++s) {
    _tile_dpbssd(0, 4, 6);
    _tile_dpbssd(1, 4, 7);
    _tile_dpbssd(2, 5, 6);
    _tile_dpbssd(3, 5, 7);
  }
  _tile_release();
  return 4 * 2.0 * ROWS * 16 * 64 * (double)steps;
}

SVF_TARGET_END
