/* SPDX-License-Identifier: Apache-2.0
 *
 * Sixteen elements of a row in the vectors of an ISA. Lanes that do not exist (past r, m or the end
 * of a row) are handled here, through a line on the stack. A template header, see unit.h. */
#ifndef SVF_KERNELS_LINE_H
#define SVF_KERNELS_LINE_H

#include "kernels/unit.h"
#include "kernels/vec.h"

/* Names of the unit's own, see unit.h. */
#define VECS SVF_NAME(VECS)
#define TAIL_LOSS SVF_NAME(TAIL_LOSS)
#define line SVF_NAME(line)
#define line_zero SVF_NAME(line_zero)
#define line_load SVF_NAME(line_load)
#define line_store SVF_NAME(line_store)
#define line_add SVF_NAME(line_add)
#define line_mul SVF_NAME(line_mul)
#define line_load_part SVF_NAME(line_load_part)
#define line_store_part SVF_NAME(line_store_part)
#define row_load SVF_NAME(row_load)
#define y_store SVF_NAME(y_store)
#define fetch_lines SVF_NAME(fetch_lines)

enum { VECS = SVF_PANEL / LANES }; /* vectors in 16 fp32 */

/* -DSVF_BREAK_TAIL=ON drops the last element of a partial line: it proves that the checkers can
 * fail. */
#ifdef SVF_BREAK_TAIL
enum { TAIL_LOSS = 1 };
#else
enum { TAIL_LOSS = 0 };
#endif

/* One line of one row, 16 channels. */
typedef struct line {
  vec v[VECS];
} line;

SVF_INLINE line line_zero(void)
{
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_zero();
  return l;
}

SVF_INLINE line line_load(const float *p)
{
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_load(p + v * LANES);
  return l;
}

SVF_INLINE void line_store(float *p, line l)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) v_store(p + v * LANES, l.v[v]);
}

SVF_INLINE line line_add(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_add(x.v[v], y.v[v]);
  return x;
}

SVF_INLINE line line_mul(line x, line y)
{
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) x.v[v] = v_mul(x.v[v], y.v[v]);
  return x;
}

/* Loads `lanes` fp32 and reads nothing past them; the other lanes are zero. */
SVF_INLINE line line_load_part(const float *p, int lanes)
{
  if (lanes == SVF_PANEL) return line_load(p);
  float full[SVF_PANEL] = {0};
  memcpy(full, p, (size_t)lanes * sizeof *p);
  return line_load(full);
}

SVF_INLINE void line_store_part(float *p, line l, int lanes)
{
  if (lanes == SVF_PANEL) {
    line_store(p, l);
    return;
  }
  float full[SVF_PANEL];
  line_store(full, l);
  memcpy(p, full, (size_t)(lanes - TAIL_LOSS) * sizeof *full);
}

SVF_INLINE line row_load(const char *y, svf_dtype type, int lanes)
{
  if (type == SVF_DTYPE_F32) return line_load_part((const float *)(const void *)y, lanes);
  uint16_t full[SVF_PANEL] = {0};
  memcpy(full, y, (size_t)lanes * sizeof *full);
  line l;
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) l.v[v] = v_widen(full + v * LANES);
  return l;
}

SVF_INLINE void y_store(char *y, svf_dtype type, int lanes, line l)
{
  if (type == SVF_DTYPE_F32) {
    line_store_part((float *)(void *)y, l, lanes);
    return;
  }
  uint16_t full[SVF_PANEL];
  SVF_UNROLL
  for (int v = 0; v < VECS; ++v) v_narrow(full + v * LANES, v_bf16(l.v[v]));
  memcpy(y, full, (size_t)lanes * sizeof *full);
}

/* Prefetches the next f->rate * times lines, of each of `panels` panels. */
SVF_INLINE void fetch_lines(svf_fetch *f, size_t stride, const int panels, int times)
{
  for (int i = f->rate * times; i > 0; --i) {
    if (f->lines == 0) {
      f->from = f->then;
      f->lines = f->then_lines;
      f->then_lines = 0;
      if (f->lines == 0) return;
    }
    SVF_UNROLL
    for (int p = 0; p < panels; ++p) v_prefetch(f->from + (size_t)p * stride);
    f->from += SVF_LINE;
    --f->lines;
  }
}

#endif
