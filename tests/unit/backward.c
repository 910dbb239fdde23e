/* SPDX-License-Identifier: Apache-2.0
 *
 * The gradient of the fused matmul is the fused matmul of the transposed layer, packed from the
 * same arrays or from the block: with G = dLoss/dY
 *
 *   dX = ((G U) * D) V^T        S = G U        dD[row][k] = S[row][k] * T0[row][k]
 *
 * in every format, against double precision. */
#include <math.h>

#include "tests/unit/suite.h"

enum { M = 150, N = 210, R = 130, ROWS = 11 };

static float u[M * R], vt[R * N], sigma[R], expert[R], x[ROWS * N], g[ROWS * M];
static float y[ROWS * M], dx[ROWS * N], t0[ROWS * R], s[ROWS * R];
static double precise_dx[ROWS * N], precise_dd[R];
static const float *gains[ROWS];
static _Alignas(64) unsigned char block[1 << 19], workspace[1 << 20];

static float noise(void)
{
  static unsigned state = 7;
  float sum = -6; /* the sum of twelve uniform numbers: as good as normal */
  for (int i = 0; i < 12; ++i) {
    state = state * 1664525u + 1013904223u;
    sum += (float)(state >> 8) / (1 << 24);
  }
  return sum;
}

static void fill(float *p, size_t count, float scale)
{
  for (size_t i = 0; i < count; ++i) p[i] = scale * noise();
}

static void make_inputs(void)
{
  fill(u, M * R, 1 / sqrtf(M));
  fill(vt, R * N, 1 / sqrtf(N));
  fill(x, ROWS * N, 1);
  fill(g, ROWS * M, 1);
  for (size_t k = 0; k < R; ++k) {
    sigma[k] = 1 / (1 + 0.05f * (float)k);
    expert[k] = sigma[k] * (1 + 0.2f * noise());
  }
  for (size_t row = 0; row < ROWS; ++row) gains[row] = row % 2 ? expert : NULL;
}

/* Straight from the definition. dD is the sum over the rows of the expert. */
static void expect(void)
{
  memset(precise_dx, 0, sizeof precise_dx);
  memset(precise_dd, 0, sizeof precise_dd);
  for (size_t row = 0; row < ROWS; ++row) {
    for (size_t k = 0; k < R; ++k) {
      double sk = 0, tk = 0;
      for (size_t i = 0; i < M; ++i) sk += (double)g[row * M + i] * (double)u[i * R + k];
      for (size_t j = 0; j < N; ++j) tk += (double)x[row * N + j] * (double)vt[k * N + j];
      const double d = (double)(gains[row] ? gains[row][k] : sigma[k]);
      for (size_t j = 0; j < N; ++j) precise_dx[row * N + j] += sk * d * (double)vt[k * N + j];
      if (gains[row]) precise_dd[k] += sk * tk;
    }
  }
}

static svf_linear_source source_of(svf_format format)
{
  return (svf_linear_source){.size = sizeof(svf_linear_source),
                             .m = M,
                             .n = N,
                             .r = R,
                             .format = format,
                             .u = u,
                             .u_stride = R,
                             .vt = vt,
                             .vt_stride = N,
                             .sigma = sigma,
                             .quant.head = format == SVF_FORMAT_W84 ? 64 : 0};
}

/* The same two arrays in each other's place. */
static svf_linear_source transposed_source_of(svf_format format)
{
  svf_linear_source back = source_of(format);
  back.m = N;
  back.n = M;
  back.u = vt;
  back.u_stride = 1;
  back.u_step = N;
  back.vt = u;
  back.vt_stride = 1;
  back.vt_step = R;
  return back;
}

static void run(const svf_linear_source *from, const float *in, float *out, float *keep)
{
  ck_works(svf_linear_pack(from, block, sizeof block));
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = block,
                             .rows = ROWS,
                             .x = in,
                             .x_stride = (ptrdiff_t)from->n,
                             .gains = gains,
                             .y = out,
                             .y_stride = (ptrdiff_t)from->m,
                             .t0 = keep,
                             .t0_stride = R};
  ck_works(svf_matmul(&a, 2, workspace, sizeof workspace));
}

/* Forwards, then backwards by the transposed layer. */
static void run_both(svf_format format)
{
  const svf_linear_source forward = source_of(format), back = transposed_source_of(format);
  run(&forward, x, y, t0);
  run(&back, g, dx, s);
}

static double nmse(const float *got, const double *want, size_t count)
{
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

START_TEST(gradients_of_every_format)
{
  /* Two to four times the errors measured. */
  static const double limits[] = {
      [SVF_FORMAT_F32] = 4e-13, [SVF_FORMAT_BF16] = 3e-5,     [SVF_FORMAT_BF16_SPLIT] = 3e-5,
      [SVF_FORMAT_S8] = 6e-4,   [SVF_FORMAT_S8_SPLIT] = 5e-4, [SVF_FORMAT_W8] = 1.5e-4,
      [SVF_FORMAT_W4] = 0.03,   [SVF_FORMAT_W84] = 0.02};
  make_inputs();
  expect();
  for (size_t n = 0; n < svf_format_count(); ++n) {
    const svf_format f = svf_format_at(n);
    float dd[R] = {0};
    ck_assert_uint_lt((size_t)f, sizeof limits / sizeof *limits);
    run_both(f);
    for (size_t row = 1; row < ROWS; row += 2) {
      for (size_t k = 0; k < R; ++k) dd[k] += s[row * R + k] * t0[row * R + k];
    }
    ck_assert_double_le(nmse(dx, precise_dx, ROWS * N), limits[f]);
    ck_assert_double_le(nmse(dd, precise_dd, R), limits[f]);
  }
}
END_TEST

/* --- From the packed block -------------------------------------------------------------------- */

static _Alignas(64) unsigned char back[1 << 19], other[1 << 19];
static float stored_u[M * R], stored_vt[R * N];
static float sums[3][R], first_sums[3][R];
static float *rows_sums[ROWS];

/* Packs the layer, and its transposed layer in another format from the block. */
static void pack_both(svf_format format, svf_format back_format)
{
  const svf_linear_source from = source_of(format);
  size_t bytes;
  ck_works(svf_linear_pack(&from, block, sizeof block));
  ck_works(svf_linear_transposed_bytes(block, sizeof block, back_format, &bytes));
  memset(back, 0xa5, sizeof back);
  ck_works(svf_linear_transpose(block, sizeof block, back_format, back, bytes));
  ck_works(svf_linear_check(back, bytes, true));
  ck_filled(back + bytes, sizeof back - bytes, 0xa5);
}

static svf_matmul_args forward_call(void)
{
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = block,
                           .rows = ROWS,
                           .x = x,
                           .x_stride = N,
                           .gains = gains,
                           .y = y,
                           .y_stride = M,
                           .t0 = t0,
                           .t0_stride = R};
}

/* Three sums, as of three texts; some rows have none. */
static svf_matmul_args backward_call(void)
{
  for (size_t row = 0; row < ROWS; ++row) rows_sums[row] = row % 4 ? sums[row % 4 - 1] : NULL;
  return (svf_matmul_args){.size = sizeof(svf_matmul_args),
                           .linear = back,
                           .rows = ROWS,
                           .x = g,
                           .x_stride = M,
                           .gains = gains,
                           .y = dx,
                           .y_stride = N,
                           .t0 = s,
                           .t0_stride = R,
                           .t0_forward = t0,
                           .t0_forward_stride = R,
                           .gradients = rows_sums};
}

static void call(const svf_matmul_args *a, size_t threads)
{
  ck_works(svf_matmul(a, threads, workspace, sizeof workspace));
}

/* The transposed layer of a block is what the transposed arrays would give. */
START_TEST(transposed_blocks)
{
  static const svf_format exact[][2] = {
      {SVF_FORMAT_F32, SVF_FORMAT_F32},         {SVF_FORMAT_F32, SVF_FORMAT_BF16},
      {SVF_FORMAT_F32, SVF_FORMAT_W8},          {SVF_FORMAT_BF16, SVF_FORMAT_BF16},
      {SVF_FORMAT_BF16, SVF_FORMAT_BF16_SPLIT}, {SVF_FORMAT_BF16_SPLIT, SVF_FORMAT_BF16_SPLIT}};
  make_inputs();
  for (size_t i = 0; i < sizeof exact / sizeof *exact; ++i) {
    const svf_linear_source arrays = transposed_source_of(exact[i][1]);
    pack_both(exact[i][0], exact[i][1]);
    const size_t bytes = (size_t)svf_linear_info(back)->bytes;
    ck_works(svf_linear_pack(&arrays, other, sizeof other));
    ck_assert_mem_eq(back, other, bytes);
    memset(other, 0xff, bytes);
    for (size_t ith = 0; ith < 7; ++ith) {
      ck_works(svf_linear_transpose_part(block, sizeof block, exact[i][1], other, bytes, ith, 7));
    }
    ck_works(svf_linear_seal(other, bytes));
    ck_assert_mem_eq(back, other, bytes);
  }
}
END_TEST

/* Every format back and forth, at odd addresses, as the stored weights say. */
START_TEST(transposed_weights)
{
  static float other_u[N * R], other_vt[R * M];
  make_inputs();
  for (size_t n = 0; n < svf_format_count(); ++n) {
    const svf_linear_source from = source_of(svf_format_at(n));
    size_t bytes, back_bytes;
    ck_works(svf_linear_bytes(&from, &bytes));
    ck_works(svf_linear_pack(&from, block + 3, bytes));
    ck_works(svf_linear_transposed_bytes(block + 3, bytes, SVF_FORMAT_F32, &back_bytes));
    ck_works(svf_linear_transpose(block + 3, bytes, SVF_FORMAT_F32, back + 1, back_bytes));
    ck_works(svf_linear_unpack(block + 3, bytes, stored_u, R, stored_vt, N));
    ck_works(svf_linear_unpack(back + 1, back_bytes, other_u, R, other_vt, M));
    for (size_t k = 0; k < R; ++k) {
      for (size_t i = 0; i < M; ++i) ck_assert(other_vt[k * M + i] == stored_u[i * R + k]);
      for (size_t j = 0; j < N; ++j) ck_assert(other_u[j * R + k] == stored_vt[k * N + j]);
    }
    ck_assert_mem_eq(svf_linear_sigma(back + 1), sigma, sizeof sigma);
  }
}
END_TEST

START_TEST(transposed_dense_layers)
{
  static float w[M * N], stored[M * N], transposed[N * M];
  fill(w, M * N, 1);
  for (size_t n = 0; n < svf_format_count(); ++n) {
    const svf_linear_source from = {
        .size = sizeof from, .m = M, .n = N, .format = svf_format_at(n), .u = w, .u_stride = N};
    if (from.format == SVF_FORMAT_W84) continue;
    ck_works(svf_linear_pack(&from, block, sizeof block));
    ck_works(svf_linear_transpose(block, sizeof block, SVF_FORMAT_F32, back, sizeof back));
    ck_works(svf_linear_unpack(block, sizeof block, stored, N, NULL, 0));
    ck_works(svf_linear_unpack(back, sizeof back, transposed, M, NULL, 0));
    for (size_t i = 0; i < M; ++i) {
      for (size_t j = 0; j < N; ++j) ck_assert(transposed[j * M + i] == stored[i * N + j]);
    }
  }
  ck_fails(svf_linear_transpose(block, sizeof block, SVF_FORMAT_W84, back, sizeof back),
           SVF_ERR_ARGUMENT, "w84");
}
END_TEST

/* With the weights as they are stored, in double precision. */
static void expect_as_stored(void)
{
  float plain_u[M * R], plain_vt[R * N];
  memcpy(plain_u, u, sizeof u);
  memcpy(plain_vt, vt, sizeof vt);
  ck_works(svf_linear_unpack(block, sizeof block, u, R, vt, N));
  expect();
  memcpy(u, plain_u, sizeof u);
  memcpy(vt, plain_vt, sizeof vt);
}

/* The gradient of each format by a second block in bf16-split and in f32: errors relative to the
 * exact gradient of the weights as stored. */
START_TEST(gradients_of_stored_weights)
{
  make_inputs();
  for (size_t n = 0; n < svf_format_count(); ++n) {
    const svf_format format = svf_format_at(n);
    for (int precise = 0; precise < 2; ++precise) {
      float dd[R] = {0};
      pack_both(format, precise ? SVF_FORMAT_F32 : SVF_FORMAT_BF16_SPLIT);
      expect_as_stored();
      svf_matmul_args a = forward_call(), b = backward_call();
      for (size_t row = 0; row < ROWS; ++row) rows_sums[row] = gains[row] ? dd : NULL;
      call(&a, 2);
      call(&b, 2);
      const double dx_error = sqrt(nmse(dx, precise_dx, ROWS * N));
      const double dd_error = sqrt(nmse(dd, precise_dd, R));
      printf("%s by a block of %zu bytes in %s: error of dX %.2g, of dD %.2g\n",
             svf_format_name(format), (size_t)svf_linear_info(back)->bytes,
             precise ? "f32" : "bf16-split", dx_error, dd_error);
      ck_assert_double_le(dx_error, precise ? 1e-6 : 1e-2);
      ck_assert_double_le(dd_error, precise && format == SVF_FORMAT_F32 ? 1e-6 : 1e-2);
    }
  }
}
END_TEST

/* --- Sums ------------------------------------------------------------------------------------- */

START_TEST(sums_are_fused_row_by_row)
{
  make_inputs();
  pack_both(SVF_FORMAT_BF16_SPLIT, SVF_FORMAT_BF16_SPLIT);
  svf_matmul_args a = forward_call(), b = backward_call();
  fill(sums[0], 3 * R, 1);
  memcpy(first_sums, sums, sizeof sums);
  call(&a, 1);
  call(&b, 1);
  for (size_t row = 0; row < ROWS; ++row) {
    for (size_t k = 0; k < R && row % 4; ++k) {
      float *sum = &first_sums[row % 4 - 1][k];
      *sum = fmaf(s[row * R + k], t0[row * R + k], *sum);
    }
  }
  ck_assert_mem_eq(sums, first_sums, sizeof sums);
}
END_TEST

/* The same bits for any threads, and for rows in one call or in several. */
START_TEST(sums_have_the_same_bits)
{
  float wide[ROWS * (R + 5)];
  make_inputs();
  for (size_t n = 0; n < svf_format_count(); ++n) {
    pack_both(svf_format_at(n), SVF_FORMAT_BF16);
    svf_matmul_args a = forward_call(), b = backward_call();
    memset(sums, 0, sizeof sums);
    call(&a, 1);
    call(&b, 1);
    memcpy(first_sums, sums, sizeof sums);
    for (size_t row = 0; row < ROWS; ++row) {
      memcpy(wide + (ROWS - 1 - row) * (R + 5), t0 + row * R, R * sizeof *wide);
    }
    for (size_t threads = 1; threads <= 7; ++threads) {
      memset(sums, 0, sizeof sums);
      for (size_t row = 0; row < ROWS; row += b.rows) {
        b.rows = row + threads < ROWS ? threads : ROWS - row;
        b.x = g + row * M;
        b.gains = gains + row;
        b.y = dx + row * N;
        b.gradients = rows_sums + row;
        b.t0_forward = wide + (ROWS - 1 - row) * (R + 5);
        b.t0_forward_stride = -(R + 5);
        call(&b, threads);
      }
      ck_assert_mem_eq(sums, first_sums, sizeof sums);
    }
  }
}
END_TEST

/* T0 and gradients without Y have the bits of those with it. */
START_TEST(without_y)
{
  float want[ROWS * R];
  make_inputs();
  for (size_t n = 0; n < svf_format_count(); ++n) {
    pack_both(svf_format_at(n), SVF_FORMAT_W8);
    svf_matmul_args a = forward_call(), b = backward_call();
    memset(sums, 0, sizeof sums);
    call(&a, 1);
    call(&b, 1);
    memcpy(want, t0, sizeof want);
    memcpy(first_sums, sums, sizeof sums);
    a.flags = b.flags = SVF_MATMUL_WITHOUT_Y;
    a.y = b.y = NULL;
    for (size_t threads = 1; threads < 4; ++threads) {
      memset(t0, 0xff, sizeof t0);
      memset(sums, 0, sizeof sums);
      call(&a, threads);
      call(&b, threads);
      ck_assert_mem_eq(t0, want, sizeof want);
      ck_assert_mem_eq(sums, first_sums, sizeof sums);
    }
  }
}
END_TEST

START_TEST(calls_backwards_are_checked)
{
  make_inputs();
  pack_both(SVF_FORMAT_F32, SVF_FORMAT_F32);
  size_t bytes;
  svf_matmul_args a = backward_call();
  a.t0_forward = NULL;
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_NULL, "t0_forward is NULL");
  a = backward_call();
  a.t0 = NULL;
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_NULL, "t0 is NULL");
  a.gradients = NULL;
  a.flags = SVF_MATMUL_WITHOUT_Y;
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_NULL, "nothing is made");
  a = backward_call();
  a.t0_forward = (const float *)(const void *)((const char *)t0 + 1);
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_ALIGNMENT, "t0_forward");
  a = backward_call();
  a.flags = 4;
  ck_fails(svf_matmul(&a, 1, workspace, sizeof workspace), SVF_ERR_ARGUMENT, "0x4");
  ck_fails(svf_linear_transposed_bytes(NULL, 100, SVF_FORMAT_F32, &bytes), SVF_ERR_NULL, "block");
  ck_fails(svf_linear_transposed_bytes(block, 100, SVF_FORMAT_F32, &bytes), SVF_ERR_SPACE, "");
  ck_fails(svf_linear_transposed_bytes(block, sizeof block, (svf_format)99, &bytes),
           SVF_ERR_ARGUMENT, "format");
  ck_fails(svf_linear_transpose(block, sizeof block, SVF_FORMAT_F32, NULL, 1 << 19), SVF_ERR_NULL,
           "out is NULL");
  ck_fails(svf_linear_transpose(block, sizeof block, SVF_FORMAT_F32, back, 100), SVF_ERR_SPACE,
           "out has 100 bytes");
  ck_fails(svf_linear_transpose_part(block, sizeof block, SVF_FORMAT_F32, back, sizeof back, 3, 3),
           SVF_ERR_ARGUMENT, "ith is 3");
}
END_TEST

SUITE("backward", gradients_of_every_format, transposed_blocks, transposed_weights,
      transposed_dense_layers, gradients_of_stored_weights, sums_are_fused_row_by_row,
      sums_have_the_same_bits, without_y, calls_backwards_are_checked)
