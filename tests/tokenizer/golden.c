/* SPDX-License-Identifier: Apache-2.0
 *
 * Exactly the ids and texts of Hugging Face's `tokenizers`: golden.py says what the files hold.
 *   tokenizer_golden <directory> */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/tokenizer.h>

enum { MAX_TEXT = 1 << 16, MAX_IDS = 1 << 14, PATH = 4096 };

static int failures, checks;

typedef struct string {
  char data[MAX_TEXT];
  size_t bytes;
} string;

static json_t *load(const char *directory, const char *name, const char *suffix)
{
  char path[PATH];
  json_error_t error;
  snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
  json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
  if (root) return root;
  fprintf(stderr, "%s: %s\n", path, error.text);
  exit(1);
}

/* A string, or {"hex": its bytes, "text": what they are taken for}. */
static void read_text(const json_t *json, string *out)
{
  const char *hex = json_string_value(json_object_get(json, "hex"));
  if (!hex) {
    out->bytes = json_string_length(json);
    memcpy(out->data, json_string_value(json), out->bytes);
    return;
  }
  out->bytes = strlen(hex) / 2;
  for (size_t i = 0; i < out->bytes; ++i) {
    const char digits[] = {hex[2 * i], hex[2 * i + 1], 0};
    out->data[i] = (char)strtoul(digits, NULL, 16);
  }
}

static size_t read_ids(const json_t *json, int32_t *ids)
{
  for (size_t i = 0; i < json_array_size(json); ++i) {
    ids[i] = (int32_t)json_integer_value(json_array_get(json, i));
  }
  return json_array_size(json);
}

static void fail(const char *name, size_t i, const char *what)
{
  if (++failures <= 20) printf("%s, text %zu: %s\n", name, i, what);
}

static void print_ids(const char *what, const int32_t *ids, size_t count)
{
  printf("  %s:", what);
  for (size_t i = 0; i < count && i < 60; ++i) printf(" %d", (int)ids[i]);
  printf("\n");
}

static void check_ids(const char *name, size_t i, const char *what, const svf_tokenizer *t,
                      const string *text, unsigned flags, const int32_t *want, size_t wanted)
{
  static int32_t got[MAX_IDS];
  size_t count = 0;
  size_t asked = 0;
  ++checks;
  const svf_status query = svf_tokenizer_encode(t, flags, text->data, text->bytes, NULL, 0, &asked);
  if (query != (asked > 0 ? SVF_ERR_SPACE : SVF_OK)) fail(name, i, "the query for the count");
  const svf_status status =
      svf_tokenizer_encode(t, flags, text->data, text->bytes, got, MAX_IDS, &count);
  if (status != SVF_OK) {
    fail(name, i, svf_last_message());
  } else if (count != asked || count != wanted || memcmp(got, want, count * sizeof *got) != 0) {
    fail(name, i, what);
    if (failures > 20) return;
    print_ids("got ", got, count);
    print_ids("want", want, wanted);
  }
}

static void stream(const svf_tokenizer *t, const int32_t *ids, size_t count, unsigned flags,
                   string *out)
{
  svf_decoder decoder;
  size_t bytes = 0;
  svf_status status = svf_decoder_init(&decoder, t, flags);
  out->bytes = 0;
  for (size_t i = 0; i <= count && status == SVF_OK; ++i) {
    char *to = out->data + out->bytes;
    const size_t room = MAX_TEXT - out->bytes;
    status = i < count ? svf_decoder_push(&decoder, ids[i], to, room, &bytes)
                       : svf_decoder_flush(&decoder, to, room, &bytes);
    out->bytes += bytes;
    /* what is there is whole characters: no text of JSON can be made of anything else */
    json_t *whole = json_stringn(to, bytes);
    if (!whole) status = SVF_ERR_FAILED;
    json_decref(whole);
  }
  if (status != SVF_OK) out->bytes = MAX_TEXT;
}

static void check_text(const char *name, size_t i, const char *what, const svf_tokenizer *t,
                       const int32_t *ids, size_t count, unsigned flags, const json_t *want)
{
  static string got, streamed;
  const size_t wanted = json_string_length(want);
  ++checks;
  const svf_status status =
      svf_tokenizer_decode(t, flags, ids, count, got.data, MAX_TEXT, &got.bytes);
  stream(t, ids, count, flags, &streamed);
  if (status != SVF_OK) {
    fail(name, i, svf_last_message());
  } else if (got.bytes != wanted || memcmp(got.data, json_string_value(want), wanted) != 0) {
    fail(name, i, what);
    printf("  got  '%.*s'\n  want '%s'\n", (int)got.bytes, got.data, json_string_value(want));
  } else if (streamed.bytes != wanted || memcmp(streamed.data, got.data, wanted) != 0) {
    fail(name, i, "streaming gives another text");
  }
}

static void check_entry(const char *name, size_t i, const svf_tokenizer *t, const json_t *text_json,
                        const json_t *entry, const json_t *around)
{
  static string text;
  static int32_t ids[MAX_IDS], wrapped[MAX_IDS];
  read_text(text_json, &text);
  const size_t count = read_ids(json_object_get(entry, "i"), ids);
  size_t all = read_ids(json_array_get(around, 0), wrapped);
  memcpy(wrapped + all, ids, count * sizeof *ids);
  all += count;
  all += read_ids(json_array_get(around, 1), wrapped + all);
  check_ids(name, i, "ids", t, &text, 0, ids, count);
  check_ids(name, i, "ids with special tokens", t, &text, SVF_TOKENIZER_SPECIAL, wrapped, all);
  const json_t *decoded = json_object_get(entry, "d");
  const json_t *skipped = json_object_get(entry, "k");
  if (!decoded) decoded = json_object_get(text_json, "text");
  if (!decoded) decoded = text_json;
  check_text(name, i, "text", t, ids, count, 0, decoded);
  check_text(name, i, "text without special tokens", t, ids, count, SVF_TOKENIZER_SKIP_SPECIAL,
             skipped ? skipped : decoded);
  const json_t *plain = json_object_get(entry, "p");
  const size_t plain_count = plain ? read_ids(plain, ids) : count;
  check_ids(name, i, "ids of special tokens as text", t, &text, SVF_TOKENIZER_PLAIN, ids,
            plain_count);
}

static void check_tokenizer(const char *directory, const char *name, const json_t *texts)
{
  char path[PATH];
  size_t i;
  json_t *entry;
  svf_tokenizer *t;
  json_t *golden = load(directory, name, ".golden.json");
  snprintf(path, sizeof path, "%s/%s.json", directory, name);
  if (svf_tokenizer_open(path, &t) != SVF_OK) {
    fail(name, 0, svf_last_message());
    json_decref(golden);
    return;
  }
  const json_t *entries = json_object_get(golden, "texts");
  if (json_array_size(entries) != json_array_size(texts)) fail(name, 0, "not every text is there");
  json_array_foreach(entries, i, entry)
  {
    check_entry(name, i, t, json_array_get(texts, i), entry, json_object_get(golden, "around"));
  }
  json_array_foreach(json_object_get(golden, "ids"), i, entry)
  {
    static int32_t ids[MAX_IDS];
    const size_t count = read_ids(json_array_get(entry, 0), ids);
    check_text(name, i, "text of random ids", t, ids, count, 0, json_array_get(entry, 1));
  }
  svf_tokenizer_close(t);
  json_decref(golden);
}

int main(int argc, char **argv)
{
  static const char *const names[] = {"gpt2",    "gpt2_prefix", "smollm",     "qwen2",
                                      "llama3",  "llama2",      "llama2_old", "llama2_new",
                                      "mistral", "metaspace",   "behaviors"};
  if (argc != 2) return 2;
  json_t *texts = load(argv[1], "texts", ".json");
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    check_tokenizer(argv[1], names[i], texts);
  }
  json_decref(texts);
  printf("%d of %d checks failed\n", failures, checks);
  return failures > 0 || checks < 20000;
}
