/* SPDX-License-Identifier: Apache-2.0
 *
 * The formats with integers, from the words of svf/linear.h and svf/matmul.h alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <svf/linear.h>

#include "tests/kernels/oracle.h"

enum { BLOCK = 256, LANES = 16 };

/* A factor in a block: channels of k weights each. Of a w84 block some are int8: the channels below
 * `wide_channels`, and the steps below `wide_steps`. */
typedef struct factor {
  const unsigned char *panels;
  svf_format format;
  size_t group, k, wide_channels, wide_steps;
} factor;

static factor factor_of(const void *block, bool second)
{
  const svf_linear_header *h = block;
  return (factor){(const unsigned char *)block + (second ? h->u_offset : h->v_offset),
                  (svf_format)h->format,
                  h->group,
                  (size_t)(second && h->r > 0 ? h->r : h->n),
                  second ? 0 : (size_t)h->head,
                  second ? (size_t)h->head : 0};
}

static bool is_s8(svf_format f) { return f == SVF_FORMAT_S8 || f == SVF_FORMAT_S8_SPLIT; }

static bool is_int4(const factor *f, size_t channel, size_t k)
{
  if (f->format == SVF_FORMAT_W84) return channel >= f->wide_channels && k >= f->wide_steps;
  return f->format == SVF_FORMAT_W4;
}

static size_t stored_steps(size_t left) { return left < BLOCK ? (left + 63) / 64 * 64 : BLOCK; }

static size_t scales_size(const factor *f)
{
  return BLOCK / f->group * LANES * (is_s8(f->format) ? 4 : 2);
}

/* The first step of the run that holds step k and shares a scale, and one past its last step. */
static size_t block_start(size_t split, size_t k)
{
  return k < split ? k / BLOCK * BLOCK : split + (k - split) / BLOCK * BLOCK;
}

static size_t block_end(size_t split, size_t k, size_t all)
{
  const size_t end = block_start(split, k) + BLOCK, most = k < split ? split : all;
  return end < most ? end : most;
}

/* The bytes of the first k steps of a channel's panel. */
static size_t panel_size(const factor *f, size_t channel, size_t k)
{
  size_t bytes = 0;
  for (size_t start = 0; start < k; start = block_end(f->wide_steps, start, k)) {
    const size_t steps = block_end(f->wide_steps, start, k) - start;
    bytes += scales_size(f);
    bytes += stored_steps(steps) * LANES / (is_int4(f, channel, start) ? 2 : 1);
  }
  return bytes;
}

/* The address of the run that holds step k of a channel. */
static const unsigned char *block_of(const factor *f, size_t channel, size_t k)
{
  const size_t wide = f->wide_channels / LANES, panel = channel / LANES;
  const size_t before = panel < wide ? panel : wide;
  return f->panels + before * panel_size(f, 0, f->k) +
         (panel - before) * panel_size(f, f->wide_channels, f->k) +
         panel_size(f, channel, block_start(f->wide_steps, k));
}

static float scale_of(const factor *f, size_t channel, size_t k)
{
  const unsigned char *p = block_of(f, channel, k);
  const size_t at = (k - block_start(f->wide_steps, k)) / f->group * LANES + channel % LANES;
  if (is_s8(f->format)) {
    float s;
    memcpy(&s, p + 4 * at, sizeof s);
    return s;
  }
  uint16_t s;
  memcpy(&s, p + 2 * at, sizeof s);
  return bf16_widen(s);
}

static int integer_of(const factor *f, size_t channel, size_t k)
{
  const unsigned char *p = block_of(f, channel, k) + scales_size(f);
  const size_t lane = channel % LANES, i = k - block_start(f->wide_steps, k);
  if (!is_int4(f, channel, k)) return (signed char)p[i / 4 * 64 + lane * 4 + i % 4];
  const int byte = p[i / 8 * 64 + lane * 4 + i % 4];
  const int nibble = i % 8 < 4 ? byte & 15 : byte >> 4;
  return nibble < 8 ? nibble : nibble - 16;
}

/* Turns the spans of x into integers with a scale each. */
static void to_integers(const float *x, size_t k, size_t split, double most, int64_t *q,
                        float *scales)
{
  for (size_t start = 0, end, b = 0; start < k; start = end, ++b) {
    end = block_end(split, start, k);
    float a = 0;
    bool finite = true;
    for (size_t i = start; i < end; ++i) {
      finite = finite && isfinite(x[i]);
      a = fabsf(x[i]) > a ? fabsf(x[i]) : a;
    }
    const bool zero = !finite || a < 0x1p-100f;
    scales[b] = !finite ? NAN : zero ? 0 : a / (float)most;
    const float inverse = zero ? 0 : (float)most / a;
    for (size_t i = start; i < end; ++i) q[i] = zero ? 0 : (int64_t)nearbyintf(x[i] * inverse);
  }
}

/* A factor read once: [channel][step], steps up to the end of the last stored run. */
typedef struct dense {
  size_t group, k, stored, split;
  signed char *q;
  float *scale;
} dense;

static void *need(size_t bytes)
{
  void *p = malloc(bytes);
  if (!p) abort();
  return p;
}

static dense read_factor(const factor *f, size_t channels)
{
  const size_t split = f->wide_steps, rest = f->k - split, whole = rest / BLOCK * BLOCK;
  const size_t stored = split + whole + (rest > whole ? stored_steps(rest - whole) : 0);
  dense d = {f->group, f->k, stored, split, NULL, NULL};
  d.q = need(channels * d.stored);
  d.scale = need(channels * d.stored * sizeof *d.scale);
  for (size_t c = 0; c < channels; ++c) {
    for (size_t k = 0; k < d.stored; ++k) {
      d.q[c * d.stored + k] = (signed char)integer_of(f, c, k);
      d.scale[c * d.stored + k] = scale_of(f, c, k);
    }
  }
  return d;
}

static void free_factor(dense *d)
{
  free(d->q);
  free(d->scale);
}

static float dot(const dense *d, size_t channel, const int64_t *q, const float *scales)
{
  const signed char *w = d->q + channel * d->stored;
  float sum = 0;
  for (size_t k = 0, block = 0; k < d->stored;) {
    const size_t end = block_end(d->split, k, d->stored);
    const size_t left = end - k, count = left < d->group ? left : d->group;
    int64_t exact = 0;
    for (size_t i = k; i < k + count && i < d->k; ++i) exact += q[i] * w[i];
    sum = fmaf((float)exact, d->scale[channel * d->stored + k] * scales[block], sum);
    k += count;
    block += k == end;
  }
  return sum;
}

void oracle_integers(const oracle_input *in, const void *block, float *y)
{
  const factor fv = factor_of(block, false), fu = factor_of(block, true);
  const double x_most = is_s8(fv.format) ? 127 : 16256;
  const double t_most = fv.format == SVF_FORMAT_S8 ? 127 : 16256;
  const size_t widest = in->n > in->r ? in->n : in->r;
  dense v = read_factor(&fv, in->r), u = read_factor(&fu, in->m);
  int64_t *q = need(widest * sizeof *q);
  float *t = need((in->r + widest / BLOCK + 2) * sizeof *t), *scales = t + in->r;
  for (size_t row = 0; row < in->rows; ++row) {
    to_integers(in->x + row * in->n, in->n, 0, x_most, q, scales);
    for (size_t k = 0; k < in->r; ++k) {
      t[k] = dot(&v, k, q, scales);
      if (in->t0) in->t0[row * in->r + k] = t[k];
      t[k] *= in->gains[row][k];
    }
    if (in->r > 0) to_integers(t, in->r, fu.wide_steps, t_most, q, scales);
    for (size_t i = 0; i < in->m; ++i) {
      float s = dot(&u, i, q, scales);
      if (in->bias) s += in->bias[i];
      if (in->old) s += in->old[row * in->m + i];
      y[row * in->m + i] = s;
    }
  }
  free(q);
  free(t);
  free_factor(&v);
  free_factor(&u);
}

void oracle_weights(const void *block, float *u, float *vt)
{
  const svf_linear_header *h = block;
  const factor fv = factor_of(block, false), fu = factor_of(block, true);
  for (size_t i = 0; i < h->m; ++i) {
    for (size_t k = 0; k < fu.k; ++k) {
      u[i * fu.k + k] = (float)integer_of(&fu, i, k) * scale_of(&fu, i, k);
    }
  }
  for (size_t k = 0; k < h->r; ++k) {
    for (size_t j = 0; j < h->n; ++j) {
      vt[k * h->n + j] = (float)integer_of(&fv, k, j) * scale_of(&fv, k, j);
    }
  }
}
