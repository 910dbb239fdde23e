/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of models: single files, shards, and all ways in which an index, a shard or a link
 * may lie. */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "src/io/checkpoint.h"
#include "src/io/checkpoint_index.h"
#include "tests/io/temp.h"

/* One tensor of U8 [bytes] for each name, one letter long. */
static void write_shard(const char *path, const char *names, int bytes)
{
  char json[2048] = "{\"__metadata__\":{\"format\":\"pt\"}";
  for (int i = 0; names[i]; ++i) {
    snprintf(json + strlen(json), sizeof json - strlen(json),
             ",\"%c\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[%d,%d]}", names[i], bytes,
             i * bytes, (i + 1) * bytes);
  }
  strcat(json, "}");
  temp_write_tensors(path, json, strlen(names) * (size_t)bytes);
}

/* A fresh directory below the root, "dir" in what follows. */
static void fresh_dir(void)
{
  temp_remove();
  ck_assert_int_eq(mkdir(temp_root, 0700), 0);
  ck_assert_int_eq(mkdir(temp_path("dir"), 0700), 0);
}

static void write_index(const char *json)
{
  temp_write_text(temp_path("dir/model.safetensors.index.json"), json);
}

static const char two_shards[] =
    "{\"metadata\":{\"total_size\":12,\"note\":\"text\"},"
    "\"weight_map\":{\"c\":\"one\",\"a\":\"two\",\"b\":\"one\"}}";

static void write_two_shards(void)
{
  fresh_dir();
  write_index(two_shards);
  write_shard(temp_path("dir/one"), "cb", 4);
  write_shard(temp_path("dir/two"), "a", 4);
}

START_TEST(single)
{
  svf_checkpoint *c;
  fresh_dir();
  write_shard(temp_path("dir/model.safetensors"), "zax", 2);
  write_index(two_shards); /* not looked at */
  for (unsigned flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags) {
    ck_works(svf_checkpoint_open(temp_path("dir"), flags, &c));
    ck_assert_uint_eq(svf_checkpoint_count(c), 3);
    ck_assert_str_eq(svf_checkpoint_at(c, 0)->name, "a");
    ck_assert_str_eq(svf_checkpoint_at(c, 2)->name, "z");
    ck_assert_ptr_null(svf_checkpoint_at(c, 3));
    const svf_tensor *x = svf_checkpoint_find(c, "x");
    ck_assert_uint_eq(*(const unsigned char *)x->data, 4);
    ck_assert_ptr_null(svf_checkpoint_find(c, "b"));
    ck_assert_str_eq(svf_checkpoint_file(c, x), temp_path("dir/model.safetensors"));
    ck_assert_str_eq(svf_checkpoint_list(c), temp_path("dir/model.safetensors"));
    ck_assert_str_eq(svf_checkpoint_metadata(c, "format"), "pt");
    ck_assert_ptr_null(svf_checkpoint_metadata(c, "note"));
    svf_checkpoint_close(c);
  }
  svf_checkpoint_close(NULL);
}
END_TEST

START_TEST(sharded)
{
  svf_checkpoint *c;
  write_two_shards();
  for (unsigned flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags) {
    ck_works(svf_checkpoint_open(temp_path("dir"), flags, &c));
    ck_assert_uint_eq(svf_checkpoint_count(c), 3);
    for (size_t i = 0; i < 3; ++i) {
      static const unsigned char first[] = {0, 4, 0};
      const svf_tensor *t = svf_checkpoint_at(c, i);
      const char name[2] = {(char)('a' + i), 0};
      ck_assert_str_eq(t->name, name);
      ck_assert_ptr_eq(svf_checkpoint_find(c, name), t);
      ck_assert_uint_eq(*(const unsigned char *)t->data, first[i]);
      ck_assert_str_eq(svf_checkpoint_file(c, t), temp_path("dir/%s", i ? "one" : "two"));
    }
    ck_assert_str_eq(svf_checkpoint_list(c), temp_path("dir/model.safetensors.index.json"));
    ck_assert_str_eq(svf_checkpoint_metadata(c, "note"), "text");
    ck_assert_ptr_null(svf_checkpoint_metadata(c, "total_size"));
    svf_checkpoint_close(c);
  }
}
END_TEST

/* White space, and values that nobody reads. */
START_TEST(unusual_indices)
{
  static const char *const cases[] = {
      " \n\t\r{\"weight_map\":{\"a\":\"two\",\"b\":\"one\",\"c\":\"one\"}}\n ",
      "\n{\"metadata\":{\"a\":NaN,\"total_size\":-Infinity,\"b\":1e400},"
      "\"weight_map\":{\"a\":\"two\",\"b\":\"one\",\"c\":\"one\"}}",
      "\t{\"metadata\":{\"total_size\":1000000000000000019884624838656,\"a\":\"\\u0000\"},"
      "\"weight_map\":{\"a\":\"two\",\"b\":\"one\",\"c\":\"one\"}}"};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    svf_checkpoint *c;
    write_two_shards();
    write_index(cases[i]);
    ck_works(svf_checkpoint_open(temp_path("dir"), 0, &c));
    ck_assert_uint_eq(svf_checkpoint_count(c), 3);
    svf_checkpoint_close(c);
  }
}
END_TEST

static void ck_refused(svf_status status, const char *words)
{
  svf_checkpoint *c;
  memset(&c, 1, sizeof c); /* must become NULL */
  ck_fails(svf_checkpoint_open(temp_path("dir"), 0, &c), status, words);
  ck_assert_ptr_null(c);
  ck_assert_ptr_nonnull(strstr(svf_last_message(), "dir"));
}

START_TEST(shards_that_disagree)
{
  write_two_shards();
  write_shard(temp_path("dir/one"), "c", 4);
  ck_refused(SVF_ERR_FILE, "dir/one: lacks tensor 'b'");
  write_shard(temp_path("dir/one"), "cbd", 4);
  ck_refused(SVF_ERR_FILE, "dir/one: tensor 'd' is not in the index");
  write_shard(temp_path("dir/one"), "cba", 4); /* in both shards */
  ck_refused(SVF_ERR_FILE, "dir/one: tensor 'a', which the index places in 'two'");
  unlink(temp_path("dir/one"));
  ck_refused(SVF_ERR_IO, "dir/one: cannot open: No such file");
  mkdir(temp_path("dir/one"), 0700);
  ck_refused(SVF_ERR_IO, "dir/one: not a regular file");
  rmdir(temp_path("dir/one"));
  temp_write(temp_path("dir/one"), "short", 5);
  ck_refused(SVF_ERR_FILE, "dir/one: the file has 5 bytes");
}
END_TEST

START_TEST(no_model)
{
  svf_checkpoint *c;
  fresh_dir();
  ck_refused(SVF_ERR_IO, "has neither model.safetensors nor model.safetensors.index.json");
  ck_fails(svf_checkpoint_open(temp_path("none"), 0, &c), SVF_ERR_IO, "/none: cannot open");
  write_two_shards();
  ck_fails(svf_checkpoint_open(temp_path("dir"), 2, &c), SVF_ERR_ARGUMENT, "flags is 0x2");
  ck_fails(svf_checkpoint_open(temp_path("dir/one"), 0, &c), SVF_ERR_IO, "/one: cannot open");
}
END_TEST

/* Names that lead out of the directory are refused by the index alone, whatever is there. */
START_TEST(hostile_names)
{
  static const char *const names[] = {"../one", "/etc/passwd", "..",     ".",
                                      "",       "sub/one",     "./one",  "one/",
                                      "one\\n", "a\\u007f",    "\\/one", "one/../one"};
  char long_name[300];
  write_two_shards();
  write_shard(temp_path("one"), "cb", 4);
  for (size_t i = 0; i <= sizeof names / sizeof *names; ++i) {
    char json[600];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    snprintf(json, sizeof json, "{\"weight_map\":{\"c\":\"%s\"}}",
             i < sizeof names / sizeof *names ? names[i] : long_name);
    write_index(json);
    ck_refused(SVF_ERR_FILE, "is not the name of a file beside it");
  }
  static const char *const others[] = {"{}",
                                       "{\"weight_map\":[]}",
                                       "{\"weight_map\":{}}",
                                       "{\"weight_map\":{\"a\":1}}",
                                       "{\"weight_map\":{\"a\":null}}",
                                       "{\"weight_map\":{\"a\":[\"one\"]}}",
                                       "{\"weight_map\":{\"a\":\"one\",\"a\":\"two\"}}",
                                       "{\"weight_map\":{\"a\":\"one\\u0000\"}}",
                                       "{\"metadata\":1,\"weight_map\":{\"a\":\"one\"}}",
                                       "[]",
                                       ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; ++i) {
    write_index(others[i]);
    ck_refused(SVF_ERR_FILE, "model.safetensors.index.json: ");
  }
}
END_TEST

/* hub/snapshots/rev is a directory of links to hub/blobs, as the cache of Hugging Face. */
static void write_cache(const char *link)
{
  temp_remove();
  ck_assert_int_eq(mkdir(temp_root, 0700), 0);
  mkdir(temp_path("hub"), 0700);
  mkdir(temp_path("hub/blobs"), 0700);
  mkdir(temp_path("hub/snapshots"), 0700);
  mkdir(temp_path("hub/snapshots/rev"), 0700);
  write_shard(temp_path("hub/blobs/c0ffee"), "a", 4);
  write_shard(temp_path("outside"), "a", 4);
  write_shard(temp_path("hub/snapshots/outside"), "a", 4);
  ck_assert_int_eq(symlink(link, temp_path("hub/snapshots/rev/model.safetensors")), 0);
}

START_TEST(links_of_the_cache)
{
  svf_checkpoint *c;
  write_cache("../../blobs/c0ffee");
  ck_works(svf_checkpoint_open(temp_path("hub/snapshots/rev"), 0, &c));
  ck_assert_uint_eq(svf_checkpoint_count(c), 1);
  svf_checkpoint_close(c);
  ck_assert_int_eq(symlink("hub/snapshots/rev", temp_path("dir")), 0); /* the caller's own link */
  ck_works(svf_checkpoint_open(temp_path("dir"), 0, &c));
  svf_checkpoint_close(c);
}
END_TEST

/* One step, and to a regular file of the same directory. */
START_TEST(links_beside)
{
  svf_checkpoint *c;
  const char *const dir = "hub/snapshots/rev";
  write_cache("weights");
  write_shard(temp_path("hub/snapshots/rev/weights"), "a", 4);
  ck_works(svf_checkpoint_open(temp_path("%s", dir), 0, &c));
  ck_assert_uint_eq(svf_checkpoint_count(c), 1);
  svf_checkpoint_close(c);
  write_two_shards(); /* a shard, and the index */
  ck_assert_int_eq(rename(temp_path("dir/one"), temp_path("dir/first")), 0);
  ck_assert_int_eq(symlink("first", temp_path("dir/one")), 0);
  ck_works(svf_checkpoint_open(temp_path("dir"), 0, &c));
  ck_assert_uint_eq(svf_checkpoint_count(c), 3);
  svf_checkpoint_close(c);
  unlink(temp_path("dir/model.safetensors.index.json"));
  temp_write_text(temp_path("dir/list"), two_shards);
  ck_assert_int_eq(symlink("list", temp_path("dir/model.safetensors.index.json")), 0);
  ck_works(svf_checkpoint_open(temp_path("dir"), SVF_SAFETENSORS_NO_MMAP, &c));
  ck_assert_uint_eq(svf_checkpoint_count(c), 3);
  svf_checkpoint_close(c);
  write_cache("model.safetensors"); /* itself */
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "that it links to");
  write_cache("further");
  ck_assert_int_eq(symlink("../outside", temp_path("hub/snapshots/rev/further")), 0);
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "that it links to");
  write_cache("sub");
  mkdir(temp_path("hub/snapshots/rev/sub"), 0700);
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "not a regular file");
  write_cache("gone");
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "No such file");
}
END_TEST

START_TEST(links_elsewhere)
{
  svf_checkpoint *c;
  const char *const dir = "hub/snapshots/rev";
  char absolute[600];
  snprintf(absolute, sizeof absolute, "%s", temp_path("outside"));
  const char *const links[] = {"../../../outside",          "../outside",        absolute,
                               "../../blobs/../../outside", "../../blobs/",      "../../blobs/..",
                               "../../blobs/./c0ffee",      "../../blobsc0ffee", "./model",
                               "../../../hub/blobs/c0ffee"};
  for (size_t i = 0; i < sizeof links / sizeof *links; ++i) {
    write_cache(links[i]);
    ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_FILE,
             "model.safetensors: a symbolic link to");
  }
  write_cache("../../blobs/link"); /* in the right place, but a link onwards */
  ck_assert_int_eq(symlink("../../outside", temp_path("hub/blobs/link")), 0);
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "that it links to");
  write_cache("../../blobs/sub");
  mkdir(temp_path("hub/blobs/sub"), 0700);
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "not a regular file");
  write_cache("../../blobs/gone");
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "No such file");

  write_cache("../../blobs/c0ffee"); /* blobs itself a link */
  ck_assert_int_eq(rename(temp_path("hub/blobs"), temp_path("moved")), 0);
  ck_assert_int_eq(symlink("../moved", temp_path("hub/blobs")), 0);
  ck_fails(svf_checkpoint_open(temp_path("%s", dir), 0, &c), SVF_ERR_IO, "cannot open the dir");

  write_two_shards(); /* shards and the index itself */
  unlink(temp_path("dir/one"));
  write_shard(temp_path("outside"), "cb", 4);
  ck_assert_int_eq(symlink("../outside", temp_path("dir/one")), 0);
  ck_refused(SVF_ERR_FILE, "dir/one: a symbolic link to '../outside'");
  ck_assert_int_eq(rename(temp_path("dir/model.safetensors.index.json"), temp_path("index")), 0);
  ck_assert_int_eq(symlink("../index", temp_path("dir/model.safetensors.index.json")), 0);
  ck_refused(SVF_ERR_FILE, "index.json: a symbolic link to '../index'");
}
END_TEST

/* More shards than descriptors; an index with the most shards allowed, and with one more. */
START_TEST(many_shards)
{
  enum { SHARDS = 200 };
  char *const json = malloc((SVF_INDEX_MAX_SHARDS + 1) * 20u + 100);
  struct rlimit old, limit;
  svf_checkpoint *c;
  svf_index index;
  fresh_dir();
  strcpy(json, "{\"weight_map\":{\"t0\":\"s0\"");
  for (int i = 0; i < SHARDS; ++i) {
    char tensor[100];
    snprintf(tensor, sizeof tensor,
             "{\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", i);
    temp_write_tensors(temp_path("dir/s%d", i), tensor, 1);
    if (i > 0) sprintf(json + strlen(json), ",\"t%d\":\"s%d\"", i, i);
  }
  strcat(json, "}}");
  write_index(json);
  getrlimit(RLIMIT_NOFILE, &old);
  limit = old;
  limit.rlim_cur = 20;
  setrlimit(RLIMIT_NOFILE, &limit);
  const svf_status status = svf_checkpoint_open(temp_path("dir"), 0, &c);
  setrlimit(RLIMIT_NOFILE, &old);
  ck_works(status);
  ck_assert_uint_eq(svf_checkpoint_count(c), SHARDS);
  svf_checkpoint_close(c);

  for (int shards = SVF_INDEX_MAX_SHARDS; shards <= SVF_INDEX_MAX_SHARDS + 1; ++shards) {
    char *end = json + sprintf(json, "{\"weight_map\":{");
    for (int i = 0; i < shards; ++i) end += sprintf(end, "%s\"%x\":\"%x\"", i ? "," : "", i, i);
    end += sprintf(end, "}}");
    const svf_status parsed = svf_index_parse(json, (size_t)(end - json), &index);
    if (shards == SVF_INDEX_MAX_SHARDS) {
      ck_works(parsed);
      ck_assert_uint_eq(index.shard_count, SVF_INDEX_MAX_SHARDS);
      svf_index_free(&index);
    } else {
      ck_fails(parsed, SVF_ERR_FILE, "more than 65536 shards");
    }
  }
  free(json);
}
END_TEST

/* Read into memory, tensors outlive the truncation of their files; mapped, they would not. */
START_TEST(truncated_while_open)
{
  svf_checkpoint *c;
  unsigned sum = 0;
  write_two_shards();
  ck_works(svf_checkpoint_open(temp_path("dir"), SVF_SAFETENSORS_NO_MMAP, &c));
  ck_assert_int_eq(truncate(temp_path("dir/one"), 0), 0);
  ck_assert_int_eq(truncate(temp_path("dir/two"), 0), 0);
  for (size_t i = 0; i < svf_checkpoint_count(c); ++i) {
    const svf_tensor *t = svf_checkpoint_at(c, i);
    for (size_t at = 0; at < t->bytes; ++at) sum += ((const unsigned char *)t->data)[at];
  }
  ck_assert_uint_eq(sum, 28 + 6);
  svf_checkpoint_close(c);
  ck_refused(SVF_ERR_FILE, "dir/one: the file has 0 bytes");
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {
      single,       sharded,         unusual_indices,     shards_that_disagree,
      no_model,     many_shards,     hostile_names,       links_of_the_cache,
      links_beside, links_elsewhere, truncated_while_open};
  temp_make();
  const int result = run_suite("checkpoint", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
