/* SPDX-License-Identifier: Apache-2.0
 *
 * svf-check-convert [--quick]: every conversion kernel that runs here, between guard pages. What is
 * expected follows from the definition of the formats, in doubles. */
#include "kernels/half.h"

#include <fenv.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <svf/svf.h>

#include "tests/kernels/guard.h"
#include "tests/kernels/oracle.h"

enum { ALL16 = 65536, BATCH = 4096 };

/* The value that the bits of an fp16 stand for, by its definition. */
static double value_of(uint16_t h)
{
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31) return fraction ? (double)NAN : sign * (double)INFINITY;
  if (exponent == 0) return sign * ldexp(fraction, -24);
  return sign * ldexp(1024 + fraction, exponent - 25);
}

/* Nearest even by comparing with the two neighbours: magnitudes of fp16 are ordered as integers. */
static uint16_t nearest(float f)
{
  const double v = fabs((double)f);
  const uint16_t sign = signbit(f) ? 0x8000 : 0;
  int low = 0, high = 0x7c00; /* value(low) <= v < value(high), Inf standing for 2^16 */
  if (v >= 65536) return sign | 0x7c00;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (value_of((uint16_t)middle) <= v) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const double above = high == 0x7c00 ? 65536 : value_of((uint16_t)high);
  const double down = v - value_of((uint16_t)low), up = above - v;
  return (uint16_t)(sign | (down < up || (down == up && low % 2 == 0) ? low : high));
}

static uint32_t bits_of(float f)
{
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits)
{
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static size_t failures, cases;

static void expect(bool ok, const svf_half_kernel *kernel, const char *what, uint32_t in,
                   uint32_t got, uint32_t want)
{
  ++cases;
  if (ok) return;
  if (++failures <= 10) {
    printf("FAIL %s %s: %08x gives %08x, expected %08x\n", svf_isa_name(kernel->isa), what, in, got,
           want);
  }
}

static uint32_t quiet_nan(uint32_t bits) { return bits | 0x400000u; }

/* All 65536 values, both formats. */
static void widen_all(const svf_half_kernel *kernel)
{
  static uint16_t in[ALL16];
  static float out[ALL16];
  for (int i = 0; i < ALL16; ++i) in[i] = (uint16_t)i;
  kernel->f16_to_f32(in, out, ALL16);
  for (uint32_t i = 0; i < ALL16; ++i) {
    const double v = value_of((uint16_t)i);
    const uint32_t nan = (i & 0x8000u) << 16 | 0x7fc00000u | (i & 0x3ffu) << 13;
    const uint32_t want = isnan(v) ? nan : bits_of((float)v);
    expect(bits_of(out[i]) == want, kernel, "f16_to_f32", i, bits_of(out[i]), want);
  }
  kernel->bf16_to_f32(in, out, ALL16);
  for (uint32_t i = 0; i < ALL16; ++i) {
    expect(bits_of(out[i]) == i << 16, kernel, "bf16_to_f32", i, bits_of(out[i]), i << 16);
  }
}

/* fp32 values `step` apart, from 0 to all ones. */
static void narrow_all(const svf_half_kernel *kernel, uint32_t step)
{
  static float in[BATCH];
  static uint16_t half[BATCH], brain[BATCH];
  uint64_t next = 0;
  while (next <= UINT32_MAX) {
    size_t count = 0;
    for (; count < BATCH && next <= UINT32_MAX; ++count, next += step) {
      in[count] = float_of((uint32_t)next);
    }
    kernel->f32_to_f16(in, half, count);
    kernel->f32_to_bf16(in, brain, count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bits = bits_of(in[i]);
      const uint16_t nan = (uint16_t)((bits >> 16 & 0x8000u) | 0x7e00u | (bits >> 13 & 0x3ffu));
      const uint16_t want = isnan(in[i]) ? nan : nearest(in[i]);
      expect(half[i] == want, kernel, "f32_to_f16", bits, half[i], want);
      const uint16_t rounded = isnan(in[i]) ? (uint16_t)(quiet_nan(bits) >> 16) : bf16_round(in[i]);
      expect(brain[i] == rounded, kernel, "f32_to_bf16", bits, brain[i], rounded);
    }
  }
}

/* Every value of fp16, and the values on and around the middle between it and the next one. */
static void narrow_ties(const svf_half_kernel *kernel)
{
  for (uint32_t h = 0; h < 0x7c00u; ++h) {
    const double low = value_of((uint16_t)h);
    const double high = h == 0x7bffu ? 65536 : value_of((uint16_t)(h + 1));
    const float middle = (float)((low + high) / 2);
    float in[10] = {(float)low, nextafterf(middle, 0), middle, nextafterf(middle, INFINITY),
                    (float)high};
    uint16_t out[10];
    for (int i = 0; i < 5; ++i) in[5 + i] = -in[i];
    kernel->f32_to_f16(in, out, 10);
    for (int i = 0; i < 10; ++i) {
      expect(out[i] == nearest(in[i]), kernel, "f32_to_f16 tie", bits_of(in[i]), out[i],
             nearest(in[i]));
    }
  }
}

/* All short lengths at both ends of a page: nothing else is touched, in any rounding mode. */
static void edges(const svf_half_kernel *kernel)
{
  static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO};
  for (size_t count = 1; count < 70; ++count) {
    for (int at_end = 0; at_end < 2; ++at_end) {
      guard a = {0}, b = {0}, c = {0};
      uint16_t *in = (uint16_t *)(void *)guard_take(&a, count * 2, at_end);
      float *wide = (float *)(void *)guard_take(&b, count * 4, at_end);
      uint16_t *out = (uint16_t *)(void *)guard_take(&c, count * 2, at_end);
      for (size_t i = 0; i < count; ++i) in[i] = (uint16_t)(i * 997 % 0x7c00);
      for (int f16 = 0; f16 < 2; ++f16) {
#if defined(__x86_64__)
        fesetround(modes[(count + (size_t)f16) % 3]);
#else
        (void)modes;
#endif
        (f16 ? kernel->f16_to_f32 : kernel->bf16_to_f32)(in, wide, count);
        (f16 ? kernel->f32_to_f16 : kernel->f32_to_bf16)(wide, out, count);
        fesetround(FE_TONEAREST);
        expect(memcmp(in, out, count * 2) == 0, kernel, "round trip of so many", (uint32_t)count, 0,
               0);
      }
      guard_free(&a);
      guard_free(&b);
      guard_free(&c);
    }
  }
}

/* The public functions use the tables, and do nothing for a count of 0. */
static void public_functions(void)
{
  const uint16_t half[3] = {0x3c00, 0xc000, 0x0001}, brain[3] = {0x3f80, 0xc000, 0x0001};
  uint16_t back[3];
  float wide[3];
  svf_f16_to_f32(half, wide, 3);
  svf_f32_to_f16(wide, back, 3);
  expect(wide[0] == 1 && wide[1] == -2 && !memcmp(half, back, sizeof back), svf_half_at(0),
         "svf_f16_to_f32", half[0], bits_of(wide[0]), bits_of(1));
  svf_bf16_to_f32(brain, wide, 3);
  svf_f32_to_bf16(wide, back, 3);
  expect(wide[0] == 1 && wide[1] == -2 && !memcmp(brain, back, sizeof back), svf_half_at(0),
         "svf_bf16_to_f32", brain[0], bits_of(wide[0]), bits_of(1));
  svf_f16_to_f32(NULL, NULL, 0);
  svf_f32_to_bf16(NULL, NULL, 0);
}

int main(int argc, char **argv)
{
  const bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
  size_t executed = 0;
  if (argc > 1 && !quick) {
    fprintf(stderr, "usage: svf-check-convert [--quick]\n");
    return 2;
  }
  for (size_t i = 0; i < svf_half_count(); ++i) {
    const svf_half_kernel *kernel = svf_half_at(i);
    if (kernel->needs & ~svf_cpu_features()) {
      printf("%s not executed: this CPU lacks it\n", svf_isa_name(kernel->isa));
      continue;
    }
    widen_all(kernel);
    narrow_all(kernel, quick ? 65521 : 251); /* primes: every low bit takes part */
    narrow_ties(kernel);
    edges(kernel);
    ++executed;
  }
  public_functions();
  printf("%zu of %zu conversion kernels executed, %zu cases, %zu failed\n", executed,
         svf_half_count(), cases, failures);
  return failures == 0 && executed > (svf_half_count() > 1 ? 1 : 0) ? 0 : 1;
}
