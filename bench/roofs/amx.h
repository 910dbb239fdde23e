/* SPDX-License-Identifier: Apache-2.0
 *
 * The roof of an AMX product, whatever its type. */
#ifndef SVF_BENCH_ROOFS_AMX_H
#define SVF_BENCH_ROOFS_AMX_H

#include <stdint.h>

/* All tiles of 16 rows x 64 bytes. Constant data: gcc 12 may drop the stores that fill a
 * configuration on the stack. */
static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} roof_tiles = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

/* Four sums of 16 x 16 from two and two tiles, as the kernel has them, without a load; `dp` takes
 * `k` steps. */
#define ROOF_TILES(name, dp, k)                     \
  double name(size_t steps)                         \
  {                                                 \
    _tile_loadconfig(&roof_tiles);                  \
    _tile_zero(0);                                  \
    _tile_zero(1);                                  \
    _tile_zero(2);                                  \
    _tile_zero(3);                                  \
    _tile_zero(4);                                  \
    _tile_zero(5);                                  \
    _tile_zero(6);                                  \
    _tile_zero(7);                                  \
    for (size_t s = 0; s < steps; ++s) {            \
      dp(0, 4, 6);                                  \
      dp(1, 4, 7);                                  \
      dp(2, 5, 6);                                  \
      dp(3, 5, 7);                                  \
    }                                               \
    _tile_release();                                \
    return 4 * 2.0 * 16 * 16 * (k) * (double)steps; \
  }

#endif
