/* SPDX-License-Identifier: Apache-2.0
 *
 * Expert files: what is written comes back, and every kind of file that must be refused. */
#define _GNU_SOURCE
#include <float.h>
#include <locale.h>
#include <math.h>

#include <svf/safetensors.h>

#include "tests/experts/sample.h"
#include "tests/io/temp.h"

static void same_text(const char *a, const char *b)
{
  ck_assert((a == NULL) == (b == NULL));
  if (a) ck_assert_str_eq(a, b);
}

static void same_expert(const svf_expert *a, const svf_expert *b)
{
  svf_expert_info x = {.size = sizeof x}, y = x;
  ck_works(svf_expert_get_info(a, &x));
  ck_works(svf_expert_get_info(b, &y));
  ck_assert_uint_eq(x.factors, y.factors);
  ck_assert_int_eq(x.parametrisation, y.parametrisation);
  ck_assert_mem_eq(&x.scale, &y.scale, sizeof x.scale);
  ck_assert_int_eq(x.normalise, y.normalise);
  same_text(x.task, y.task);
  same_text(x.trained, y.trained);
  ck_assert_uint_eq(svf_expert_count(a), svf_expert_count(b));
  for (size_t i = 0; i < svf_expert_count(a); ++i) {
    const svf_expert_module *m = svf_expert_at(a, i), *n = svf_expert_at(b, i);
    ck_assert_str_eq(m->name, n->name);
    ck_assert_uint_eq(m->r, n->r);
    ck_assert_mem_eq(m->values, n->values, m->r * sizeof(float));
    ck_assert_mem_eq(m->z, n->z, m->r * sizeof(float));
  }
}

static void there_and_back(const svf_expert_info *info)
{
  static const float values[5000] = {0.5f, -0.0f, FLT_TRUE_MIN, -7, 1e-20f};
  const svf_expert_module modules[3] = {
      {.size = sizeof(svf_expert_module), .name = "model.b", .r = 5, .values = values},
      {.size = sizeof(svf_expert_module), .name = "model.a", .r = 1, .values = values + 2},
      {.size = sizeof(svf_expert_module), .name = "c.z.p", .r = 5000, .values = values}};
  const char *path = temp_path("expert.safetensors");
  svf_expert *want, *got;
  ck_works(svf_expert_create(info, modules, 3, &want));
  ck_works(svf_expert_write(path, info, modules, 3));
  ck_works(svf_expert_open(path, &got));
  same_expert(got, want);
  svf_expert_close(got);
  svf_expert_close(want);
}

START_TEST(written_experts_come_back)
{
  static const float scales[] = {2, 0.1f, 1.0f / 3, FLT_MAX, FLT_TRUE_MIN, -0.0f, 0x1.fffffep-1f};
  svf_expert_info info = {.size = sizeof info,
                          .factors = UINT64_C(0x00fedcba98765432),
                          .scale = 1,
                          .task = "caf\xc3\xa9 \"\\\n\x01",
                          .trained = ""};
  there_and_back(&info);
  info.normalise = true;
  info.task = info.trained = NULL;
  info.factors = UINT64_MAX;
  there_and_back(&info);
  info.parametrisation = SVF_PARAMETERS_SIGMOID;
  for (size_t i = 0; i < sizeof scales / sizeof *scales; ++i) {
    info.scale = scales[i];
    there_and_back(&info);
  }
  ck_assert_int_eq(temp_count(), 1); /* no temporary is left */
}
END_TEST

/* Numbers are written as JSON in every locale. Where no such locale is installed, this shows
 * nothing. */
START_TEST(locales_do_not_matter)
{
  static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
  const svf_expert_info info = {
      .size = sizeof info, .factors = 1, .parametrisation = SVF_PARAMETERS_SIGMOID, .scale = 2.5f};
  for (size_t i = 0; i < sizeof locales / sizeof *locales; ++i) {
    if (setlocale(LC_ALL, locales[i])) there_and_back(&info);
  }
  setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(the_file_is_as_documented)
{
  const float z[2] = {1, 2};
  const svf_expert_module modules[1] = {
      {.size = sizeof(svf_expert_module), .name = "m", .r = 2, .values = z}};
  const svf_expert_info info = {
      .size = sizeof info, .factors = 10, .scale = 1, .normalise = true, .task = "t"};
  const char *path = temp_path("plain.safetensors");
  svf_safetensors *file;
  ck_works(svf_expert_write(path, &info, modules, 1));
  ck_works(svf_safetensors_open(path, 0, &file));
  ck_assert_str_eq(svf_safetensors_metadata(file, "svf.format"), "1");
  ck_assert_str_eq(svf_safetensors_metadata(file, "svf.factors"), "000000000000000a");
  ck_assert_str_eq(svf_safetensors_metadata(file, "svf.parametrisation"), "direct");
  ck_assert_str_eq(svf_safetensors_metadata(file, "svf.normalise"), "1");
  ck_assert_str_eq(svf_safetensors_metadata(file, "svf.task"), "t");
  ck_assert_ptr_null(svf_safetensors_metadata(file, "svf.trained"));
  ck_assert_uint_eq(svf_safetensors_count(file), 1);
  const svf_tensor *tensor = svf_safetensors_find(file, "m.z");
  ck_assert_ptr_nonnull(tensor);
  ck_assert_int_eq(tensor->dtype, SVF_TENSOR_F32);
  ck_assert_int_eq(tensor->ndim, 1);
  ck_assert_mem_eq(tensor->data, "\0\0\x80\x3f\0\0\0\x40", 8);
  svf_safetensors_close(file);
}
END_TEST

#define META(format, factors, kind, scale, normalise)                           \
  "{\"__metadata__\":{\"svf.format\":\"" format "\",\"svf.factors\":\"" factors \
  "\",\"svf.parametrisation\":\"" kind "\",\"svf.scale\":\"" scale              \
  "\",\"svf.normalise\":\"" normalise "\"}"
#define HASH "0123456789abcdef"
#define DIRECT META("1", HASH, "direct", "1", "1")
#define TENSOR(name, dtype, shape, end) \
  ",\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[0," end "]}"
#define GOOD TENSOR("m.z", "F32", "[2]", "8")

static const char valid[] = DIRECT GOOD "}";

static const struct {
  const char *json;
  size_t data;
  svf_status status;
  const char *words;
} malformed[] = {
    {"{}", 0, SVF_ERR_FILE, "lack svf.format"},
    {"{\"__metadata__\":{}" GOOD "}", 8, SVF_ERR_FILE, "lack svf.format"},
    {"{\"__metadata__\":{\"svf.format\":\"1\"}" GOOD "}", 8, SVF_ERR_FILE, "lack svf.factors"},
    {META("2", HASH, "direct", "1", "1") GOOD "}", 8, SVF_ERR_VERSION,
     "svf.format is '2', this library reads '1'"},
    {META("\\u001b[2J", HASH, "direct", "1", "1") GOOD "}", 8, SVF_ERR_VERSION, "'\\x1b[2J'"},
    {META("1", "", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "svf.factors is ''"},
    {META("1", "0123456789abcde", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "16 digits"},
    {META("1", "0123456789abcdef0", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "16 digits"},
    {META("1", "0123456789ABCDEF", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "16 digits"},
    {META("1", "0x23456789abcdef", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "16 digits"},
    {META("1", "0000000000000000", "direct", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "not all 0"},
    {META("1", HASH, "tanh", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "'tanh', not 'direct'"},
    {META("1", HASH, "direct", "2", "1") GOOD "}", 8, SVF_ERR_FILE, "scale is 2"},
    {META("1", HASH, "direct", "", "1") GOOD "}", 8, SVF_ERR_FILE, "a JSON number"},
    {META("1", HASH, "direct", "1 2", "1") GOOD "}", 8, SVF_ERR_FILE, "a JSON number"},
    {META("1", HASH, "direct", "1,5", "1") GOOD "}", 8, SVF_ERR_FILE, "a JSON number"},
    {META("1", HASH, "direct", "nan", "1") GOOD "}", 8, SVF_ERR_FILE, "a JSON number"},
    {META("1", HASH, "direct", "[1]", "1") GOOD "}", 8, SVF_ERR_FILE, "a JSON number"},
    {META("1", HASH, "sigmoid", "1e39", "1") TENSOR("m.p", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE,
     "scale is inf"},
    {META("1", HASH, "sigmoid",
          "1.0000000000000000000000000000000000000000000000000000000000000000", "1") GOOD "}",
     8, SVF_ERR_FILE, "at most 64"},
    {META("1", HASH, "direct", "1", "true") GOOD "}", 8, SVF_ERR_FILE, "svf.normalise is 'true'"},
    {DIRECT "}", 0, SVF_ERR_FILE, "no tensor"},
    {DIRECT TENSOR("m", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE, "'m': its name is not"},
    {DIRECT TENSOR(".z", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE, "'.z': its name is not"},
    {DIRECT TENSOR("m.p", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE, "is not '<module>.z'"},
    {META("1", HASH, "sigmoid", "1", "1") GOOD "}", 8, SVF_ERR_FILE, "is not '<module>.p'"},
    {DIRECT TENSOR("m.U", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE, "'m.U'"},
    {DIRECT TENSOR("a b.z", "F32", "[2]", "8") "}", 8, SVF_ERR_FILE, "0x20"},
    {DIRECT TENSOR("m.z", "F64", "[1]", "8") "}", 8, SVF_ERR_FILE, "F64 of 1 dimensions"},
    {DIRECT TENSOR("m.z", "BF16", "[4]", "8") "}", 8, SVF_ERR_FILE, "BF16 of 1 dimensions"},
    {DIRECT TENSOR("m.z", "F32", "[1,2]", "8") "}", 8, SVF_ERR_FILE, "F32 of 2 dimensions"},
    {DIRECT TENSOR("m.z", "F32", "[]", "4") "}", 4, SVF_ERR_FILE, "F32 of 0 dimensions"},
    {DIRECT TENSOR("m.z", "F32", "[0]", "0") "}", 0, SVF_ERR_FILE, "r is 0"},
    {DIRECT TENSOR("m.z", "F32", "[2]", "8") "}", 7, SVF_ERR_FILE, "m.z"},
};

START_TEST(malformed_files)
{
  const char *path = temp_path("malformed");
  svf_expert *expert = NULL;
  temp_write_tensors(path, valid, 8);
  ck_works(svf_expert_open(path, &expert));
  ck_assert_float_eq(svf_expert_find(expert, "m")->z[0], 0x1.0402p-121f);
  svf_expert_close(expert);
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; ++i) {
    temp_write_tensors(path, malformed[i].json, malformed[i].data);
    ck_fails(svf_expert_open(path, &expert), malformed[i].status, malformed[i].words);
    ck_assert_ptr_nonnull(strstr(svf_last_message(), path));
    ck_assert_ptr_null(expert);
  }
}
END_TEST

START_TEST(values_must_be_finite)
{
  const char *path = temp_path("nan");
  unsigned char bytes[4096];
  svf_expert *expert;
  temp_write_tensors(path, valid, 8);
  FILE *file = fopen(path, "rb");
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  memcpy(bytes + size - 4, "\0\0\x80\x7f", 4);
  temp_write(path, bytes, size);
  ck_fails(svf_expert_open(path, &expert), SVF_ERR_FILE, "tensor 'm.z': element 1 is inf");
}
END_TEST

START_TEST(tensors_may_be_unaligned)
{
  static const char *const pads[] = {"", " ", "  ", "   "};
  const char *path = temp_path("unaligned");
  for (size_t i = 0; i < 4; ++i) {
    char json[sizeof valid + 4];
    svf_expert *expert;
    snprintf(json, sizeof json, "%s%s", valid, pads[i]);
    temp_write_tensors(path, json, 8);
    ck_works(svf_expert_open(path, &expert));
    svf_expert_close(expert);
  }
}
END_TEST

/* Cut off anywhere, and mutated: whatever opens is a valid expert. */
START_TEST(damaged_files)
{
  const char *path = temp_path("damaged");
  unsigned char bytes[4096], mutant[4096];
  svf_expert *expert;
  uint32_t state = 1;
  unsigned opened = 0;
  temp_write_tensors(path, valid, 8);
  FILE *file = fopen(path, "rb");
  const size_t size = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  for (size_t cut = 0; cut < size; ++cut) {
    temp_write(path, bytes, cut);
    ck_fails(svf_expert_open(path, &expert), SVF_ERR_FILE, path);
  }
  for (int turn = 0; turn < 1000; ++turn) {
    memcpy(mutant, bytes, size);
    for (int i = 0; i <= turn % 3; ++i) {
      state = state * 1664525u + 1013904223u;
      mutant[(state >> 8) % size] = (unsigned char)(state >> 24);
    }
    temp_write(path, mutant, size);
    if (svf_expert_open(path, &expert) != SVF_OK) continue;
    ++opened;
    for (size_t i = 0; i < svf_expert_count(expert); ++i) {
      const svf_expert_module *m = svf_expert_at(expert, i);
      for (size_t k = 0; k < m->r; ++k) ck_assert(isfinite(m->z[k]));
    }
    svf_expert_close(expert);
  }
  ck_assert_uint_gt(opened, 0);
}
END_TEST

/* Sparse, so that it takes no space on the disk. */
START_TEST(files_that_are_too_long)
{
  const char *path = temp_path("long");
  svf_expert *expert;
  temp_write_tensors(path, valid, 8);
  ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
  ck_fails(svf_expert_open(path, &expert), SVF_ERR_FILE, "1099511627776 bytes");
}
END_TEST

START_TEST(misuse)
{
  const float one = 1;
  const svf_expert_module modules[1] = {
      {.size = sizeof(svf_expert_module), .name = "m", .r = 1, .values = &one}};
  svf_expert_info info = {.size = sizeof info, .factors = 1, .scale = 1};
  const char *path = temp_path("misuse");
  svf_expert *expert;
  ck_fails(svf_expert_open(NULL, &expert), SVF_ERR_NULL, "path");
  ck_fails(svf_expert_open(path, NULL), SVF_ERR_NULL, "expert");
  ck_fails(svf_expert_open(path, &expert), SVF_ERR_IO, path);
  ck_fails(svf_expert_open(temp_root, &expert), SVF_ERR_IO, "not a regular file");
  ck_fails(svf_expert_write(NULL, &info, modules, 1), SVF_ERR_NULL, "path");
  ck_fails(svf_expert_write(temp_path("no/where"), &info, modules, 1), SVF_ERR_IO, "no/where");
  ck_fails(svf_expert_write(path, &info, modules, 0), SVF_ERR_ARGUMENT, "no module");
  ck_works(svf_expert_write(path, &info, modules, 1));
  info.factors = 0;
  ck_fails(svf_expert_write(path, &info, modules, 1), SVF_ERR_ARGUMENT, "factors");
  ck_works(svf_expert_open(path, &expert)); /* what was there is left alone */
  svf_expert_close(expert);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {written_experts_come_back,
                                locales_do_not_matter,
                                the_file_is_as_documented,
                                malformed_files,
                                values_must_be_finite,
                                tensors_may_be_unaligned,
                                damaged_files,
                                files_that_are_too_long,
                                misuse};
  temp_make();
  const int result = run_suite("expert_file", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
