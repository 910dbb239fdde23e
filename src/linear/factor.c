/* SPDX-License-Identifier: Apache-2.0 */
#include "src/linear/factor.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/kernel.h"
#include "src/core/size.h"
#include "src/linear/panels.h"

enum { READ_STEPS = 16 }; /* steps that are read at a time, so that only a few cache lines are */

/* A loop: how often, and how far apart its elements lie in the source and in the tile. */
typedef struct tile_loop {
  size_t count, from, to;
} tile_loop;

static void copy_f32(const float *from, tile_loop outer, tile_loop inner, float *to)
{
  const bool line = inner.count == SVF_PANEL && inner.from == 1 && inner.to == 1;
  for (; outer.count > 0; --outer.count, from += outer.from, to += outer.to) {
    if (line) {
      memcpy(to, from, SVF_PANEL * sizeof *to);
    } else {
      for (size_t i = 0; i < inner.count; ++i) to[i * inner.to] = from[i * inner.from];
    }
  }
}

static void copy_bf16(const uint16_t *from, tile_loop outer, tile_loop inner, float *to)
{
  for (; outer.count > 0; --outer.count, from += outer.from, to += outer.to) {
    for (size_t i = 0; i < inner.count; ++i) {
      to[i * inner.to] = svf_widen_bf16(from[i * inner.from]);
    }
  }
}

/* In the order in which the elements lie in the source. */
static void read_tile(const svf_factor *f, size_t at, size_t lanes, size_t count, float *to)
{
  const tile_loop channels = {lanes, f->stride, 1}, steps = {count, f->step, SVF_PANEL};
  const bool rows = f->step <= f->stride;
  const tile_loop outer = rows ? channels : steps, inner = rows ? steps : channels;
  if (f->type == SVF_DTYPE_F32) {
    copy_f32((const float *)f->data + at, outer, inner, to);
  } else {
    copy_bf16((const uint16_t *)f->data + at, outer, inner, to);
  }
}

static void read_panels(const svf_factor *f, size_t channel, size_t lanes, size_t k, size_t count,
                        float *to)
{
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < lanes; ++j) {
      to[i * SVF_PANEL + j] = svf_weight_at(f->data, f->bands, k + i, channel + j);
    }
  }
}

void svf_factor_read(const svf_factor *f, size_t channel, size_t lanes, size_t k, size_t count,
                     float *to)
{
  for (size_t i = 0; i < count; i += READ_STEPS, k += READ_STEPS, to += READ_STEPS * SVF_PANEL) {
    const size_t steps = svf_size_min(count - i, READ_STEPS);
    if (f->bands) {
      read_panels(f, channel, lanes, k, steps, to);
    } else {
      read_tile(f, channel * f->stride + k * f->step, lanes, steps, to);
    }
  }
}
