/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenizer.json, a zero byte, and a text: what is accepted encodes the text or says why not, and
 * streaming gives what decoding at once gives. */
#include <stdbool.h>

#include <svf/tokenizer.h>

#include "tests/fuzz/fuzz.h"

enum { MAX_TEXT = 512 }; /* bytes: rules may make much of it */

static bool is_utf8(const unsigned char *s, size_t bytes)
{
  for (size_t i = 0; i < bytes;) {
    const size_t more = s[i] < 0x80 ? 0 : s[i] < 0xe0 ? 1 : s[i] < 0xf0 ? 2 : 3;
    if (s[i] >= 0x80 && s[i] < 0xc2) return false;
    if (more >= bytes - i) return false;
    for (size_t k = 1; k <= more; ++k) {
      if ((s[i + k] & 0xc0) != 0x80) return false;
    }
    i += 1 + more;
  }
  return true;
}

/* The text of ids, one by one, is the same. */
static void check_stream(const svf_tokenizer *t, const int32_t *ids, size_t count, unsigned flags,
                         const char *want, size_t wanted)
{
  svf_decoder decoder;
  size_t at = 0;
  fuzz_assert(svf_decoder_init(&decoder, t, flags) == SVF_OK);
  for (size_t i = 0; i <= count; ++i) {
    size_t needed = 0;
    char *piece;
    size_t bytes;
    svf_status status = i < count ? svf_decoder_push(&decoder, ids[i], NULL, 0, &needed)
                                  : svf_decoder_flush(&decoder, NULL, 0, &needed);
    fuzz_assert(status == (needed > 0 ? SVF_ERR_SPACE : SVF_OK));
    if (status == SVF_OK) continue;
    piece = malloc(needed); /* of exactly that size, so that a byte more is noticed */
    fuzz_assert(piece != NULL);
    status = i < count ? svf_decoder_push(&decoder, ids[i], piece, needed, &bytes)
                       : svf_decoder_flush(&decoder, piece, needed, &bytes);
    fuzz_assert(status == SVF_OK && bytes == needed);
    fuzz_assert(is_utf8((const unsigned char *)piece, bytes));
    fuzz_assert(bytes <= wanted - at && memcmp(want + at, piece, bytes) == 0);
    at += bytes;
    free(piece);
  }
  fuzz_assert(at == wanted);
}

static void check_decode(const svf_tokenizer *t, const int32_t *ids, size_t count, unsigned flags)
{
  size_t bytes = 0;
  const svf_status status = svf_tokenizer_decode(t, flags, ids, count, NULL, 0, &bytes);
  fuzz_assert(status == (bytes > 0 ? SVF_ERR_SPACE : SVF_OK));
  char *text = malloc(bytes + 1);
  fuzz_assert(text != NULL);
  fuzz_assert(svf_tokenizer_decode(t, flags, ids, count, text, bytes, &bytes) == SVF_OK);
  check_stream(t, ids, count, flags, text, bytes);
  free(text);
}

static void check_encode(const svf_tokenizer *t, const char *text, size_t bytes, unsigned flags)
{
  size_t count = 0;
  svf_status status = svf_tokenizer_encode(t, flags, text, bytes, NULL, 0, &count);
  if (status != SVF_OK && status != SVF_ERR_SPACE) {
    fuzz_assert(status == SVF_ERR_FILE || status == SVF_ERR_UNSUPPORTED ||
                status == SVF_ERR_OVERFLOW);
    return;
  }
  int32_t *ids = malloc((count + 1) * sizeof *ids);
  fuzz_assert(ids != NULL);
  status = svf_tokenizer_encode(t, flags, text, bytes, ids, count, &count);
  fuzz_assert(status == SVF_OK);
  for (size_t i = 0; i < count; ++i) fuzz_assert(ids[i] >= 0 && ids[i] <= SVF_TOKENIZER_MAX_ID);
  check_decode(t, ids, count, 0);
  check_decode(t, ids, count, SVF_TOKENIZER_SKIP_SPECIAL);
  free(ids);
}

/* The text's bytes as ids too: sequences that no text has. */
static void check_ids(const svf_tokenizer *t, const char *text, size_t bytes)
{
  int32_t ids[MAX_TEXT];
  for (size_t i = 0; i < bytes; ++i) ids[i] = (unsigned char)text[i];
  check_decode(t, ids, bytes, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
  const size_t json_bytes = zero ? (size_t)(zero - data) : size;
  const char *text = (const char *)data + json_bytes + (zero != NULL);
  size_t bytes = size - json_bytes - (zero != NULL);
  svf_tokenizer *t;
  if (bytes > MAX_TEXT) bytes = MAX_TEXT;
  const svf_status status = svf_tokenizer_parse((const char *)data, json_bytes, &t);
  if (status != SVF_OK) {
    fuzz_refused(status);
    return 0;
  }
  check_encode(t, text, bytes, 0);
  check_encode(t, text, bytes, SVF_TOKENIZER_SPECIAL);
  check_encode(t, text, bytes, SVF_TOKENIZER_PLAIN);
  check_ids(t, text, bytes);
  svf_tokenizer_close(t);
  return 0;
}
