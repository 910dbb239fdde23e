/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/utf8.h"

/* The bytes of the sequence that begins with `first`, 0 if none does, and the range of its second
 * byte, which alone rules out longer forms than needed, surrogates, and what is beyond U+10FFFF. */
static size_t expect(unsigned char first, unsigned char *low, unsigned char *high)
{
  *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

svf_tok_sequence svf_tok_utf8_next(const char *s, size_t bytes, size_t *length)
{
  unsigned char low;
  unsigned char high;
  const size_t whole = expect((unsigned char)s[0], &low, &high);
  *length = 1;
  if (whole == 0) return SVF_TOK_ILL;
  for (; *length < whole; ++*length) {
    if (*length == bytes) return SVF_TOK_BEGINNING;
    const unsigned char c = (unsigned char)s[*length];
    if (c < low || c > high) return SVF_TOK_ILL;
    low = 0x80;
    high = 0xbf;
  }
  return SVF_TOK_CHARACTER;
}

size_t svf_tok_utf8_length(const char *s)
{
  const unsigned char first = (unsigned char)s[0];
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

uint32_t svf_tok_utf8_at(const char *s)
{
  const size_t length = svf_tok_utf8_length(s);
  uint32_t c = (unsigned char)s[0];
  if (length > 1) c &= 0x7fu >> length;
  for (size_t i = 1; i < length; ++i) c = c << 6 | ((unsigned char)s[i] & 0x3fu);
  return c;
}

uint32_t svf_tok_utf8_before(const char *begin, const char *end)
{
  do {
    --end;
  } while (end > begin && ((unsigned char)*end & 0xc0) == 0x80);
  return svf_tok_utf8_at(end);
}

size_t svf_tok_utf8_put(uint32_t c, char *out)
{
  static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  const size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; --i) {
    out[i] = (char)(0x80 | (c & 0x3f));
    c >>= 6;
  }
  out[0] = (char)(lead[length] | c);
  return length;
}
