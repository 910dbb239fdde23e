/* SPDX-License-Identifier: Apache-2.0
 *
 * A 64-bit digest of bytes: FNV-1a over 64-bit words in eight interleaved lanes, folded by the same
 * step. As fast as memory, and any change of one bit changes it. Not a defence against forgery. */
#ifndef SVF_CORE_DIGEST_H
#define SVF_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct svf_digest {
  uint64_t lane[8];
} svf_digest;

static const uint64_t svf_digest_prime = UINT64_C(0x100000001b3);
static const uint64_t svf_digest_basis = UINT64_C(0xcbf29ce484222325);

/* High bits are carried down, which multiplication never does. */
static inline uint64_t svf_digest_step(uint64_t sum, uint64_t word)
{
  sum = (sum ^ word) * svf_digest_prime;
  return sum ^ sum >> 32;
}

static inline svf_digest svf_digest_begin(void)
{
  svf_digest d;
  for (int i = 0; i < 8; ++i) d.lane[i] = svf_digest_basis + (uint64_t)i;
  return d;
}

/* A last run of fewer than 64 bytes is filled up with zeros: where lengths may differ, add them
 * too. */
static inline void svf_digest_add(svf_digest *d, const void *data, size_t bytes)
{
  const unsigned char *p = (const unsigned char *)data;
  for (uint64_t word[8]; bytes > 0;) {
    const size_t count = bytes < sizeof word ? bytes : sizeof word;
    if (count < sizeof word) memset(word, 0, sizeof word);
    memcpy(word, p, count);
    for (int i = 0; i < 8; ++i) d->lane[i] = svf_digest_step(d->lane[i], word[i]);
    p += count;
    bytes -= count;
  }
}

/* Never 0, which may stand for "none". */
static inline uint64_t svf_digest_end(const svf_digest *d)
{
  uint64_t sum = svf_digest_basis;
  for (int i = 0; i < 8; ++i) sum = svf_digest_step(sum, d->lane[i]);
  return sum ? sum : 1;
}

#endif
