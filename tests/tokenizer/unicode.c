/* SPDX-License-Identifier: Apache-2.0
 *
 * Every character is what it is for Hugging Face's `tokenizers`, whatever this system's libraries
 * know of Unicode: unicode.py says what the file holds.
 *   tokenizer_unicode <file> */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/tokenizer.h>

enum { CHUNK = 1024, MAX_TEMPLATE = 64, MAX_TEMPLATES = 16 };
enum { MAX_TEXT = CHUNK * MAX_TEMPLATES * MAX_TEMPLATE };

static int failures, checks;

/* All characters that are tried. */
static uint32_t characters[0x110000];
static size_t character_count;

static void read_characters(const json_t *ranges)
{
  size_t i;
  json_t *range;
  json_array_foreach(ranges, i, range)
  {
    const json_int_t last = json_integer_value(json_array_get(range, 1));
    const json_int_t step = json_integer_value(json_array_get(range, 2));
    for (json_int_t c = json_integer_value(json_array_get(range, 0)); c <= last; c += step) {
      if (c < 0xd800 || c > 0xdfff) characters[character_count++] = (uint32_t)c;
    }
  }
}

static char *put(char *out, uint32_t c)
{
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  *out++ = (char)((0xff00 >> (more + 1) & 0xff) | c >> 6 * more);
  for (int i = more - 1; i >= 0; --i) *out++ = (char)(0x80 | (c >> 6 * i & 0x3f));
  return out;
}

/* Writes what the templates make of some characters, and returns its bytes. */
static size_t write_text(const uint32_t *list, size_t count, const json_t *around, char *text)
{
  char *out = text;
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < json_array_size(around); ++k) {
      for (const char *at = json_string_value(json_array_get(around, k)); *at; ++at) {
        if (*at == '@') {
          out = put(out, list[i]);
        } else {
          *out++ = *at;
        }
      }
    }
  }
  return (size_t)(out - text);
}

static uint32_t crc32(const unsigned char *data, size_t bytes)
{
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < bytes; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

static void check_chunk(const char *name, const svf_tokenizer *t, const json_t *around,
                        size_t chunk, json_int_t want)
{
  static char text[MAX_TEXT];
  static int32_t ids[MAX_TEXT];
  const size_t from = chunk * CHUNK;
  const size_t left = character_count - from;
  size_t count = 0;
  const size_t bytes = write_text(characters + from, left < CHUNK ? left : CHUNK, around, text);
  const svf_status status = svf_tokenizer_encode(t, 0, text, bytes, ids, MAX_TEXT, &count);
  ++checks;
  if (status != SVF_OK) {
    printf("%s: %s\n", name, svf_last_message());
  } else if (crc32((const unsigned char *)ids, count * sizeof *ids) != (uint32_t)want) {
    printf("%s: other ids of the characters from U+%04X on\n", name, (unsigned)characters[from]);
  } else {
    return;
  }
  ++failures;
}

static void check_tokenizer(const json_t *entry)
{
  const char *name = json_string_value(json_object_get(entry, "name"));
  const json_t *file = json_object_get(entry, "json");
  const json_t *sums = json_object_get(entry, "ids");
  svf_tokenizer *t;
  if (svf_tokenizer_parse(json_string_value(file), json_string_length(file), &t) != SVF_OK) {
    printf("%s: %s\n", name, svf_last_message());
    ++failures;
    return;
  }
  for (size_t i = 0; i < json_array_size(sums); ++i) {
    check_chunk(name, t, json_object_get(entry, "around"), i,
                json_integer_value(json_array_get(sums, i)));
  }
  svf_tokenizer_close(t);
}

int main(int argc, char **argv)
{
  size_t i;
  json_t *entry;
  json_error_t error;
  json_t *root = argc == 2 ? json_load_file(argv[1], 0, &error) : NULL;
  if (!root) return 2;
  read_characters(json_object_get(root, "characters"));
  json_array_foreach(json_object_get(root, "tokenizers"), i, entry) check_tokenizer(entry);
  json_decref(root);
  printf("%d of %d checks failed\n", failures, checks);
  return failures > 0 || checks < 1000;
}
