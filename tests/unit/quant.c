/* SPDX-License-Identifier: Apache-2.0 */
#include <fenv.h>
#include <math.h>
#include <stddef.h>

#include "tests/unit/suite.h"

enum { SIZE = 512 };

static float u[SIZE * SIZE], vt[SIZE * SIZE], sigma[SIZE], u_stored[SIZE * SIZE],
    vt_stored[SIZE * SIZE];
static _Alignas(64) unsigned char block[4 << 20];

/* (I - 2 w w^T) H: orthonormal, and all of its elements differ. H is Hadamard's matrix, which
 * quantises without error. */
static void orthonormal(float *out, unsigned seed)
{
  double w[SIZE], hw[SIZE], norm = 0;
  for (size_t i = 0; i < SIZE; ++i) {
    seed = seed * 1664525u + 1013904223u;
    w[i] = (double)(seed >> 8) / (1 << 24) - 0.5;
    norm += w[i] * w[i];
  }
  const double root = sqrt((double)SIZE);
  for (size_t j = 0; j < SIZE; ++j) {
    hw[j] = 0;
    for (size_t i = 0; i < SIZE; ++i) {
      hw[j] += w[i] * (__builtin_parityl(i & j) ? -1 : 1) / root;
    }
  }
  for (size_t i = 0; i < SIZE; ++i) {
    for (size_t j = 0; j < SIZE; ++j) {
      const double h = (__builtin_parityl(i & j) ? -1 : 1) / root;
      out[i * SIZE + j] = (float)(h - 2 * w[i] * hw[j] / norm);
    }
  }
}

static svf_linear_source source(void)
{
  orthonormal(u, 1);
  orthonormal(vt, 2);
  for (size_t k = 0; k < SIZE; ++k) sigma[k] = powf((float)(k + 1), -0.5f);
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = SIZE,
                             .n = SIZE,
                             .r = SIZE,
                             .u = u,
                             .u_stride = SIZE,
                             .vt = vt,
                             .vt_stride = SIZE,
                             .sigma = sigma,
                             .quant = {.group = 64}};
}

/* The same sum from what the packed block holds. */
static double stored_error(void)
{
  double lost = 0, power = 0;
  for (size_t k = 0; k < SIZE; ++k) {
    double e = 0;
    for (size_t i = 0; i < SIZE; ++i) {
      const double eu = (double)u[i * SIZE + k] - (double)u_stored[i * SIZE + k];
      const double ev = (double)vt[k * SIZE + i] - (double)vt_stored[k * SIZE + i];
      e += eu * eu + ev * ev;
    }
    lost += e * (double)sigma[k] * (double)sigma[k];
    power += (double)sigma[k] * (double)sigma[k];
  }
  return sqrt(lost / power);
}

START_TEST(error_is_that_of_the_packed_block)
{
  svf_linear_source s = source();
  enum { HEADS = 5 };
  static const size_t heads[HEADS] = {0, 64, 256, 320, SIZE};
  size_t bytes[HEADS];
  double before = HUGE_VAL;
  for (size_t i = 0; i < HEADS; ++i) {
    const svf_linear_source sized = {.size = sizeof sized,
                                     .m = SIZE,
                                     .n = SIZE,
                                     .r = SIZE,
                                     .format = SVF_FORMAT_W84,
                                     .quant = {.group = 64, .head = heads[i]}};
    ck_works(svf_linear_bytes(&sized, &bytes[i]));
  }
  ck_assert_uint_le(bytes[HEADS - 1], sizeof block);
  for (size_t i = 0; i < HEADS; ++i) {
    double error = -1;
    for (size_t extra = 0; extra < 2; ++extra) { /* bytes that buy nothing */
      ck_works(svf_quant_plan(&s, bytes[i] + extra, &s.quant, &error));
      ck_assert_uint_eq(s.quant.head, heads[i]);
      ck_assert_uint_eq(s.quant.group, 64);
    }
    s.format = SVF_FORMAT_W84;
    ck_works(svf_linear_pack(&s, block, sizeof block));
    ck_assert_uint_eq(svf_linear_info(block)->bytes, bytes[i]);
    ck_works(svf_linear_unpack(block, sizeof block, u_stored, SIZE, vt_stored, SIZE));
    ck_assert_double_eq_tol(error, stored_error(), 1e-9);
    ck_assert_double_lt(error, before);
    before = error;
  }
  ck_works(svf_quant_plan(&s, SIZE_MAX, &s.quant, NULL));
  ck_assert_uint_eq(s.quant.head, SIZE);
}
END_TEST

/* W' of the packed block, multiplied out. */
START_TEST(error_is_that_of_the_matrix)
{
  svf_linear_source s = source();
  double error, lost = 0, power = 0;
  s.format = SVF_FORMAT_W84;
  s.quant.head = 192;
  ck_works(svf_linear_pack(&s, block, sizeof block));
  ck_works(svf_linear_unpack(block, sizeof block, u_stored, SIZE, vt_stored, SIZE));
  ck_works(svf_quant_plan(&s, (size_t)svf_linear_info(block)->bytes, &s.quant, &error));
  for (size_t i = 0; i < SIZE; ++i) {
    static double row[SIZE];
    for (size_t j = 0; j < SIZE; ++j) row[j] = 0;
    for (size_t k = 0; k < SIZE; ++k) {
      const double a = (double)u[i * SIZE + k] * (double)sigma[k];
      const double b = (double)u_stored[i * SIZE + k] * (double)sigma[k];
      for (size_t j = 0; j < SIZE; ++j) {
        row[j] += a * (double)vt[k * SIZE + j] - b * (double)vt_stored[k * SIZE + j];
      }
    }
    for (size_t j = 0; j < SIZE; ++j) lost += row[j] * row[j];
  }
  for (size_t k = 0; k < SIZE; ++k) power += (double)sigma[k] * (double)sigma[k];
  ck_assert_double_eq_tol(sqrt(lost / power) / error, 1, 0.1);
}
END_TEST

/* Factors that are not finite do not count as free of error. */
START_TEST(error_of_what_is_not_finite)
{
  svf_linear_source s = source();
  double error = 7;
  float *const places[] = {u, vt, sigma};
  for (int i = 0; i < 3; ++i) {
    const float before = places[i][3];
    places[i][3] = NAN;
    ck_works(svf_quant_plan(&s, SIZE_MAX, &s.quant, &error));
    ck_assert_msg(isnan(error), "place %d: %g", i, error);
    places[i][3] = before;
  }
  memset(sigma, 0, sizeof sigma);
  ck_works(svf_quant_plan(&s, SIZE_MAX, &s.quant, &error));
  ck_assert_double_eq(error, 0);
}
END_TEST

/* As packing does, it rounds to nearest whatever the caller's mode. */
START_TEST(error_in_every_mode)
{
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  svf_linear_source s = source();
  double error, want;
  ck_works(svf_quant_plan(&s, SIZE_MAX / 2, &s.quant, &want));
  for (size_t i = 0; i < sizeof modes / sizeof *modes; ++i) {
    ck_assert_int_eq(fesetround(modes[i]), 0);
    ck_works(svf_quant_plan(&s, SIZE_MAX / 2, &s.quant, &error));
    ck_assert_int_eq(fegetround(), modes[i]);
    fesetround(FE_TONEAREST);
    ck_assert(error == want);
  }
}
END_TEST

START_TEST(misuse)
{
  svf_linear_source s = source();
  svf_quant q = {.group = 7, .head = 7};
  double error = 7;
  ck_fails(svf_quant_plan(NULL, SIZE_MAX, &q, &error), SVF_ERR_NULL, "source is NULL");
  ck_fails(svf_quant_plan(&s, SIZE_MAX, NULL, &error), SVF_ERR_NULL, "quant is NULL");
  ck_fails(svf_quant_plan(&s, 1000, &q, &error), SVF_ERR_SPACE, "budget is 1000");
  s.quant.group = 5;
  ck_fails(svf_quant_plan(&s, SIZE_MAX, &q, &error), SVF_ERR_ARGUMENT, "group is 5");
  s.quant.group = 0;
  s.u = NULL;
  ck_fails(svf_quant_plan(&s, SIZE_MAX, &q, &error), SVF_ERR_NULL, "source->u ");
  ck_assert_uint_eq(q.group, 7);
  ck_assert_uint_eq(q.head, 7);
  ck_assert_double_eq(error, 7);
}
END_TEST

SUITE("quant", error_is_that_of_the_packed_block, error_is_that_of_the_matrix,
      error_of_what_is_not_finite, error_in_every_mode, misuse)
