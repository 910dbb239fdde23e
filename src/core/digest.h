/* SPDX-License-Identifier: Apache-2.0
 *
 * Two 64-bit digests of bytes. Changing any one bit changes them; they are no defence against
 * forgery.
 *
 *   svf_digest   for much data, as fast as memory: like FNV-1a, but over 64-bit words in eight
 *                interleaved lanes, which are folded by the same operation. It depends on the
 *                machine's byte order
 *   svf_fnv1a    for little data: standard FNV-1a, byte by byte, so that any other program can
 *                compute it. It makes the fingerprint of a model's factors (svf/modules.h) */
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

/* Multiplication never carries high bits down; the shift does. */
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

/* The last 64 bytes, if incomplete, are padded with zeros: where lengths may differ, add them to
 * the digest too. */
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

/* The digest, which is never 0: that may stand for "none". */
static inline uint64_t svf_digest_end(const svf_digest *d)
{
  uint64_t sum = svf_digest_basis;
  for (int i = 0; i < 8; ++i) sum = svf_digest_step(sum, d->lane[i]);
  return sum ? sum : 1;
}

/* --- Byte by byte, from svf_digest_basis ------------------------------------------------------ */

static inline uint64_t svf_fnv1a(uint64_t sum, const void *data, size_t bytes)
{
  const unsigned char *p = (const unsigned char *)data;
  for (size_t i = 0; i < bytes; ++i) sum = (sum ^ p[i]) * svf_digest_prime;
  return sum;
}

/* The lower `bytes` bytes of a number, the lowest first on every machine. */
static inline uint64_t svf_fnv1a_number(uint64_t sum, uint64_t number, size_t bytes)
{
  for (size_t i = 0; i < bytes; ++i) {
    const unsigned char byte = (unsigned char)(number >> 8 * i);
    sum = svf_fnv1a(sum, &byte, 1);
  }
  return sum;
}

#endif
