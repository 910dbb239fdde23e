/* SPDX-License-Identifier: Apache-2.0
 *
 * What is written can be read, what could not be read is refused. */
#define _GNU_SOURCE
#include <stdint.h>

#include <svf/safetensors.h>

#include "src/io/safetensors_header.h"
#include "tests/io/temp.h"

enum { SIZE = sizeof(svf_safetensors_entry) };

static const svf_safetensors_entry entries[] = {
    {SIZE, "model.layer.U", SVF_TENSOR_F32, 2, {16, 4}},
    {SIZE, "model.layer.S", SVF_TENSOR_F32, 1, {16}},
    {SIZE, "scalar", SVF_TENSOR_U8, 0, {0}},
    {SIZE, "empty", SVF_TENSOR_F16, 3, {5, 0, 7}},
    {SIZE, "caf\xc3\xa9 \"\\\n", SVF_TENSOR_BF16, 1, {3}},
};

enum { ENTRIES = sizeof entries / sizeof *entries, BYTES = 256 + 64 + 1 + 6 };

static const svf_safetensors_pair pairs[] = {
    {"format", "pt"}, {"empty", ""}, {"\xe2\x82\xac", "a\"\n\x01"}};

static void fill(unsigned char *data)
{
  for (int i = 0; i < BYTES; ++i) data[i] = (unsigned char)(i * 7 + 1);
}

static void write_in_pieces(const char *path, size_t piece)
{
  unsigned char data[BYTES];
  svf_safetensors_writer *writer;
  fill(data);
  ck_works(svf_safetensors_create(path, entries, ENTRIES, pairs, 3, &writer));
  for (size_t at = 0; at < BYTES; at += piece) {
    ck_works(svf_safetensors_append(writer, data + at, piece < BYTES - at ? piece : BYTES - at));
  }
  ck_works(svf_safetensors_append(writer, NULL, 0));
  ck_works(svf_safetensors_commit(&writer));
  ck_assert_ptr_null(writer);
}

static void check(const char *path, unsigned flags)
{
  unsigned char data[BYTES];
  svf_safetensors *file;
  size_t at = 0;
  fill(data);
  ck_works(svf_safetensors_open(path, flags, &file));
  ck_assert_uint_eq(svf_safetensors_count(file), ENTRIES);
  for (int i = 0; i < ENTRIES; ++i) {
    const svf_tensor *t = svf_safetensors_find(file, entries[i].name);
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(t->dtype, entries[i].dtype);
    ck_assert_int_eq(t->ndim, entries[i].ndim);
    for (int d = 0; d < t->ndim; ++d) ck_assert_uint_eq(t->shape[d], entries[i].shape[d]);
    ck_assert_mem_eq(t->data, data + at, t->bytes);
    if (at % 64 == 0) ck_assert_uint_eq((uintptr_t)t->data % 64, 0);
    at += t->bytes;
  }
  ck_assert_uint_eq(at, BYTES);
  for (int i = 0; i < 3; ++i) {
    ck_assert_str_eq(svf_safetensors_metadata(file, pairs[i].key), pairs[i].value);
  }
  svf_safetensors_close(file);
}

START_TEST(round_trip)
{
  static const size_t pieces[] = {1, 7, 64, 100, BYTES};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; ++i) {
    write_in_pieces(temp_path("file"), pieces[i]); /* the second and later ones replace it */
    for (unsigned flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags)
      check(temp_path("file"), flags);
  }
  ck_assert_int_eq(temp_count(), 1); /* no temporary is left */
}
END_TEST

/* Names of every length move the end of the JSON past every place in 64 bytes. */
START_TEST(data_begins_at_64)
{
  char name[80] = "";
  for (int i = 0; i < 70; ++i) {
    const svf_safetensors_entry entry = {SIZE, name, SVF_TENSOR_U8, 1, {1}};
    svf_safetensors_writer *writer;
    svf_safetensors *file;
    ck_works(svf_safetensors_create(temp_path("file"), &entry, 1, NULL, 0, &writer));
    ck_works(svf_safetensors_append(writer, "x", 1));
    ck_works(svf_safetensors_commit(&writer));
    ck_works(svf_safetensors_open(temp_path("file"), 0, &file));
    const svf_tensor *t = svf_safetensors_find(file, name);
    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq((uintptr_t)t->data % 64, 0);
    svf_safetensors_close(file);
    name[i] = 'n';
  }
}
END_TEST

START_TEST(nothing_at_all)
{
  svf_safetensors_writer *writer;
  svf_safetensors *file;
  ck_works(svf_safetensors_create(temp_path("none"), NULL, 0, NULL, 0, &writer));
  ck_works(svf_safetensors_commit(&writer));
  ck_works(svf_safetensors_open(temp_path("none"), 0, &file));
  ck_assert_uint_eq(svf_safetensors_count(file), 0);
  svf_safetensors_close(file);
  unlink(temp_path("none"));
}
END_TEST

/* Most tensors of most dimensions with the largest numbers that the limits allow: the reader's cap
 * on values must not refuse it. */
START_TEST(as_many_as_there_may_be)
{
  const size_t count = SVF_SAFETENSORS_MAX_TENSORS - 1;
  svf_safetensors_entry *many = calloc(count + 1, sizeof *many);
  char(*names)[8] = calloc(count + 1, sizeof *names);
  svf_safetensors_writer *writer;
  svf_safetensors *file;
  ck_assert(many && names);
  for (size_t i = 0; i <= count; ++i) {
    snprintf(names[i], sizeof names[i], "%zx", i);
    many[i] =
        (svf_safetensors_entry){SIZE, names[i], SVF_TENSOR_U8, 8, {1, 1, 1, 1, 1, 1, 1, i == 0}};
  }
  ck_works(svf_safetensors_create(temp_path("many"), many, count, pairs, 3, &writer));
  ck_works(svf_safetensors_append(writer, "", 1));
  ck_works(svf_safetensors_commit(&writer));
  ck_works(svf_safetensors_open(temp_path("many"), 0, &file));
  ck_assert_uint_eq(svf_safetensors_count(file), count);
  svf_safetensors_close(file);
  unlink(temp_path("many"));
  ck_fails(svf_safetensors_create(temp_path("many"), many, count + 1, NULL, 0, &writer),
           SVF_ERR_ARGUMENT, "262144");
  free(many);
  free(names);
}
END_TEST

static char long_name[SVF_SAFETENSORS_MAX_NAME + 2];

START_TEST(refused)
{
  memset(long_name, 'n', SVF_SAFETENSORS_MAX_NAME + 1);
  const struct {
    svf_safetensors_entry entry;
    svf_status status;
    const char *words;
  } bad[] = {
      {{SIZE, NULL, SVF_TENSOR_U8, 1, {1}}, SVF_ERR_NULL, "tensor 1"},
      {{SIZE, "a", SVF_TENSOR_U8, 1, {1}}, SVF_ERR_ARGUMENT, "'a': its name is there already"},
      {{SIZE, "__metadata__", SVF_TENSOR_U8, 1, {1}}, SVF_ERR_ARGUMENT, "__metadata__"},
      {{SIZE, long_name, SVF_TENSOR_U8, 1, {1}}, SVF_ERR_ARGUMENT, "1025"},
      {{SIZE, "\xff", SVF_TENSOR_U8, 1, {1}}, SVF_ERR_ARGUMENT, "UTF-8"},
      {{SIZE, "b", (svf_tensor_type)22, 1, {1}}, SVF_ERR_ARGUMENT, "dtype is 22"},
      {{SIZE, "b", (svf_tensor_type)-1, 1, {1}}, SVF_ERR_ARGUMENT, "dtype is -1"},
      {{SIZE, "b", SVF_TENSOR_U8, 9, {1}}, SVF_ERR_ARGUMENT, "ndim is 9"},
      {{SIZE, "b", SVF_TENSOR_U8, -1, {1}}, SVF_ERR_ARGUMENT, "ndim is -1"},
      {{SIZE, "b", SVF_TENSOR_U8, 2, {SIZE_MAX, 2}}, SVF_ERR_OVERFLOW, "tensor 1 'b'"},
      {{SIZE, "b", SVF_TENSOR_F32, 2, {SIZE_MAX / 2, 0}}, SVF_ERR_OVERFLOW, "tensor 1 'b'"},
      {{SIZE, "b", SVF_TENSOR_U8, 2, {SIZE_MAX, 0}}, SVF_ERR_OVERFLOW, "tensor 1 'b'"},
      {{SIZE, "b", SVF_TENSOR_U8, 1, {INT64_MAX}}, SVF_ERR_OVERFLOW, "4 bytes before"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    const svf_safetensors_entry two[] = {{SIZE, "a", SVF_TENSOR_F32, 1, {1}}, bad[i].entry};
    svf_safetensors_writer *writer;
    memset(&writer, 1, sizeof writer); /* must become NULL */
    ck_fails(svf_safetensors_create(temp_path("bad"), two, 2, NULL, 0, &writer), bad[i].status,
             bad[i].words);
    ck_assert_ptr_nonnull(strstr(svf_last_message(), "/bad"));
    ck_assert_ptr_null(writer);
  }
  const svf_safetensors_entry sizes[2] = {entries[0], {.name = "b"}};
  svf_safetensors_writer *none;
  ck_fails(svf_safetensors_create(temp_path("bad"), sizes, 2, NULL, 0, &none), SVF_ERR_VERSION,
           "entries[1].size is 0");
  static const svf_safetensors_pair bad_pairs[][2] = {{{"k", "v"}, {"k", "w"}},
                                                      {{"k", "v"}, {"\xc0\x80", "v"}},
                                                      {{"k", "v"}, {"l", "\xed\xa0\x80"}}};
  svf_safetensors_writer *writer;
  for (int i = 0; i < 3; ++i) {
    ck_fails(svf_safetensors_create(temp_path("bad"), entries, 1, bad_pairs[i], 2, &writer),
             SVF_ERR_ARGUMENT, "metadata 1");
  }
  static const svf_safetensors_pair null_pairs[] = {{NULL, "v"}, {"k", NULL}};
  for (int i = 0; i < 2; ++i) {
    ck_fails(svf_safetensors_create(temp_path("bad"), entries, 1, &null_pairs[i], 1, &writer),
             SVF_ERR_NULL, "metadata 0");
  }
  ck_assert_int_ne(access(temp_path("bad"), F_OK), 0);
}
END_TEST

START_TEST(too_much_too_little)
{
  const svf_safetensors_entry entry = {SIZE, "t", SVF_TENSOR_U8, 1, {4}};
  const int before = temp_count();
  svf_safetensors_writer *writer;
  ck_works(svf_safetensors_create(temp_path("count"), &entry, 1, NULL, 0, &writer));
  ck_assert_int_eq(temp_count(), before + 1);
  ck_fails(svf_safetensors_append(writer, "12345", 5), SVF_ERR_ARGUMENT,
           "5 bytes more, but 4 of its 4");
  ck_works(svf_safetensors_append(writer, "123", 3));
  ck_fails(svf_safetensors_append(writer, "45", 2), SVF_ERR_ARGUMENT,
           "2 bytes more, but 1 of its 4");
  ck_fails(svf_safetensors_commit(&writer), SVF_ERR_ARGUMENT, "3 of its 4");
  ck_fails(svf_safetensors_append(writer, NULL, 1), SVF_ERR_NULL, "data");
  svf_safetensors_discard(&writer);
  ck_assert_ptr_null(writer);
  ck_assert_int_eq(temp_count(), before);
  svf_safetensors_discard(&writer);
  svf_safetensors_discard(NULL);
  ck_fails(svf_safetensors_commit(&writer), SVF_ERR_NULL, "writer");
  ck_fails(svf_safetensors_commit(NULL), SVF_ERR_NULL, "writer");
  ck_fails(svf_safetensors_append(NULL, "", 1), SVF_ERR_NULL, "writer");
  ck_fails(svf_safetensors_create(NULL, &entry, 1, NULL, 0, &writer), SVF_ERR_NULL, "path");
  ck_fails(svf_safetensors_create("x", &entry, 1, NULL, 0, NULL), SVF_ERR_NULL, "writer");
  ck_fails(svf_safetensors_create("x", NULL, 1, NULL, 0, &writer), SVF_ERR_NULL, "entries");
  ck_fails(svf_safetensors_create("x", &entry, 1, NULL, 1, &writer), SVF_ERR_NULL, "metadata");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {round_trip, data_begins_at_64,   nothing_at_all,
                                refused,    too_much_too_little, as_many_as_there_may_be};
  temp_make();
  const int result = run_suite("st_write", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
