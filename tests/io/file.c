/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading, replacing and parsing whole files, and strings from outside. */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "src/io/file.h"
#include "src/io/json.h"
#include "src/io/output.h"
#include "src/io/text.h"
#include "tests/io/temp.h"

START_TEST(read_whole)
{
  char *data;
  size_t bytes;
  temp_write(temp_path("a"), "ab\0c", 4);
  ck_works(svf_file_read(temp_path("a"), 4, &data, &bytes));
  ck_assert_uint_eq(bytes, 4);
  ck_assert_mem_eq(data, "ab\0c", 5); /* terminated */
  free(data);
  ck_fails(svf_file_read(temp_path("a"), 3, &data, &bytes), SVF_ERR_FILE,
           "/a: the file has 4 bytes, the limit is 3");
  temp_write(temp_path("empty"), "", 0);
  ck_works(svf_file_read(temp_path("empty"), 0, &data, &bytes));
  ck_assert_uint_eq(bytes, 0);
  free(data);
  ck_fails(svf_file_read(temp_path("none"), 9, &data, &bytes), SVF_ERR_IO,
           "/none: cannot open: No");
  ck_fails(svf_file_read(temp_root, 9, &data, &bytes), SVF_ERR_IO, "not a regular file");
  ck_assert_int_eq(mkfifo(temp_path("fifo"), 0600), 0); /* does not wait for a writer */
  ck_fails(svf_file_read(temp_path("fifo"), 9, &data, &bytes), SVF_ERR_IO, "not a regular file");
  ck_fails(svf_file_read("/dev/zero", 9, &data, &bytes), SVF_ERR_IO, "not a regular file");
}
END_TEST

static void ck_content(const char *path, const char *text)
{
  char *data;
  size_t bytes;
  ck_works(svf_file_read(path, 100, &data, &bytes));
  ck_assert_str_eq(data, text);
  free(data);
}

START_TEST(replace)
{
  char here[512];
  const char *const path = temp_path("r");
  const int before = temp_count();
  ck_works(svf_output_replace(path, "first", 5));
  ck_content(path, "first");
  ck_works(svf_output_replace(path, "2", 1));
  ck_content(path, "2");
  ck_assert_int_eq(temp_count(), before + 1);

  ck_assert_ptr_nonnull(getcwd(here, sizeof here)); /* a path without a directory */
  ck_assert_int_eq(chdir(temp_root), 0);
  ck_works(svf_output_replace("r", "bare", 4));
  ck_assert_int_eq(chdir(here), 0);
  ck_content(path, "bare");

  ck_assert_int_eq(symlink("r", temp_path("link")), 0);
  ck_works(svf_output_replace(temp_path("link"), "own", 3));
  ck_content(temp_path("link"), "own");
  ck_content(path, "bare");

  ck_assert_int_eq(mkdir(temp_path("dir"), 0700), 0);
  ck_fails(svf_output_replace(temp_path("dir"), "", 0), SVF_ERR_IO, "/dir: is there and not a");
  ck_fails(svf_output_replace(temp_path("dir/"), "", 0), SVF_ERR_ARGUMENT, "name of a file");
  ck_fails(svf_output_replace(temp_path("dir/.."), "", 0), SVF_ERR_ARGUMENT, "name of a file");
  ck_fails(svf_output_replace("", "", 0), SVF_ERR_ARGUMENT, "name of a file");
  ck_fails(svf_output_replace(temp_path("no/file"), "", 0), SVF_ERR_IO,
           "cannot open the directory");
  ck_fails(svf_output_replace("/dev/null", "", 0), SVF_ERR_IO, "not a regular file");
}
END_TEST

START_TEST(long_names)
{
  char name[256];
  memset(name, 'n', 255);
  name[255] = 0;
  ck_works(svf_output_replace(temp_path("%s", name), "long", 4)); /* its temporary's is shortened */
  ck_content(temp_path("%s", name), "long");
}
END_TEST

/* Two writers of one file: the last commit wins, and both are whole. */
START_TEST(two_writers)
{
  svf_output *a, *b;
  ck_works(svf_output_open(temp_path("two"), &a));
  ck_works(svf_output_open(temp_path("two"), &b));
  ck_works(svf_output_write(a, "aaa", 3));
  ck_works(svf_output_write(b, "b", 1));
  ck_works(svf_output_commit(&a));
  ck_content(temp_path("two"), "aaa");
  ck_works(svf_output_commit(&b));
  ck_content(temp_path("two"), "b");
}
END_TEST

START_TEST(json)
{
  json_t *root;
  temp_write_text(temp_path("j"), "{\"a\": [1, 2.5, \"x\"]}\n");
  ck_works(svf_json_read(temp_path("j"), 100, &root));
  ck_assert_uint_eq(json_array_size(json_object_get(root, "a")), 3);
  json_decref(root);
  static const char *const bad[] = {"",
                                    "[]",
                                    "x",
                                    "{",
                                    "{}x",
                                    "{\"a\":1,\"a\":1}",
                                    "{\"a\":nan}",
                                    "{\"a\":NaN0}",
                                    "{\"a\":+Infinity}",
                                    "{\"a\":Infinity",
                                    "{\"\xff\"}",
                                    "{\"a\\u0000\":1,\"a\\u0000\":2}",
                                    "{\"a\\u000\":1}",
                                    "{1:2}",
                                    "{99999999999999999999 :2}",
                                    "{NaN:1}",
                                    "{\"a\":0",
                                    "{\"a\\"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    temp_write_text(temp_path("j"), bad[i]);
    ck_fails(svf_json_read(temp_path("j"), 100, &root), SVF_ERR_FILE, "/j: the file ");
    ck_assert_ptr_null(root);
  }
  ck_fails(svf_json_read(temp_path("j"), 3, &root), SVF_ERR_FILE, "limit is 3");
  ck_fails(svf_json_read(temp_path("none"), 3, &root), SVF_ERR_IO, "cannot open");
}
END_TEST

START_TEST(json_limits)
{
  const svf_json_limits limits = {.what = "it", .depth = 3, .values = 3};
  static const struct {
    const char *json;
    const char *words; /* NULL: works */
  } cases[] = {{"{\"a\":[[1,2]]}", NULL},
               {"{\"a\":[[[1]]]}", "it nests deeper than 3"},
               {"{\"a\":[1,2,3]}", NULL},
               {"{\"a\":[1,2,3,4]}", "it has more than 3 values"},
               {"{\"a\":\"[[[[,,,,\\\"[[[[,,,,\"}", NULL},
               {"{\"a\":\"\\\\\",\"b\":[[[1]]]}", "deeper"},
               {"{\"a\":[[]],\"b\":[[]],\"c\":[[]]}", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    json_t *root;
    const size_t bytes = strlen(cases[i].json);
    if (cases[i].words) {
      ck_fails(svf_json_parse(cases[i].json, bytes, &limits, &root), SVF_ERR_FILE, cases[i].words);
    } else {
      ck_works(svf_json_parse(cases[i].json, bytes, &limits, &root));
      json_decref(root);
    }
  }
}
END_TEST

START_TEST(json_sizes)
{
  size_t size = 0;
  json_t *values = json_pack("[I,I,i,f,s]", (json_int_t)INT64_MAX, (json_int_t)0, -1, 1.0, "1");
  ck_assert(svf_json_size(json_array_get(values, 0), &size) && size == INT64_MAX);
  ck_assert(svf_json_size(json_array_get(values, 1), &size) && size == 0);
  for (size_t i = 2; i < 6; ++i) ck_assert(!svf_json_size(json_array_get(values, i), &size));
  json_decref(values);
}
END_TEST

START_TEST(utf8)
{
  static const char *const good[] = {"",
                                     "abc",
                                     "\x7f",
                                     "\xc2\x80",
                                     "\xdf\xbf",
                                     "\xe0\xa0\x80",
                                     "\xed\x9f\xbf",
                                     "\xee\x80\x80",
                                     "\xef\xbf\xbf",
                                     "\xf0\x90\x80\x80",
                                     "\xf4\x8f\xbf\xbf",
                                     "a\xe2\x82\xac!"};
  static const char *const bad[] = {"\x80",
                                    "\xc0\x80",
                                    "\xc1\xbf",
                                    "\xc2",
                                    "\xe0\x9f\xbf",
                                    "\xe2\x82",
                                    "\xed\xa0\x80",
                                    "\xed\xbf\xbf",
                                    "\xf0\x8f\xbf\xbf",
                                    "\xf4\x90\x80\x80",
                                    "\xf5\x80\x80\x80",
                                    "\xff",
                                    "a\xc3(b",
                                    "\xf0\x90\x80"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) ck_assert(svf_text_is_utf8(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) ck_assert(!svf_text_is_utf8(bad[i]));
}
END_TEST

START_TEST(file_names)
{
  char name[257];
  memset(name, 'n', 256);
  name[256] = 0;
  static const char *const good[] = {"a", "...", "..a", ".a", "model-1.safetensors", "\xc3\xa9"};
  static const char *const bad[] = {"", ".", "..", "/", "/a", "a/b", "../a", "a/", "a\nb", "\x7f"};
  for (size_t i = 0; i < sizeof good / sizeof *good; ++i) ck_assert(svf_text_is_file_name(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) ck_assert(!svf_text_is_file_name(bad[i]));
  ck_assert(!svf_text_is_file_name(name));
  ck_assert(svf_text_is_file_name(name + 1));
  ck_assert(svf_text_ends_in("a.json", ".json") && !svf_text_ends_in(".json", ".json"));
  ck_assert(!svf_text_ends_in("json", ".json") && !svf_text_ends_in("a.json5", ".json"));
  ck_assert_str_eq(svf_text_show("a\x1b[31m\xff").text, "a\\x1b[31m\\xff");
  ck_assert_str_eq(svf_text_show("\xe4\xb8\x80-\xed\x9f\xbf\n").text,
                   "\xe4\xb8\x80-\xed\x9f\xbf\\x0a");
  ck_assert_str_eq(svf_text_show("\xe2\x80\xae\xc2\x9b\xe4\xb8").text, "\\u202e\\u009b\\xe4\\xb8");
  ck_assert_uint_eq(strlen(svf_text_show(name).text), 79);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {read_whole,  replace,    long_names, two_writers, json,
                                json_limits, json_sizes, utf8,       file_names};
  temp_make();
  const int result = run_suite("file", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
