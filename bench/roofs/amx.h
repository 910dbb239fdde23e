/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of the AMX roofs: all of 16 rows x 64 bytes. Constant data: gcc 12 may drop the stores that
 * fill a configuration on the stack. */
#ifndef SVF_BENCH_ROOFS_AMX_H
#define SVF_BENCH_ROOFS_AMX_H

#include <stdint.h>

static const struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} roof_tiles = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

#endif
