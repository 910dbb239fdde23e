/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stddef.h>

#include "tests/unit/suite.h"

enum { M = 35, N = 20, R = 18 };

static float u[M * R], vt[R * N], sigma[R];
static _Alignas(64) unsigned char block[16384], other[16384];
static size_t bytes;

static svf_linear_source source(void)
{
  for (int i = 0; i < M * R; ++i) u[i] = (float)i;
  for (int i = 0; i < R * N; ++i) vt[i] = (float)(1000 + i);
  for (int i = 0; i < R; ++i) sigma[i] = (float)(R - i);
  const svf_linear_source s = {.size = sizeof s,
                               .m = M,
                               .n = N,
                               .r = R,
                               .u = u,
                               .u_stride = R,
                               .vt = vt,
                               .vt_stride = N,
                               .sigma = sigma};
  ck_works(svf_linear_bytes(&s, &bytes));
  ck_assert_uint_le(bytes, sizeof block);
  return s;
}

static const float *at(size_t offset) { return (const float *)(const void *)(block + offset); }

START_TEST(layout_is_as_documented)
{
  const svf_linear_source s = source();
  memset(block, 0xff, sizeof block);
  ck_works(svf_linear_pack(&s, block, bytes));
  const svf_linear_header *h = svf_linear_info(block);
  ck_assert_uint_eq(h->m, M);
  ck_assert_uint_eq(h->n, N);
  ck_assert_uint_eq(h->r, R);
  ck_assert_uint_eq(h->bytes, bytes);
  for (size_t p = 0; p < 2; ++p) {
    for (size_t k = 0; k < N; ++k) {
      for (size_t j = 0; j < 16; ++j) {
        const float want = 16 * p + j < R ? vt[(16 * p + j) * N + k] : 0;
        ck_assert_float_eq(at(h->v_offset)[(p * N + k) * 16 + j], want);
      }
    }
  }
  for (size_t p = 0; p < 3; ++p) {
    for (size_t k = 0; k < R; ++k) {
      for (size_t j = 0; j < 16; ++j) {
        const float want = 16 * p + j < M ? u[(16 * p + j) * R + k] : 0;
        ck_assert_float_eq(at(h->u_offset)[(p * R + k) * 16 + j], want);
      }
    }
  }
  for (size_t k = 0; k < 32; ++k) {
    ck_assert_float_eq(at(h->sigma_offset)[k], k < R ? sigma[k] : 0);
  }
  ck_assert_ptr_eq(svf_linear_sigma(block), at(h->sigma_offset));
  ck_filled(block + bytes, sizeof block - bytes, 0xff);
  ck_assert_ptr_null(svf_linear_sigma(NULL));
  ck_assert_ptr_null(svf_linear_info(NULL));
}
END_TEST

START_TEST(parts_give_the_same_bytes)
{
  const svf_linear_source s = source();
  ck_works(svf_linear_pack(&s, block, bytes));
  for (size_t nth = 1; nth <= 9; ++nth) {
    memset(other, 0xaa, sizeof other);
    for (size_t ith = nth; ith-- > 0;) ck_works(svf_linear_pack_part(&s, other, bytes, ith, nth));
    ck_fails(svf_linear_check(other, bytes, false), SVF_ERR_CORRUPT, "sealed");
    ck_works(svf_linear_seal(other, bytes));
    ck_assert_mem_eq(other, block, bytes);
  }
}
END_TEST

/* The size of a packed block with these dimensions and, after them, other members. */
#define BYTES(m_, n_, r_, ...)                                                              \
  svf_linear_bytes(                                                                         \
      &(svf_linear_source){                                                                 \
          .size = sizeof(svf_linear_source), .m = (m_), .n = (n_), .r = (r_), __VA_ARGS__}, \
      &n)

START_TEST(bytes_misuse)
{
  size_t n = 77;
  const svf_linear_source s = source();
  ck_fails(svf_linear_bytes(&s, NULL), SVF_ERR_NULL, "bytes");
  ck_fails(svf_linear_bytes(NULL, &n), SVF_ERR_NULL, "source is NULL");
  const svf_linear_source none = {.m = 1, .n = 1};
  ck_fails(svf_linear_bytes(&none, &n), SVF_ERR_VERSION, "source->size is 0");
  ck_fails(BYTES(0, 1, 1, .u = NULL), SVF_ERR_ARGUMENT, "m is 0");
  ck_fails(BYTES(1, 0, 1, .u = NULL), SVF_ERR_ARGUMENT, "n is 0");
  ck_fails(BYTES(1, 1, 0, .format = SVF_FORMAT_W84), SVF_ERR_ARGUMENT, "dense");
  ck_fails(BYTES(1, 1, 1, .format = (svf_format)9), SVF_ERR_ARGUMENT, "format is 9");
  ck_fails(BYTES(SIZE_MAX / 8, 1, 4, .u = NULL), SVF_ERR_OVERFLOW, "m = ");
  ck_fails(BYTES(1, SIZE_MAX, 2, .u = NULL), SVF_ERR_OVERFLOW, "SIZE_MAX");
  ck_fails(BYTES(1, 1, SIZE_MAX, .u = NULL), SVF_ERR_OVERFLOW, "SIZE_MAX");
  ck_fails(BYTES(SIZE_MAX, SIZE_MAX, SIZE_MAX, .u = NULL), SVF_ERR_OVERFLOW, "SIZE_MAX");
  ck_fails(BYTES(1, 1, 1, .quant.group = 32), SVF_ERR_ARGUMENT, "group is 32");
  ck_fails(BYTES(1, 1, 1, .format = SVF_FORMAT_BF16, .quant.group = 32), SVF_ERR_ARGUMENT,
           "group is 32");
  ck_fails(BYTES(1, 1, 1, .format = SVF_FORMAT_S8, .quant.group = 32), SVF_ERR_ARGUMENT,
           "group is 32");
  ck_fails(BYTES(1, 1, 1, .format = SVF_FORMAT_W4, .quant.group = 48), SVF_ERR_ARGUMENT,
           "group is 48");
  ck_fails(BYTES(1, 1, 1, .format = SVF_FORMAT_W8, .quant.group = 256), SVF_ERR_ARGUMENT,
           "group is 256");
  ck_fails(BYTES(SIZE_MAX / 2, 1, 4, .format = SVF_FORMAT_W4, .quant.group = 32), SVF_ERR_OVERFLOW,
           "m = ");
  ck_fails(BYTES(1, 1, 512, .format = SVF_FORMAT_W84, .quant.head = 100), SVF_ERR_ARGUMENT,
           "head is 100");
  ck_fails(BYTES(1, 1, 300, .format = SVF_FORMAT_W84, .quant.head = 512), SVF_ERR_ARGUMENT,
           "up to r = 300");
  ck_fails(BYTES(1, 1, 512, .format = SVF_FORMAT_W4, .quant.head = 256), SVF_ERR_ARGUMENT,
           "head is 256");
  ck_fails(BYTES(1, 1, 1, .quant.reserved[5] = 3), SVF_ERR_ARGUMENT, "reserved[5] is 3");
  ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(a_dense_layer_is_its_second_factor)
{
  static const float w[2 * 3] = {1, 2, 3, 4, 5, 6};
  svf_linear_source s = {.size = sizeof s, .m = 2, .n = 3, .u = w, .u_stride = 3};
  float back[2 * 3] = {0};
  size_t size;
  ck_works(svf_linear_bytes(&s, &size));
  ck_assert_uint_eq(size, sizeof(svf_linear_header) + 3 * 64);
  ck_works(svf_linear_pack(&s, block, sizeof block));
  ck_works(svf_linear_check(block, size, true));
  ck_assert_ptr_null(svf_linear_sigma(block));
  ck_works(svf_linear_unpack(block, size, back, 3, NULL, 0));
  ck_assert_mem_eq(back, w, sizeof w);
  ck_fails(svf_linear_unpack(block, size, back, 2, NULL, 0), SVF_ERR_ARGUMENT, "less than n = 3");
  s.u_stride = 2;
  ck_fails(svf_linear_pack(&s, block, sizeof block), SVF_ERR_ARGUMENT, "less than n = 3");
  s.u_stride = 3;
  s.vt = w;
  ck_fails(svf_linear_pack(&s, block, sizeof block), SVF_ERR_ARGUMENT, "source->vt is not NULL");
  s.vt = NULL;
  s.sigma = w;
  ck_fails(svf_linear_pack(&s, block, sizeof block), SVF_ERR_ARGUMENT, "source->sigma is not");
}
END_TEST

/* 16 channels of 300 steps in w4, groups of 64: 128 bytes of scales and 2048 of integers, then 128
 * and 512. */
START_TEST(integers_are_as_documented)
{
  enum { CHANNELS = 16, STEPS = 300, BLOCK = 128 + 2048, PANEL = BLOCK + 128 + 512 };
  static float w[CHANNELS * STEPS], out[CHANNELS * STEPS], vt_out[STEPS * STEPS];
  static float v[STEPS * STEPS], s[STEPS];
  static _Alignas(64) unsigned char big[1 << 18];
  size_t size;
  /* Channel j's integers are (j + k) % 16 - 8, its scale 2^-j: any power of two is a bf16. */
  for (int j = 0; j < CHANNELS; ++j) {
    for (int k = 0; k < STEPS; ++k) {
      w[j * STEPS + k] = ldexpf((float)((j + k) % 16 - 8), -j);
    }
  }
  const svf_linear_source from = {.size = sizeof from,
                                  .m = CHANNELS,
                                  .n = STEPS,
                                  .r = STEPS,
                                  .format = SVF_FORMAT_W4,
                                  .u = w,
                                  .u_stride = STEPS,
                                  .vt = v,
                                  .vt_stride = STEPS,
                                  .sigma = s,
                                  .quant = {.group = 64}};
  ck_works(svf_linear_bytes(&from, &size));
  ck_assert_uint_le(size, sizeof big);
  ck_works(svf_linear_pack(&from, big, size));
  const svf_linear_header *h = svf_linear_info(big);
  ck_assert_uint_eq(h->group, 64);
  ck_assert_uint_eq(h->bytes - h->u_offset, PANEL);
  for (int j = 0; j < CHANNELS; ++j) {
    for (int k = 0; k < STEPS; ++k) {
      const unsigned char *block_at = big + h->u_offset + (k >= 256 ? BLOCK : 0);
      const int i = k % 256;
      uint16_t scale;
      memcpy(&scale, block_at + (i / 64 * 16 + j) * 2, sizeof scale);
      const unsigned char byte = block_at[128 + i / 8 * 64 + j * 4 + i % 4];
      const int nibble = i % 8 < 4 ? byte & 15 : byte >> 4;
      ck_assert_int_eq(scale, (127 - j) << 7);
      ck_assert_int_eq(nibble < 8 ? nibble : nibble - 16, (j + k) % 16 - 8);
    }
  }
  ck_works(svf_linear_unpack(big, size, out, STEPS, vt_out, STEPS));
  ck_assert_mem_eq(out, w, sizeof w);
  ck_fails(svf_linear_unpack(big, size, out, STEPS - 1, NULL, 0), SVF_ERR_ARGUMENT, "u_stride");
  ck_fails(svf_linear_unpack(big, size, NULL, 0, vt_out, 1), SVF_ERR_ARGUMENT, "vt_stride");
  ck_fails(svf_linear_unpack(NULL, size, out, STEPS, NULL, 0), SVF_ERR_NULL, "block is NULL");
}
END_TEST

/* Pack with one field of the source changed; nothing may be written. */
#define PACK_FAILS(change, status, words)                       \
  do {                                                          \
    svf_linear_source s = source();                             \
    change;                                                     \
    memset(block, 0x5a, sizeof block);                          \
    ck_fails(svf_linear_pack(&s, block, bytes), status, words); \
    ck_filled(block, sizeof block, 0x5a);                       \
  } while (0)

START_TEST(pack_misuse)
{
  PACK_FAILS(s.m = 0, SVF_ERR_ARGUMENT, "m is 0");
  PACK_FAILS(s.u = NULL, SVF_ERR_NULL, "source->u ");
  PACK_FAILS(s.vt = NULL, SVF_ERR_NULL, "source->vt ");
  PACK_FAILS(s.sigma = NULL, SVF_ERR_NULL, "source->sigma");
  PACK_FAILS(s.u_type = (svf_dtype)7, SVF_ERR_ARGUMENT, "source->u_type is 7");
  PACK_FAILS(s.vt_type = (svf_dtype)-1, SVF_ERR_ARGUMENT, "source->vt_type");
  PACK_FAILS(s.u_stride = R - 1, SVF_ERR_ARGUMENT, "u_stride is 17, less than r = 18");
  PACK_FAILS(s.vt_stride = N - 1, SVF_ERR_ARGUMENT, "vt_stride is 19, less than n = 20");
  PACK_FAILS(s.u_stride = SIZE_MAX / 4, SVF_ERR_OVERFLOW, "source->u");
  PACK_FAILS(s.u = (const char *)u + 1, SVF_ERR_ALIGNMENT, "source->u ");
  PACK_FAILS(s.sigma = (const float *)(const void *)((const char *)sigma + 2), SVF_ERR_ALIGNMENT,
             "source->sigma");
  PACK_FAILS(s.r = SIZE_MAX / 2, SVF_ERR_OVERFLOW, "SIZE_MAX");
  PACK_FAILS(bytes -= 1, SVF_ERR_SPACE, "block has");

  const svf_linear_source s = source();
  ck_fails(svf_linear_pack(NULL, block, bytes), SVF_ERR_NULL, "source is NULL");
  ck_fails(svf_linear_pack(&s, NULL, bytes), SVF_ERR_NULL, "block is NULL");
  ck_fails(svf_linear_pack_part(&s, block, bytes, 0, 0), SVF_ERR_ARGUMENT, "nth is 0");
  ck_fails(svf_linear_pack_part(&s, block, bytes, 3, 3), SVF_ERR_ARGUMENT, "ith is 3, nth is 3");
}
END_TEST

/* Check with bytes of the block changed. */
#define CHECK_FAILS(change, status, words)                           \
  do {                                                               \
    const svf_linear_source s = source();                            \
    ck_works(svf_linear_pack(&s, block, bytes));                     \
    svf_linear_header *const h = (svf_linear_header *)(void *)block; \
    (void)h;                                                         \
    change;                                                          \
    ck_fails(svf_linear_check(block, bytes, true), status, words);   \
  } while (0)

START_TEST(check_misuse)
{
  CHECK_FAILS(h->magic[0] ^= 1, SVF_ERR_MAGIC, "magic");
  CHECK_FAILS(h->endian = 0x04030201, SVF_ERR_ENDIAN, "byte order");
  CHECK_FAILS(h->endian = 5, SVF_ERR_CORRUPT, "byte order");
  CHECK_FAILS(h->version = 99, SVF_ERR_VERSION, "version 99");
  CHECK_FAILS(h->format = 99, SVF_ERR_CORRUPT, "format = 99");
  CHECK_FAILS(h->group = 1, SVF_ERR_CORRUPT, "group = 1");
  CHECK_FAILS(h->m += 1, SVF_ERR_CORRUPT, "checksum"); /* as large when packed */
  CHECK_FAILS(h->m += 16, SVF_ERR_CORRUPT, "m = 51");
  CHECK_FAILS(h->m = 0, SVF_ERR_CORRUPT, "m = 0");
  CHECK_FAILS(h->n = UINT64_MAX, SVF_ERR_CORRUPT, "n = ");
  CHECK_FAILS(h->bytes += 64, SVF_ERR_CORRUPT, "bytes");
  CHECK_FAILS(h->sigma_offset = 0, SVF_ERR_CORRUPT, "header");
  CHECK_FAILS(h->v_offset += 64, SVF_ERR_CORRUPT, "header");
  CHECK_FAILS(h->u_offset = UINT64_MAX, SVF_ERR_CORRUPT, "header");
  CHECK_FAILS(h->reserved[3] = 1, SVF_ERR_CORRUPT, "header");
  CHECK_FAILS(h->checksum ^= 1, SVF_ERR_CORRUPT, "checksum");
  CHECK_FAILS(h->checksum = 0, SVF_ERR_CORRUPT, "sealed");
  CHECK_FAILS(bytes -= 1, SVF_ERR_SPACE, "only");
  CHECK_FAILS(bytes = 100, SVF_ERR_SPACE, "header");
  ck_fails(svf_linear_check(NULL, bytes, false), SVF_ERR_NULL, "block");
  ck_fails(svf_linear_check(block + 32, sizeof block - 32, false), SVF_ERR_MAGIC, "magic");
  ck_fails(svf_linear_seal(NULL, bytes), SVF_ERR_NULL, "block");
}
END_TEST

/* Every single bit of the block is covered: header rules or checksum. */
START_TEST(any_flipped_bit_is_noticed)
{
  const svf_linear_source s = source();
  ck_works(svf_linear_pack(&s, block, bytes));
  for (size_t i = 0; i < bytes; ++i) {
    const int bit = (int)(i % 8);
    block[i] ^= (unsigned char)(1 << bit);
    ck_assert_int_ne(svf_linear_check(block, bytes, true), SVF_OK);
    block[i] ^= (unsigned char)(1 << bit);
  }
  ck_works(svf_linear_check(block, bytes, true));
}
END_TEST

/* A rank slice by pointer offsets equals packing a copy of the slice. */
START_TEST(slices_of_the_rank)
{
  svf_linear_source s = source();
  static float part[M * 5];
  const size_t r0 = 7, r = 5;
  for (size_t i = 0; i < M; ++i) memcpy(part + i * r, u + i * R + r0, r * sizeof *part);
  s.r = r;
  s.u = u + r0;
  s.vt = vt + r0 * N;
  s.sigma = sigma + r0;
  ck_works(svf_linear_pack(&s, block, sizeof block));
  s.u = part;
  s.u_stride = r;
  ck_works(svf_linear_pack(&s, other, sizeof other));
  ck_assert_mem_eq(block, other, svf_linear_info(block)->bytes);
}
END_TEST

/* In every format a layer whose factors are stored the other way round, or with gaps, has the bytes
 * of the plain one, for any number of threads and on any instruction set. */
static void same_bytes(svf_format format, svf_dtype type, size_t gap, size_t nth, svf_isa isa)
{
  enum { M_ = 37, N_ = 300, R_ = 129, MOST = 2 * (M_ + N_) * (R_ + 5) };
  static _Alignas(64) unsigned char want[1 << 19], got[1 << 19];
  static float plain[2][N_ * R_], turned[2][MOST], ones[R_];
  const size_t size = svf_dtype_size(type), rows[2] = {M_, R_}, columns[2] = {R_, N_};
  for (int f = 0; f < 2; ++f) {
    const size_t step = rows[f] * gap + 5;
    memset(turned[f], 0xff, sizeof turned[f]); /* NaN: what is not meant to be read shows */
    for (size_t i = 0; i < rows[f]; ++i) {
      for (size_t k = 0; k < columns[f]; ++k) {
        const float x = sinf((float)(f + 1 + 7 * i + 13 * k * k % 1009));
        memcpy((char *)plain[f] + (i * columns[f] + k) * size, (const char *)&x + 4 - size, size);
        memcpy((char *)turned[f] + (i * gap + k * step) * size, (const char *)&x + 4 - size, size);
      }
    }
  }
  svf_linear_source s = {.size = sizeof s,
                         .m = M_,
                         .n = N_,
                         .r = R_,
                         .format = format,
                         .u_type = type,
                         .u = plain[0],
                         .u_stride = R_,
                         .vt_type = type,
                         .vt = plain[1],
                         .vt_stride = N_,
                         .sigma = ones,
                         .quant.head = format == SVF_FORMAT_W84 ? 64 : 0};
  double error, turned_error;
  ck_works(svf_linear_pack(&s, want, sizeof want));
  ck_works(svf_quant_plan(&s, SIZE_MAX, &s.quant, &error));
  s.quant = (svf_quant){.head = format == SVF_FORMAT_W84 ? 64 : 0};
  s.u = turned[0];
  s.vt = turned[1];
  s.u_stride = s.vt_stride = gap;
  s.u_step = M_ * gap + 5;
  s.vt_step = R_ * gap + 5;
  memset(got, 0xaa, sizeof got);
  ck_works(svf_isa_select(isa));
  for (size_t ith = 0; ith < nth; ++ith) {
    ck_works(svf_linear_pack_part(&s, got, sizeof got, ith, nth));
  }
  ck_works(svf_linear_seal(got, sizeof got));
  ck_assert_mem_eq(got, want, svf_linear_info(want)->bytes);
  ck_works(svf_quant_plan(&s, SIZE_MAX, &s.quant, &turned_error));
  ck_assert(turned_error == error);
  ck_works(svf_isa_select(SVF_ISA_AUTO));
}

START_TEST(transposed_sources_give_the_same_bytes)
{
  for (size_t i = 0; i < svf_format_count(); ++i) {
    same_bytes(svf_format_at(i), SVF_DTYPE_F32, 1, 1, SVF_ISA_AUTO);
    same_bytes(svf_format_at(i), SVF_DTYPE_BF16, 1, 3, SVF_ISA_AUTO);
    same_bytes(svf_format_at(i), SVF_DTYPE_F32, 2, 2, SVF_ISA_AUTO);
  }
}
END_TEST

START_TEST(every_isa_gives_the_same_bytes)
{
  for (size_t i = 0; i < svf_format_count(); ++i) {
    for (size_t n = 0; n < svf_isa_count(); ++n) {
      const svf_isa isa = svf_isa_at(n);
      if (svf_isa_supported(isa)) same_bytes(svf_format_at(i), SVF_DTYPE_F32, 1, 2, isa);
    }
  }
}
END_TEST

/* Strides and steps that would overlap, or lead to elements that do not exist. */
START_TEST(steps_misuse)
{
  PACK_FAILS((s.u_stride = 1, s.u_step = M - 1), SVF_ERR_ARGUMENT,
             "u_stride is 1, its step 34: 35 rows of r = 18 would overlap");
  PACK_FAILS((s.vt_stride = 3, s.vt_step = 2), SVF_ERR_ARGUMENT, "vt_stride is 3, its step 2");
  PACK_FAILS((s.vt_stride = 0, s.vt_step = R), SVF_ERR_ARGUMENT, "would overlap");
  PACK_FAILS((s.u_stride = 7, s.u_step = 7), SVF_ERR_ARGUMENT, "would overlap");
  PACK_FAILS((s.u_stride = R - 1, s.u_step = 1), SVF_ERR_ARGUMENT, "less than r = 18");
  PACK_FAILS((s.u_stride = 1, s.u_step = SIZE_MAX / 4), SVF_ERR_OVERFLOW, "source->u: 35 rows");
  PACK_FAILS((s.u_stride = SIZE_MAX / 8, s.u_step = SIZE_MAX / 16), SVF_ERR_OVERFLOW, "source->u");
  svf_linear_source s = source();
  s.u_step = 1; /* as 0 */
  s.vt_step = 1;
  ck_works(svf_linear_pack(&s, block, bytes));
  ck_works(svf_linear_pack(&(svf_linear_source){.size = sizeof s, .m = 1, .n = N, .u = vt}, other,
                           sizeof other)); /* the only row needs no stride */
  s.quant.reserved[0] = 1;
  ck_fails(svf_linear_pack(&s, block, bytes), SVF_ERR_ARGUMENT, "reserved[0] is 1");
  s.size = offsetof(svf_linear_source, quant);
  ck_fails(svf_linear_pack(&s, block, bytes), SVF_ERR_VERSION, "source->size");
}
END_TEST

SUITE("linear", transposed_sources_give_the_same_bytes, every_isa_gives_the_same_bytes,
      steps_misuse, layout_is_as_documented, parts_give_the_same_bytes, bytes_misuse,
      a_dense_layer_is_its_second_factor, integers_are_as_documented, pack_misuse, check_misuse,
      any_flipped_bit_is_noticed, slices_of_the_rank)
