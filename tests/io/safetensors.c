/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that must be read, and every kind of malformed file, which must be refused with the
 * rule. */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <svf/safetensors.h>

#include "src/io/tensor.h"
#include "tests/unit/suite.h"

static char path[64];

static void make_path(void)
{
  const char *dir = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/svf-XXXXXX", dir && strlen(dir) < 40 ? dir : P_tmpdir);
  const int fd = mkstemp(path);
  if (fd < 0) {
    perror(path);
    exit(1);
  }
  close(fd);
}

static void write_bytes(const void *bytes, size_t count)
{
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
  fclose(file);
}

/* A file from its JSON and `data` bytes of data (0, 1, 2, ...). Returns its size. */
static size_t write_file(const char *json, size_t data)
{
  unsigned char bytes[4096];
  const uint64_t length = strlen(json);
  for (int i = 0; i < 8; ++i) bytes[i] = (unsigned char)(length >> (8 * i));
  memcpy(bytes + 8, json, length);
  for (size_t i = 0; i < data; ++i) bytes[8 + length + i] = (unsigned char)i;
  write_bytes(bytes, 8 + length + data);
  return 8 + length + data;
}

static const char valid[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[8,16]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"s\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[16,17]}}";

START_TEST(valid_files)
{
  for (unsigned flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags) {
    svf_safetensors *file;
    write_file(valid, 17);
    ck_works(svf_safetensors_open(path, flags, &file));
    ck_assert_uint_eq(svf_safetensors_count(file), 3);
    ck_assert_str_eq(svf_safetensors_at(file, 0)->name, "a");
    ck_assert_ptr_null(svf_safetensors_at(file, 3));
    const svf_tensor *b = svf_safetensors_find(file, "b");
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(b->dtype, SVF_TENSOR_BF16);
    ck_assert_int_eq(b->ndim, 2);
    ck_assert_uint_eq(b->elements, 4);
    ck_assert_uint_eq(b->bytes, 8);
    ck_assert_uint_eq(*(const unsigned char *)b->data, 8);
    ck_assert_uint_eq(svf_safetensors_find(file, "s")->elements, 1);
    ck_assert_ptr_null(svf_safetensors_find(file, "c"));
    ck_assert_str_eq(svf_safetensors_metadata(file, "format"), "pt");
    ck_assert_ptr_null(svf_safetensors_metadata(file, "other"));
    float out[4];
    ck_works(svf_tensor_to_f32(b, out, 4));
    ck_fails(svf_tensor_to_f32(b, out, 3), SVF_ERR_SPACE, "4");
    ck_fails(svf_tensor_to_f32(svf_safetensors_find(file, "s"), out, 4), SVF_ERR_UNSUPPORTED, "U8");
    svf_safetensors_close(file);
  }
  svf_safetensors_close(NULL);
}
END_TEST

#define T(dtype, shape, offsets) \
  "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

/* What the reference reader takes, whoever needs it. */
START_TEST(unusual_headers)
{
  static const struct {
    const char *json;
    size_t data;
    svf_tensor_type dtype;
    size_t elements;
  } good[] = {
      {" \n\t\r" T("F32", "[1]", "[0,4]") "\n ", 4, SVF_TENSOR_F32, 1},
      {"{\"__metadata__\":null,\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
       SVF_TENSOR_U8, 1},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"__metadata__\":null}", 2,
       SVF_TENSOR_U8, 2},
      {"\n{ \"__metadata__\" :\tnull , \"t\":{\"dtype\":\"F32\",\"shape\":[],"
       "\"data_offsets\":[0,4]}}",
       4, SVF_TENSOR_F32, 1},
      {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],"
       "\"x\":1000000000000000000000000000000}}",
       1, SVF_TENSOR_U8, 1},
      {"{\"t\":{\"x\":[-99999999999999999999],\"dtype\":\"U8\",\"shape\":[1],"
       "\"data_offsets\":[0,1]}}",
       1, SVF_TENSOR_U8, 1},
      {"{\"__metadata__\":{\"k\\u0000\":\"v\\u0000w\"},"
       "\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
       1, SVF_TENSOR_U8, 1},
      {T("C64", "[1]", "[0,8]"), 8, SVF_TENSOR_C64, 1},
      {T("C64", "[3,2]", "[0,48]"), 48, SVF_TENSOR_C64, 6},
      {T("C64", "[2,0]", "[0,0]"), 0, SVF_TENSOR_C64, 0},
      {T("F4", "[2]", "[0,1]"), 1, SVF_TENSOR_F4, 2},
      {T("F4", "[3,2]", "[0,3]"), 3, SVF_TENSOR_F4, 6},
      {T("F4", "[0,1]", "[0,0]"), 0, SVF_TENSOR_F4, 0},
      {T("F6_E2M3", "[4]", "[0,3]"), 3, SVF_TENSOR_F6_E2M3, 4},
      {T("F6_E3M2", "[8]", "[0,6]"), 6, SVF_TENSOR_F6_E3M2, 8},
      {T("F8_E8M0", "[3]", "[0,3]"), 3, SVF_TENSOR_F8_E8M0, 3},
      {T("F8_E8M0", "[]", "[0,1]"), 1, SVF_TENSOR_F8_E8M0, 1},
      {T("F8_E8M0", "[2,3]", "[0,6]"), 6, SVF_TENSOR_F8_E8M0, 6},
      {T("F8_E4M3FNUZ", "[1]", "[0,1]"), 1, SVF_TENSOR_F8_E4M3FNUZ, 1},
      {T("F8_E5M2FNUZ", "[1]", "[0,1]"), 1, SVF_TENSOR_F8_E5M2FNUZ, 1},
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
    svf_safetensors *file = NULL;
    write_file(good[i].json, good[i].data);
    ck_works(svf_safetensors_open(path, 0, &file));
    const svf_tensor *t = svf_safetensors_find(file, "t");
    ck_assert_ptr_nonnull(t);
    ck_assert(t->dtype == good[i].dtype && t->elements == good[i].elements);
    ck_assert_uint_eq(t->bytes, good[i].data);
    float out[8];
    if (t->dtype != SVF_TENSOR_F32) {
      ck_fails(svf_tensor_to_f32(t, out, t->elements), SVF_ERR_UNSUPPORTED,
               svf_tensor_type_name(t->dtype));
    }
    svf_safetensors_close(file);
  }
}
END_TEST

START_TEST(malformed_headers)
{
  static const struct {
    const char *json;
    size_t data;
  } bad[] = {
      {"", 0},
      {"[]", 0},
      {"{", 0},
      {"{}x", 0},
      {"{} ", 1},
      {"{\"t\":1}", 0},
      {"{\"t\":{}}", 0},
      {"\f{}", 0},
      {"\xef\xbb\xbf{}", 0},
      {"{\"__metadata__\":{\"a\":null}}", 0},
      {T("F4", "[1]", "[0,1]"), 1},
      {T("F4", "[1]", "[0,0]"), 0},
      {T("F4", "[3]", "[0,1]"), 1},
      {T("F4", "[3]", "[0,2]"), 2},
      {T("F6_E2M3", "[2]", "[0,2]"), 2},
      {T("C64", "[1]", "[0,4]"), 4},
      {T("C128", "[1]", "[0,16]"), 16},
      {"{\"t\xff\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1},
      {"{\"__metadata__\":[]}", 0},
      {"{\"__metadata__\":{\"a\":1}}", 0},
      {T("F99", "[1]", "[0,4]"), 4},
      {T("F32", "[1]", "[0,5]"), 5},
      {T("F32", "[2]", "[0,4]"), 4},
      {T("F32", "[-1]", "[0,4]"), 4},
      {T("F32", "[1.0]", "[0,4]"), 4},
      {T("F32", "[\"1\"]", "[0,4]"), 4},
      {T("F32", "1", "[0,4]"), 4},
      {T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4},
      {T("F32", "[4294967296,4294967296]", "[0,0]"), 0},
      {T("F32", "[4611686018427387904]", "[0,0]"), 0},
      {T("F32", "[99999999999999999999]", "[0,0]"), 0},
      {T("F32", "[1]", "[0]"), 4},
      {T("F32", "[1]", "[0,4,8]"), 4},
      {T("F32", "[1]", "[-4,0]"), 4},
      {T("F32", "[1]", "[4,0]"), 4},
      {T("F32", "[1]", "[0,4]"), 3}, /* data cut off */
      {T("F32", "[1]", "[0,4]"), 5}, /* trailing bytes */
      {T("F32", "[1]", "[1,5]"), 5}, /* a hole before */
      {T("F32", "[1]", "[9223372036854775804,9223372036854775808]"), 4},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
       3}, /* overlap */
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
       2}, /* duplicate */
      {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
       3}, /* a hole between */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    svf_safetensors *file = NULL;
    write_file(bad[i].json, bad[i].data);
    const svf_status status = svf_safetensors_open(path, 0, &file);
    ck_assert_msg(status == SVF_ERR_FILE, "%s with %zu bytes: %s", bad[i].json, bad[i].data,
                  svf_status_name(status));
    ck_assert_ptr_nonnull(strstr(svf_last_message(), path));
  }
}
END_TEST

START_TEST(cut_off_anywhere)
{
  const size_t size = write_file(valid, 17);
  unsigned char bytes[4096];
  FILE *in = fopen(path, "rb");
  ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, in), size);
  fclose(in);
  for (size_t cut = 0; cut < size; ++cut) {
    svf_safetensors *file = NULL;
    write_bytes(bytes, cut);
    ck_assert_int_eq(svf_safetensors_open(path, cut % 2, &file), SVF_ERR_FILE);
  }
}
END_TEST

/* A few thousand mutations: whatever opens must stay inside the file. */
START_TEST(mutations)
{
  const size_t size = write_file(valid, 17);
  unsigned char bytes[4096], mutant[4096];
  FILE *in = fopen(path, "rb");
  ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, in), size);
  fclose(in);
  uint32_t state = 1;
  unsigned sum = 0;
  for (int turn = 0; turn < 4000; ++turn) {
    memcpy(mutant, bytes, size);
    for (int i = 0; i <= turn % 3; ++i) {
      state = state * 1664525u + 1013904223u;
      mutant[(state >> 8) % size] = (unsigned char)(state >> 24);
    }
    write_bytes(mutant, size);
    svf_safetensors *file;
    if (svf_safetensors_open(path, turn % 2, &file) != SVF_OK) continue;
    for (size_t t = 0; t < svf_safetensors_count(file); ++t) {
      const svf_tensor *tensor = svf_safetensors_at(file, t);
      for (size_t i = 0; i < tensor->bytes; ++i) sum += ((const unsigned char *)tensor->data)[i];
    }
    svf_safetensors_close(file);
  }
  ck_assert_uint_gt(sum, 0);
}
END_TEST

START_TEST(misuse)
{
  svf_safetensors *file;
  ck_fails(svf_safetensors_open(NULL, 0, &file), SVF_ERR_NULL, "path");
  ck_fails(svf_safetensors_open(path, 0, NULL), SVF_ERR_NULL, "file");
  ck_fails(svf_safetensors_open("/nonexistent/file", 0, &file), SVF_ERR_IO, "/nonexistent/file");
  ck_assert_int_ne(svf_safetensors_open("/", 0, &file), SVF_OK);
}
END_TEST

/* Every pattern of 16 bits alone, and an Inf at every place among others, aligned or not. */
START_TEST(finite_numbers)
{
  static const svf_tensor_type types[] = {SVF_TENSOR_F16, SVF_TENSOR_BF16, SVF_TENSOR_F32};
  static const uint32_t exponents[] = {0x7c00, 0x7f80, 0x7f800000};
  unsigned char data[4 * 67 + 1];
  for (int t = 0; t < 3; ++t) {
    const size_t size = t < 2 ? 2 : 4;
    for (uint32_t high = 0; high < 0x10000; ++high) {
      const uint32_t bits = t < 2 ? high : high << 16 | 1;
      ck_assert_int_eq(svf_tensor_data_is_finite(types[t], &bits, size),
                       (bits & exponents[t]) != exponents[t]);
    }
    for (size_t at = 0; at < 67 * size; at += size) {
      memset(data, 0x55, sizeof data);
      ck_assert(svf_tensor_data_is_finite(types[t], data + 1, 67 * size));
      memcpy(data + 1 + at, &exponents[t], size);
      ck_assert(!svf_tensor_data_is_finite(types[t], data + 1, 67 * size));
      ck_assert(svf_tensor_data_is_finite(types[t], data + 1, at));
      ck_assert(svf_tensor_data_is_finite(SVF_TENSOR_U32, data + 1, 67 * size));
    }
  }
}
END_TEST

/* Every fp16 value against ldexp. */
START_TEST(all_of_fp16)
{
  static uint16_t half[65536];
  static float out[65536];
  for (unsigned i = 0; i < 65536; ++i) half[i] = (uint16_t)i;
  const svf_tensor t = {.size = sizeof t,
                        .name = "t",
                        .dtype = SVF_TENSOR_F16,
                        .ndim = 1,
                        .shape = {65536},
                        .elements = 65536,
                        .data = half,
                        .bytes = sizeof half};
  ck_works(svf_tensor_to_f32(&t, out, 65536));
  for (unsigned i = 0; i < 65536; ++i) {
    const int exponent = (int)(i >> 10 & 31), fraction = (int)(i & 1023);
    const float sign = i >> 15 ? -1.0f : 1.0f;
    if (exponent == 31) {
      ck_assert(fraction ? isnan(out[i]) : out[i] == sign * INFINITY);
    } else {
      const float want =
          exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
      ck_assert_float_eq(out[i], sign * want);
      ck_assert_int_eq(signbit(out[i]) != 0, sign < 0);
    }
  }
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {valid_files, unusual_headers, malformed_headers, cut_off_anywhere,
                                mutations,   misuse,          finite_numbers,    all_of_fp16};
  make_path();
  const int result = run_suite("safetensors", tests, sizeof tests / sizeof *tests);
  unlink(path);
  return result;
}
