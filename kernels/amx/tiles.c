/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/amx/tiles.h"

SVF_TARGET_BEGIN("amx-tile")

/* Palette 1, the bytes per row of each tile, and the rows of each. */
typedef struct amx_tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} amx_tile_config;

#define AMX_TILES(depth)                                                                        \
  {                                                                                             \
    1, 0, {0},                                                                                  \
        {SVF_LINE, SVF_LINE, SVF_LINE, SVF_LINE, 4 * (depth), 4 * (depth), SVF_LINE, SVF_LINE}, \
        {AMX_ROWS, AMX_ROWS, AMX_ROWS, AMX_ROWS, AMX_ROWS, AMX_ROWS, (depth), (depth)},         \
  }

/* Tiles of A have 4 * depth bytes a row, those of B have depth rows. */
static const amx_tile_config amx_full_depth = AMX_TILES(AMX_ROWS),
                             amx_half_depth = AMX_TILES(AMX_ROWS / 2);

#undef AMX_TILES

void svf_begin_amx(int group, svf_kernel_state *callers)
{
  _tile_storeconfig(callers->bytes); /* all zero if there is none */
  _tile_loadconfig(group == SVF_GROUP_LEAST ? &amx_half_depth : &amx_full_depth);
}

void svf_end_amx(const svf_kernel_state *callers)
{
  if (callers->bytes[0] == 0) { /* the palette */
    _tile_release();
  } else {
    _tile_loadconfig(callers->bytes);
  }
}

SVF_TARGET_END
