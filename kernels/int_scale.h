/* SPDX-License-Identifier: Apache-2.0
 *
 * How a span of A becomes integers, the same for every kernel (see svf/matmul.h), and where the
 * integers of a span of weights begin. */
#ifndef SVF_KERNELS_INT_SCALE_H
#define SVF_KERNELS_INT_SCALE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernel.h"
#include "kernels/target.h"

enum { INT_LINE = 64 }; /* A and weights are filled up with zeros to a multiple of this */

SVF_INLINE size_t int_whole_lines(size_t k)
{
  return k < SVF_SPAN ? (k + INT_LINE - 1) / INT_LINE * INT_LINE : SVF_SPAN;
}

/* Bytes of the scales in front of a span of a panel: fp32 in s8, else bf16. */
SVF_INLINE size_t svf_scale_bytes(svf_format weights, size_t group)
{
  return SVF_SPAN / group * SVF_PANEL *
         (weights == SVF_FORMAT_S8 ? sizeof(float) : sizeof(uint16_t));
}

typedef struct int_scale {
  float scale;   /* of the integers */
  float inverse; /* what an element is multiplied by before it is rounded */
  bool empty;    /* all integers are 0 */
} int_scale;

/* From the bits of the largest magnitude: as integers they order NaN and Inf after all else. */
static inline int_scale int_scale_of(uint32_t bits, int planes)
{
  enum { INF = 0x7f800000, LEAST = 0x0d800000 }; /* 2^-100 */
  const float most = planes == 2 ? 16256.0f : 127.0f;
  if (bits >= INF) {
    const uint32_t nan = 0x7fc00000;
    int_scale s = {0, 0, true};
    memcpy(&s.scale, &nan, sizeof nan);
    return s;
  }
  if (bits < LEAST) return (int_scale){0, 0, true};
  float a;
  memcpy(&a, &bits, sizeof a);
  return (int_scale){a / most, most / a, false};
}

#endif
