/* SPDX-License-Identifier: Apache-2.0
 *
 * What the golden files cannot show: misuse, malformed and hostile files and texts, streaming. */
#define _GNU_SOURCE
#include <pthread.h>

#include <svf/tokenizer.h>

#include "src/tokenizer/vocabulary.h"
#include "tests/io/temp.h"
#include "tests/tokenizer/small.h"

static svf_tokenizer *parse(const char *json)
{
  svf_tokenizer *t;
  ck_works(svf_tokenizer_parse(json, strlen(json), &t));
  return t;
}

static void refuse(const char *json, svf_status expected, const char *words)
{
  svf_tokenizer *t = NULL;
  const svf_status status = svf_tokenizer_parse(json, strlen(json), &t);
  ck_assert_msg(status == expected && strstr(svf_last_message(), words), "%.200s: %s: %s", json,
                svf_status_name(status), svf_last_message());
  ck_assert_ptr_null(t);
}

static void encodes(const svf_tokenizer *t, const char *text, unsigned flags, size_t count,
                    const int32_t *want)
{
  int32_t ids[32];
  size_t got;
  ck_works(svf_tokenizer_encode(t, flags, text, strlen(text), ids, 32, &got));
  ck_assert_uint_eq(got, count);
  ck_assert_mem_eq(ids, want, count * sizeof *ids);
}

START_TEST(small_file)
{
  svf_tokenizer *t = parse(small_tokenizer);
  ck_assert_uint_eq(svf_tokenizer_size(t), 16);
  ck_assert_str_eq(svf_tokenizer_token(t, 2), "ab");
  ck_assert_str_eq(svf_tokenizer_token(t, 9), "[S]");
  ck_assert_ptr_null(svf_tokenizer_token(t, 4));
  ck_assert_ptr_null(svf_tokenizer_token(t, -1));
  ck_assert_ptr_null(svf_tokenizer_token(t, 16));
  ck_assert_int_eq(svf_tokenizer_id(t, "<tool>"), 10);
  ck_assert_int_eq(svf_tokenizer_id(t, "none"), -1);
  ck_assert(svf_tokenizer_is_special(t, 9));
  ck_assert(!svf_tokenizer_is_special(t, 10));
  ck_assert(!svf_tokenizer_is_special(t, 1 << 30));
  encodes(t, "ab a", 0, 3, (const int32_t[]){2, 3, 0});
  encodes(t, "ab", SVF_TOKENIZER_SPECIAL, 2, (const int32_t[]){9, 2});
  encodes(t, "", SVF_TOKENIZER_SPECIAL, 1, (const int32_t[]){9});
  encodes(t, "a[S]<tool>", 0, 3, (const int32_t[]){0, 9, 10});
  encodes(t, "a[S]<tool>", SVF_TOKENIZER_PLAIN, 3, (const int32_t[]){0, 11, 10});
  encodes(t, "xyz", 0, 1, (const int32_t[]){11});
  encodes(t, "\xc3\xa9", 0, 2, (const int32_t[]){12, 13}); /* bytes */
  encodes(t, "u\xcc\x88", 0, 1, (const int32_t[]){14});    /* composed */
  encodes(t, "a7b", 0, 3, (const int32_t[]){0, 11, 1});
  svf_tokenizer_close(t);
  svf_tokenizer_close(NULL);
}
END_TEST

START_TEST(misuse)
{
  svf_tokenizer *t;
  svf_decoder decoder;
  int32_t ids[2] = {-7, -7};
  char text[4];
  size_t n;
  ck_fails(svf_tokenizer_parse(NULL, 0, &t), SVF_ERR_NULL, "json");
  ck_fails(svf_tokenizer_parse("{}", 2, NULL), SVF_ERR_NULL, "tokenizer");
  ck_fails(svf_tokenizer_open(NULL, &t), SVF_ERR_NULL, "path");
  ck_fails(svf_tokenizer_parse("{}", SVF_TOKENIZER_MAX_FILE + 1, &t), SVF_ERR_FILE, "limit");
  t = parse(small_tokenizer);
  ck_fails(svf_tokenizer_encode(NULL, 0, "a", 1, ids, 2, &n), SVF_ERR_NULL, "tokenizer");
  ck_fails(svf_tokenizer_encode(t, 0, NULL, 1, ids, 2, &n), SVF_ERR_NULL, "text");
  ck_fails(svf_tokenizer_encode(t, 0, "a", 1, NULL, 2, &n), SVF_ERR_NULL, "ids");
  ck_fails(svf_tokenizer_encode(t, 0, "a", 1, ids, 2, NULL), SVF_ERR_NULL, "count");
  ck_fails(svf_tokenizer_encode(t, 4, "a", 1, ids, 2, &n), SVF_ERR_ARGUMENT, "0x4");
  ck_fails(svf_tokenizer_encode(t, 0, "a", SIZE_MAX, ids, 2, &n), SVF_ERR_OVERFLOW, "limit");
  ck_fails(svf_tokenizer_encode(t, 0, "a a", 3, ids, 2, &n), SVF_ERR_SPACE, "3 ids");
  ck_assert_uint_eq(n, 3);
  ck_assert_int_eq(ids[0], -7);
  ck_works(svf_tokenizer_encode(t, 0, NULL, 0, NULL, 0, &n));
  ck_fails(svf_tokenizer_decode(NULL, 0, ids, 0, text, 4, &n), SVF_ERR_NULL, "tokenizer");
  ck_fails(svf_tokenizer_decode(t, 0, NULL, 1, text, 4, &n), SVF_ERR_NULL, "ids");
  ck_fails(svf_tokenizer_decode(t, 0, ids, 0, NULL, 4, &n), SVF_ERR_NULL, "text");
  ck_fails(svf_tokenizer_decode(t, 0, ids, 0, text, 4, NULL), SVF_ERR_NULL, "bytes");
  ck_fails(svf_tokenizer_decode(t, 1, ids, 0, text, 4, &n), SVF_ERR_ARGUMENT, "0x1");
  ck_fails(svf_tokenizer_decode(t, 0, (const int32_t[]){2, 2, 2}, 3, text, 4, &n), SVF_ERR_SPACE,
           "6 bytes");
  ck_assert_uint_eq(n, 6);
  ck_fails(svf_decoder_init(NULL, t, 0), SVF_ERR_NULL, "decoder");
  ck_fails(svf_decoder_init(&decoder, NULL, 0), SVF_ERR_NULL, "tokenizer");
  ck_fails(svf_decoder_init(&decoder, t, 2), SVF_ERR_ARGUMENT, "0x2");
  ck_fails(svf_decoder_push(NULL, 0, text, 4, &n), SVF_ERR_NULL, "decoder");
  ck_fails(svf_decoder_flush(NULL, text, 4, &n), SVF_ERR_NULL, "decoder");
  ck_assert_uint_eq(svf_tokenizer_size(NULL), 0);
  ck_assert_ptr_null(svf_tokenizer_token(NULL, 0));
  ck_assert_int_eq(svf_tokenizer_id(NULL, "a"), -1);
  ck_assert_int_eq(svf_tokenizer_id(t, NULL), -1);
  svf_tokenizer_close(t);
}
END_TEST

static void pushes(svf_decoder *decoder, int32_t id, const char *want)
{
  char text[16];
  size_t bytes;
  ck_works(svf_decoder_push(decoder, id, text, sizeof text - 1, &bytes));
  text[bytes] = 0;
  ck_assert_str_eq(text, want);
}

START_TEST(streaming)
{
  svf_tokenizer *t = parse(small_tokenizer);
  svf_decoder decoder;
  char text[16];
  size_t bytes;
  ck_works(svf_decoder_init(&decoder, t, SVF_TOKENIZER_SKIP_SPECIAL));
  pushes(&decoder, 9, "");
  pushes(&decoder, 3, ""); /* the first space is stripped */
  pushes(&decoder, 3, " ");
  pushes(&decoder, 12, "");
  ck_fails(svf_decoder_push(&decoder, 13, text, 1, &bytes), SVF_ERR_SPACE, "2 bytes");
  ck_assert_uint_eq(bytes, 2);
  pushes(&decoder, 13, "\xc3\xa9"); /* it had not moved */
  pushes(&decoder, 5, "");          /* no token */
  pushes(&decoder, 15, "");
  pushes(&decoder, 15, "\xef\xbf\xbd"); /* the first of them is no character */
  pushes(&decoder, 2,
         "\xef\xbf\xbd"
         "ab");
  pushes(&decoder, 15, "");
  ck_fails(svf_decoder_flush(&decoder, NULL, 0, &bytes), SVF_ERR_SPACE, "3 bytes");
  ck_works(svf_decoder_flush(&decoder, text, sizeof text, &bytes));
  ck_assert_uint_eq(bytes, 3);
  pushes(&decoder, 3, ""); /* a new text */
  ck_works(svf_decoder_flush(&decoder, text, sizeof text, &bytes));
  ck_assert_uint_eq(bytes, 0);
  svf_tokenizer_close(t);
}
END_TEST

#define EIGHTY "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

START_TEST(malformed_files)
{
  static const struct {
    const char *json, *words;
  } bad[] = {
      {"", "'{'"},
      {"[]", "'{'"},
      {"{", "JSON"},
      {"{}", "'model'"},
      {"{\"model\":[]}", "'model'"},
      {"{\"model\":{}}", "'type'"},
      {"{\"model\":{\"type\":1}}", "'type'"},
      {WITH_MODEL("\"merges\":[]"), "'vocab'"},
      {WITH_MODEL("\"vocab\":[],\"merges\":[]"), "'vocab'"},
      {WITH_MODEL("\"vocab\":{\"a\":0}"), "'merges'"},
      {WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":{}"), "'merges'"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]"), "JSON"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]"), "same id 0"},
      {WITH_MODEL("\"vocab\":{\"a\":-1},\"merges\":[]"), "-1"},
      {WITH_MODEL("\"vocab\":{\"a\":16777216},\"merges\":[]"), "16777216"},
      {WITH_MODEL("\"vocab\":{\"a\":99999999999999999999},\"merges\":[]"), "no integer"},
      {WITH_MODEL("\"vocab\":{\"a\":1.0},\"merges\":[]"), "no integer"},
      {WITH_MODEL("\"vocab\":{\"a\":\"1\"},\"merges\":[]"), "no integer"},
      {WITH_MODEL("\"vocab\":{\"a\\u0000\":0,\"a\\u0000\":1},\"merges\":[]"), "JSON"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a b\"]"), "'b' is not in the vocab"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]"), "become"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a  a\"]"), "two tokens"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"aa\"]"), "two tokens"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[[\"a\"]]"), "two tokens"},
      {WITH_MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[[\"a\",1]]"), "two tokens"},
      {WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"fuse_unk\":1"), "fuse_unk"},
      {WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":1"), "unk_token"},
      {WITH("\"added_tokens\":{}"), "added_tokens"},
      {WITH("\"added_tokens\":[1]"), "'content'"},
      {ADDED("\"content\":\"b\""), "'b'"},
      {ADDED("\"id\":1"), "'content'"},
      {ADDED("\"id\":-1,\"content\":\"b\""), "'b': its id"},
      {ADDED("\"id\":1.0,\"content\":\"b\""), "'b': its id"},
      {ADDED("\"id\":4294967296,\"content\":\"b\""), "'b': its id"},
      {"{\"added_tokens\":[{\"id\":2,\"content\":\"X\"},{\"id\":3,\"content\":\"Y\"}],\"model\":{"
       "\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":4},\"merges\":[]}}",
       "'c' and 'Y' have the same id 4"},
      {ADDED("\"id\":1,\"content\":\"b\",\"special\":1"), "special"},
      {ADDED("\"id\":1,\"content\":\"b\",\"lstrip\":null"), "lstrip"},
      {WITH("\"normalizer\":[]"), "normalizer"},
      {WITH("\"normalizer\":{\"type\":\"Sequence\"}"), "list"},
      {WITH("\"normalizer\":{\"type\":\"Prepend\"}"), "'prepend'"},
      {WITH("\"normalizer\":{\"type\":\"Replace\",\"content\":\"a\"}"), "Regex"},
      {SPLIT("\"Odd\":\"a\"", "Isolated"), "Regex"},
      {SPLIT("\"String\":\"a\"", "Odd"), "'Odd'"},
      {WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\","
            "\"prepend_scheme\":\"odd\"}"),
       "'odd'"},
      {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}"), "A"},
      {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
            "{\"Sequence\":{\"id\":\"B\"}}]}"),
       "item 0"},
      {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
            "{\"SpecialToken\":{\"id\":\"x\"}}]}"),
       "'x'"},
      {WITH("\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"), "one character"},
      {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"aaaa\":0},\"merges\":[]},\"decoder\":{\"type\":"
       "\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"" EIGHTY "\"}}",
       "of a token"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    refuse(bad[i].json, SVF_ERR_FILE, bad[i].words);
  }
}
END_TEST

START_TEST(unsupported_files)
{
  static const struct {
    const char *json, *words;
  } bad[] = {
      {"{\"model\":{\"type\":\"WordPiece\"}}", "'WordPiece'"},
      {"{\"model\":{\"type\":\"Unigram\"}}", "'Unigram'"},
      {WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1"), "dropout"},
      {WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":\"</w>\""), "'</w>'"},
      {WITH("\"normalizer\":{\"type\":\"Lowercase\"}"), "'Lowercase'"},
      {WITH("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Sequence\"}]}"),
       "'Sequence'"},
      {WITH("\"pre_tokenizer\":{\"type\":\"Whitespace\"}"), "'Whitespace'"},
      {WITH("\"post_processor\":{\"type\":\"BertProcessing\"}"), "'BertProcessing'"},
      {WITH("\"decoder\":{\"type\":\"CTC\"}"), "'CTC'"},
      {WITH("\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}"), "Strip"},
      {WITH("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
            "{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}]}"),
       "Strip"},
      {WITH("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
            "{\"type\":\"ByteFallback\"}]}"),
       "ByteFallback"},
      {WITH("\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},"
            "{\"type\":\"ByteLevel\"}]}"),
       "ByteLevel"},
      {SPLIT("\"Regex\":\"a*\"", "Isolated"), "empty"},
      {SPLIT("\"Regex\":\"\"", "Isolated"), "0 bytes"},
      {SPLIT("\"Regex\":\"\\\\w+\"", "Isolated"), "an escape at byte 0"},
      {SPLIT("\"Regex\":\"x\\\\b\"", "Isolated"), "an escape at byte 1"},
      {SPLIT("\"Regex\":\"[[:alpha:]]\"", "Isolated"), "'[:'"},
      {SPLIT("\"Regex\":\"[a&&]\"", "Isolated"), "empty class"},
      {SPLIT("\"Regex\":\"[]a]\"", "Isolated"), "empty class"},
      {SPLIT("\"Regex\":\"[[]\"", "Isolated"), "empty class"},
      {SPLIT("\"Regex\":\"[a\"", "Isolated"), "without its end"},
      {SPLIT("\"Regex\":\"[a-[b]]\"", "Isolated"), "up to a class"},
      {SPLIT("\"Regex\":\"[\\\\s-a]\"", "Isolated"), "from a class"},
      {SPLIT("\"Regex\":\"[z-a]\"", "Isolated"), "empty range"},
      {SPLIT("\"Regex\":\"[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]\"", "Isolated"), "too many"},
      {SPLIT("\"Regex\":\"(?i:\\\\p{Ll})\"", "Isolated"), "beyond ASCII"},
      {SPLIT("\"Regex\":\"(?i:gro\xc3\x9f)\"", "Isolated"), "beyond ASCII"},
      {SPLIT("\"Regex\":\"(?i:Ss)\"", "Isolated"), "ligature"},
      {SPLIT("\"Regex\":\"a)\"", "Isolated"), "parenthesis"},
      {SPLIT("\"Regex\":\"a\\\\x{110000}\"", "Isolated"), "no character"},
      {SPLIT("\"Regex\":\"(?m:a)\"", "Isolated"), "a group"},
      {SPLIT("\"Regex\":\"(*COMMIT)a\"", "Isolated"), "'(*'"},
      {SPLIT("\"Regex\":\"a{2}+\"", "Isolated"), "repetition"},
      {SPLIT("\"Regex\":\"a{,2}\"", "Isolated"), "'{'"},
      {SPLIT("\"Regex\":\"$\"", "Isolated"), "empty string"},
      {SPLIT("\"Regex\":\"^+a\"", "Isolated"), "a repeated anchor"},
      {SPLIT("\"Regex\":\"\\\\p{Greeek}\"", "Isolated"), "property"},
      {SPLIT("\"Regex\":\"\\\\x41\"", "Isolated"), "braces"},
      {SPLIT("\"Regex\":\"(a\"", "Isolated"), "parenthesis"},
      {SPLIT("\"Regex\":\"a\\\\\"", "Isolated"), "escape"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    refuse(bad[i].json, SVF_ERR_UNSUPPORTED, bad[i].words);
  }
}
END_TEST

/* Where `tokenizers` 0.23.3 splits; every piece is one unknown token. */
START_TEST(lines_and_classes)
{
  static const struct {
    const char *pattern, *text;
    size_t pieces;
  } cases[] = {
      {"\\n^|b", "a\nb\n", 4}, /* no line begins at the end of the text */
      {"\\\\s^|a", "a \n \n", 4},      {"b$|\\n", "ab\nb", 4},
      {"^b|\\\\s+$", "b b\nb \n ", 4}, {"[a-c&&[^b]]+|[^x[y-z]]", "abcxyz", 4},
      {"[^a[^b]]|c", "abc", 3},        {"[a-c-e]", "a-d", 3}, /* a '-' after a range is itself */
      {"[[a-c]-e]", "a-de", 4},        {"\\\\s+$", "a b \n", 2},
      {"\\\\s+$", "a \nb", 3},         {"[\\\\s[a-b]]+", "ab c", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    static const int32_t zeros[8];
    char json[400];
    snprintf(json, sizeof json,
             "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},"
             "\"behavior\":\"Isolated\",\"invert\":false},\"model\":{\"type\":\"BPE\","
             "\"unk_token\":\"?\",\"fuse_unk\":true,\"vocab\":{\"?\":0},\"merges\":[]}}",
             cases[i].pattern);
    svf_tokenizer *t = parse(json);
    encodes(t, cases[i].text, 0, cases[i].pieces, zeros);
    svf_tokenizer_close(t);
  }
}
END_TEST

/* Whatever ids the file gives to added tokens, they are numbered as `tokenizers` 0.23.3 does. */
START_TEST(ids_of_added_tokens)
{
  static const struct {
    const char *vocab, *added, *text;
    int32_t ids[4];
    size_t count, size;
  } cases[] = {
      {"\"a\":0,\"b\":1,\"c\":2", "5X9Y", "aXbY", {0, 3, 1, 4}, 4, 5}, /* gaps */
      {"\"a\":0,\"b\":1,\"c\":2", "4X8Y", "aXbY", {0, 3, 1, 4}, 4, 5},
      {"\"a\":0,\"b\":1,\"c\":2", "4X3Y", "aXbY", {0, 3, 1, 4}, 4, 5}, /* out of order */
      {"\"a\":0,\"b\":1,\"c\":2", "9X5Y", "aXbY", {0, 3, 1, 4}, 4, 5},
      {"\"a\":0,\"b\":1,\"c\":2", "3X3Y", "aXbY", {0, 3, 1, 4}, 4, 5}, /* the same id */
      {"\"a\":0,\"b\":1,\"c\":2", "1X1Y", "aXbY", {0, 3, 1, 4}, 4, 5}, /* ids of others */
      {"\"a\":0,\"b\":1,\"c\":2", "7b8X", "abX", {0, 1, 3}, 3, 4},     /* one is known */
      {"\"a\":0,\"b\":5", "6X9Y", "aXbY", {0, 2, 5, 3}, 4, 6},         /* holes */
      {"\"a\":0,\"b\":5", "5b6X", "abX", {0, 5, 2}, 3, 6},
      {"\"a\":0,\"b\":7", "9X8Y", "aXbY", {0, 2, 7, 3}, 4, 8},
      {"\"a\":0,\"b\":1,\"c\":2", "3X4X", "aXb", {0, 3, 1}, 3, 4}, /* twice the same */
      {"", "9X4Y", "XY", {0, 1}, 2, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const char *added = cases[i].added;
    char json[400];
    snprintf(json, sizeof json,
             "{\"added_tokens\":[{\"id\":%c,\"content\":\"%c\"},{\"id\":%c,\"content\":\"%c\"}],"
             "\"model\":{\"type\":\"BPE\",\"vocab\":{%s},\"merges\":[]}}",
             added[0], added[1], added[2], added[3], cases[i].vocab);
    svf_tokenizer *t = parse(json);
    encodes(t, cases[i].text, 0, cases[i].count, cases[i].ids);
    ck_assert_uint_eq(svf_tokenizer_size(t), cases[i].size);
    svf_tokenizer_close(t);
  }
}
END_TEST

/* Numbers that are none, or too large for any, where nobody reads them. */
START_TEST(numbers_that_nobody_reads)
{
  static const char *const cases[] = {
      "\"truncation\":{\"max_length\":1000000000000000019884624838656},",
      "\"x\":[Infinity,-Infinity,NaN],",
      "\"version\":-99999999999999999999,\"y\":1e400,",
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char json[300];
    snprintf(json, sizeof json,
             "\r\n {%s\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}", cases[i]);
    svf_tokenizer *t = parse(json);
    encodes(t, "aa", 0, 2, (const int32_t[]){0, 0});
    svf_tokenizer_close(t);
  }
}
END_TEST

/* U+0000 in a token of the model, in a merge and in an added token; U+FFFE as it is. */
START_TEST(tokens_with_nul)
{
  static const char text[] = "a\0X\0Y\0\xef\xbf\xbe";
  int32_t ids[8];
  char decoded[16];
  size_t count;
  size_t bytes;
  svf_tokenizer *t = parse(
      " \t\r\n{\"added_tokens\":[{\"id\":4,\"content\":\"X\\u0000Y\",\"normalized\":false}],"
      "\"decoder\":{\"type\":\"Fuse\"},"
      "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"\\u0000\":1,\"a\\u0000\":2,"
      "\"\\uFFFE\":3},\"merges\":[\"a \\u0000\"]}}\n");
  ck_works(svf_tokenizer_encode(t, 0, text, sizeof text - 1, ids, 8, &count));
  ck_assert_uint_eq(count, 4);
  ck_assert(ids[0] == 2 && ids[1] == 4 && ids[2] == 1 && ids[3] == 3);
  ck_works(svf_tokenizer_decode(t, 0, ids, count, decoded, sizeof decoded, &bytes));
  ck_assert(bytes == sizeof text - 1 && memcmp(decoded, text, bytes) == 0);
  svf_tokenizer_close(t);
  refuse(SPLIT("\"Regex\":\"a\\u0000\"", "Isolated"), SVF_ERR_UNSUPPORTED, "U+0000");
  refuse(SPLIT("\"String\":\"\\u0000\"", "Isolated"), SVF_ERR_UNSUPPORTED, "U+0000");
  refuse(WITH("\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"\\u0000\"}"), SVF_ERR_UNSUPPORTED,
         "U+0000");
}
END_TEST

START_TEST(nesting_and_length)
{
  char json[5000];
  memset(json, '[', sizeof json);
  memcpy(json, "{\"a\":", 5);
  svf_tokenizer *t;
  ck_fails(svf_tokenizer_parse(json, sizeof json, &t), SVF_ERR_FILE, "nests deeper");
  const size_t at = (size_t)snprintf(json, sizeof json,
                                     "{\"normalizer\":{\"type\":\"Sequence\","
                                     "\"normalizers\":[{\"type\":\"NFC\"}");
  size_t end = at;
  for (int i = 0; i < 40; ++i) {
    end += (size_t)snprintf(json + end, sizeof json - end, ",{\"type\":\"NFC\"}");
  }
  snprintf(json + end, sizeof json - end, "]},\"model\":{\"type\":\"BPE\",\"vocab\":{}}}");
  refuse(json, SVF_ERR_UNSUPPORTED, "41");
}
END_TEST

/* A very large id costs hardly any time and memory. */
START_TEST(largest_id)
{
  svf_tokenizer *t =
      parse(WITH_MODEL("\"vocab\":{\"a\":16777215,\"\":3},\"merges\":[],\"unk_token\":null"));
  ck_assert_uint_eq(svf_tokenizer_size(t), 1 << 24);
  encodes(t, "aba", 0, 2, (const int32_t[]){16777215, 16777215});
  svf_tokenizer_close(t);
}
END_TEST

START_TEST(unknown_token_missing)
{
  svf_tokenizer *t = parse(WITH_MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"<unk>\""));
  size_t count;
  int32_t id;
  encodes(t, "a", 0, 1, (const int32_t[]){0});
  ck_fails(svf_tokenizer_encode(t, 0, "b", 1, &id, 1, &count), SVF_ERR_FILE, "unk_token");
  svf_tokenizer_close(t);
}
END_TEST

/* The hash of the vocabulary, so that a file can be made whose tokens all fall into one slot. */
static uint64_t hash(const char *text)
{
  uint64_t state = 0xcbf29ce484222325u;
  for (; *text; ++text) state = (state ^ (unsigned char)*text) * 0x100000001b3u;
  return svf_tok_mix(state);
}

START_TEST(colliding_tokens)
{
  enum { TOKENS = 400, SLOTS = 1024 };
  static char json[TOKENS * 32];
  size_t at = (size_t)snprintf(json, sizeof json, "{\"model\":{\"type\":\"BPE\",\"vocab\":{");
  for (unsigned i = 0, found = 0; found < TOKENS; ++i) {
    char token[16];
    snprintf(token, sizeof token, "%u", i);
    if (hash(token) % SLOTS != 0) continue;
    at += (size_t)snprintf(json + at, sizeof json - at, "%s\"%s\":%u", found ? "," : "", token,
                           found);
    ++found;
  }
  snprintf(json + at, sizeof json - at, "},\"merges\":[]}}");
  refuse(json, SVF_ERR_FILE, "collide");
}
END_TEST

/* `unit` as often as fits, as one text. */
static svf_status encode_long(const svf_tokenizer *t, const char *unit, size_t bytes, size_t *count)
{
  const size_t length = strlen(unit);
  char *text = malloc(bytes);
  ck_assert_ptr_nonnull(text);
  for (size_t i = 0; i < bytes; ++i) text[i] = unit[i % length];
  const svf_status status =
      svf_tokenizer_encode(t, 0, text, bytes - bytes % length, NULL, 0, count);
  free(text);
  return status;
}

/* Each takes much longer than the test's time limit if it is quadratic. */
START_TEST(long_texts)
{
  const size_t bytes = 2000000;
  size_t count;
  svf_tokenizer *t =
      parse(WITH_MODEL("\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"abab\":3,\"aa\":4,\"aaaa\":5},"
                       "\"merges\":[\"a b\",\"ab ab\",\"a a\",\"aa aa\"]"));
  ck_assert_int_eq(encode_long(t, "ab", bytes, &count), SVF_ERR_SPACE);
  ck_assert_uint_eq(count, bytes / 4);
  ck_assert_int_eq(encode_long(t, "a", bytes, &count), SVF_ERR_SPACE);
  ck_assert_uint_eq(count, bytes / 4);
  svf_tokenizer_close(t);

  t = parse(
      "{\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\","
      "\"add_prefix_space\":false},"
      "\"model\":{\"type\":\"BPE\",\"vocab\":{\"\xc4\xa0\":0,\"b\":1},\"merges\":[]}}");
  ck_assert_int_eq(encode_long(t, " ", bytes, &count), SVF_ERR_SPACE);
  ck_assert_uint_eq(count, bytes);
  /* marks of classes 230 and 220 in turn, to be put in order */
  ck_works(encode_long(t, "\xcc\x81\xcc\xa3", bytes, &count));
  ck_works(encode_long(t, "\xe0\xbd\xb3", bytes / 4, &count));
  svf_tokenizer_close(t);
}
END_TEST

/* Patterns that would run for years, or for the square of the length. */
START_TEST(hostile_patterns)
{
  static const char *const files[] = {
      SPLIT("\"Regex\":\"(?:a+)+b\"", "Isolated"), SPLIT("\"Regex\":\"(?:a|aa)+b\"", "Isolated"),
      SPLIT("\"Regex\":\"a*a*a*a*b\"", "Isolated"), SPLIT("\"Regex\":\"a++b\"", "Isolated"),
      SPLIT("\"Regex\":\"a(?=a*b)\"", "Isolated")};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    svf_tokenizer *t = parse(files[i]);
    size_t count;
    ck_fails(encode_long(t, "a", 1000000, &count), SVF_ERR_UNSUPPORTED, "too many steps");
    svf_tokenizer_close(t);
  }
}
END_TEST

/* What rules may expand a text to is limited by its length. */
START_TEST(growth)
{
  char json[2000];
  const char *rule =
      "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"}";
  snprintf(json, sizeof json,
           "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[%s,%s,%s,%s,%s,%s]},"
           "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}",
           rule, rule, rule, rule, rule, rule);
  svf_tokenizer *t = parse(json);
  size_t count;
  ck_fails(svf_tokenizer_encode(t, 0, "a", 1, NULL, 0, &count), SVF_ERR_OVERFLOW, "rules");
  svf_tokenizer_close(t);
}
END_TEST

START_TEST(opening)
{
  svf_tokenizer *t = NULL;
  const char *path = temp_path("tokenizer.json");
  ck_fails(svf_tokenizer_open(temp_root, &t), SVF_ERR_IO, "tokenizer.json");
  temp_write_text(path, small_tokenizer);
  ck_works(svf_tokenizer_open(path, &t));
  svf_tokenizer_close(t);
  ck_works(svf_tokenizer_open(temp_root, &t));
  svf_tokenizer_close(t);
  temp_write_text(path, "{\"model\":{\"type\":\"Unigram\"}}");
  ck_fails(svf_tokenizer_open(temp_root, &t), SVF_ERR_UNSUPPORTED, path);
  ck_assert_ptr_null(t);
}
END_TEST

/* Files cut off or changed anywhere are refused or sound. */
START_TEST(mutations)
{
  const size_t size = sizeof small_tokenizer - 1;
  char mutant[sizeof small_tokenizer];
  uint32_t state = 1;
  unsigned opened = 0;
  for (unsigned turn = 0; turn < 20000; ++turn) {
    svf_tokenizer *t = NULL;
    int32_t ids[64];
    size_t count;
    memcpy(mutant, small_tokenizer, size);
    for (unsigned i = 0; i <= turn % 3; ++i) {
      state = state * 1664525u + 1013904223u;
      mutant[(state >> 8) % size] = small_tokenizer[(state >> 12) % size];
    }
    const svf_status status = svf_tokenizer_parse(mutant, turn < size ? turn : size, &t);
    ck_assert(status == SVF_OK || status == SVF_ERR_FILE || status == SVF_ERR_UNSUPPORTED);
    if (status != SVF_OK) continue;
    ++opened;
    svf_tokenizer_encode(t, SVF_TOKENIZER_SPECIAL, "ab [S] \xc3\xa9 7<tool>", 17, ids, 64, &count);
    svf_tokenizer_close(t);
  }
  ck_assert_uint_gt(opened, 1000);
}
END_TEST

static void *encode_often(void *tokenizer)
{
  static const char text[] = "ab a7 \xc3\xa9 [S]ab <tool> u\xcc\x88 xyz";
  int32_t want[64];
  int32_t ids[64];
  size_t count;
  size_t again;
  svf_status status = svf_tokenizer_encode(tokenizer, 0, text, sizeof text - 1, want, 64, &count);
  for (int i = 0; i < 2000 && status == SVF_OK; ++i) {
    status = svf_tokenizer_encode(tokenizer, 0, text, sizeof text - 1, ids, 64, &again);
    if (again != count || memcmp(ids, want, count * sizeof *ids) != 0) status = SVF_ERR_FAILED;
  }
  return status == SVF_OK ? tokenizer : NULL;
}

START_TEST(threads)
{
  enum { THREADS = 4 };
  pthread_t thread[THREADS];
  svf_tokenizer *t = parse(small_tokenizer);
  for (int i = 0; i < THREADS; ++i) {
    ck_assert_int_eq(pthread_create(&thread[i], NULL, encode_often, t), 0);
  }
  for (int i = 0; i < THREADS; ++i) {
    void *result;
    pthread_join(thread[i], &result);
    ck_assert_ptr_eq(result, t);
  }
  svf_tokenizer_close(t);
}
END_TEST

int main(void)
{
  const TTest *const tests[] = {small_file,
                                misuse,
                                streaming,
                                malformed_files,
                                unsupported_files,
                                lines_and_classes,
                                ids_of_added_tokens,
                                numbers_that_nobody_reads,
                                tokens_with_nul,
                                nesting_and_length,
                                largest_id,
                                unknown_token_missing,
                                colliding_tokens,
                                long_texts,
                                hostile_patterns,
                                growth,
                                opening,
                                mutations,
                                threads};
  temp_make();
  const int result = run_suite("tokenizer", tests, sizeof tests / sizeof *tests);
  temp_remove();
  return result;
}
