/* SPDX-License-Identifier: Apache-2.0
 *
 * The byte-level alphabet: a printable character for each byte. Bytes that are printable Latin-1
 * stand for themselves; the others have the characters from U+0100 on, in order. */
#ifndef SVF_TOKENIZER_BYTE_LEVEL_H
#define SVF_TOKENIZER_BYTE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

static inline bool svf_tok_byte_is_itself(unsigned byte)
{
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
}

static inline uint32_t svf_tok_byte_to_char(unsigned char byte)
{
  if (svf_tok_byte_is_itself(byte)) return byte;
  if (byte <= 0x20) return 0x100u + byte;
  if (byte == 0xad) return 0x143;
  return 0x121u + (byte - 0x7fu); /* 0x7f to 0xa0 */
}

/* The byte that a character stands for, or -1. */
static inline int svf_tok_char_to_byte(uint32_t c)
{
  if (c < 0x100) return svf_tok_byte_is_itself(c) ? (int)c : -1;
  if (c <= 0x120) return (int)(c - 0x100);
  if (c <= 0x142) return (int)(c - 0x121 + 0x7f);
  return c == 0x143 ? 0xad : -1;
}

#endif
