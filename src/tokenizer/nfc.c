/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalization form C (Unicode Standard Annex 15), of the version of Unicode that `tokenizers`
 * has: characters are decomposed, marks put in order, and what composes is composed. */
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/tokenizer/steps.h"
#include "src/tokenizer/unicode.h"
#include "src/tokenizer/utf8.h"

enum { MAX_DECOMPOSED = 4 }; /* characters that one may become */

/* A character, with its combining class in the upper 8 bits. */
typedef uint32_t point;

static uint32_t character_of(point p) { return p & 0xffffff; }
static unsigned class_of(point p) { return p >> 24; }

typedef struct points {
  point *list;
  size_t count, capacity;
} points;

static svf_status reserve(points *p, size_t more)
{
  if (more <= p->capacity - p->count) return SVF_OK;
  point *grown = svf_tok_grow(p->list, &p->capacity, p->count + more, sizeof *grown);
  if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory to normalize a text");
  p->list = grown;
  return SVF_OK;
}

/* Writes the full decomposition of a character, and counts its characters. A step makes at most one
 * that cannot be decomposed any further, after one that may be. */
static size_t decompose_fully(uint32_t c, point out[MAX_DECOMPOSED])
{
  uint32_t tail[MAX_DECOMPOSED]; /* what follows c, the last character first */
  size_t tails = 0;
  size_t count = 0;
  uint32_t first;
  uint32_t second;
  while (tails < MAX_DECOMPOSED - 1 && svf_tok_decompose(c, &first, &second)) {
    if (second != 0) tail[tails++] = second;
    c = first;
  }
  tail[tails++] = c;
  while (tails > 0) {
    c = tail[--tails];
    out[count++] = svf_tok_combining_class(c) << 24 | c;
  }
  return count;
}

static svf_status decompose(const char *text, size_t bytes, points *p)
{
  for (size_t at = 0; at < bytes; at += svf_tok_utf8_length(text + at)) {
    const svf_status status = reserve(p, MAX_DECOMPOSED);
    if (status != SVF_OK) return status;
    p->count += decompose_fully(svf_tok_utf8_at(text + at), p->list + p->count);
  }
  return SVF_OK;
}

/* Sorts a run of marks by their class, which is below 256, and keeps the order of equals. */
static void sort_run(point *run, size_t count, point *scratch)
{
  size_t start[257] = {0};
  for (size_t i = 0; i < count; ++i) ++start[class_of(run[i]) + 1];
  for (size_t i = 1; i < 257; ++i) start[i] += start[i - 1];
  for (size_t i = 0; i < count; ++i) scratch[start[class_of(run[i])]++] = run[i];
  memcpy(run, scratch, count * sizeof *run);
}

/* The same in place, which is faster for the few marks that are the rule. */
static void insert_run(point *run, size_t count)
{
  for (size_t i = 1; i < count; ++i) {
    const point c = run[i];
    size_t at = i;
    for (; at > 0 && class_of(run[at - 1]) > class_of(c); --at) {
      run[at] = run[at - 1];
    }
    run[at] = c;
  }
}

static svf_status order(points *p)
{
  const size_t few = 32;
  const size_t all = p->count;
  for (size_t i = 0; i < all;) {
    size_t end = i;
    while (end < all && class_of(p->list[end]) != 0) ++end;
    if (end - i > few) {
      const svf_status status = reserve(p, all); /* scratch memory after the points */
      if (status != SVF_OK) return status;
      sort_run(p->list + i, end - i, p->list + all);
    } else {
      insert_run(p->list + i, end - i);
    }
    i = end + (end == i);
  }
  return SVF_OK;
}

/* Composes in place: a character with the last starter before it, unless a mark or starter between
 * them blocks it, one whose class is not less than its own. */
static void compose(points *p)
{
  size_t starter = SIZE_MAX;
  size_t count = 0;
  unsigned last = 0; /* class of the last character that was kept after the starter */
  for (size_t i = 0; i < p->count; ++i) {
    const uint32_t c = character_of(p->list[i]);
    const unsigned class = class_of(p->list[i]);
    const bool next = starter < count && count == starter + 1; /* nothing is between them */
    const uint32_t composed =
        starter < count && (next || last < class) ? svf_tok_compose(p->list[starter], c) : 0;
    if (composed != 0) {
      p->list[starter] = composed;
      continue;
    }
    if (class == 0) starter = count;
    last = class;
    p->list[count++] = p->list[i];
  }
  p->count = count;
}

static svf_status append_points(const points *p, svf_tok_bytes *out)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < p->count && status == SVF_OK; ++i) {
    char c[4];
    status = svf_tok_bytes_append(out, c, svf_tok_utf8_put(character_of(p->list[i]), c));
  }
  return status;
}

static bool is_ascii(const char *text, size_t bytes)
{
  for (size_t i = 0; i < bytes; ++i) {
    if ((unsigned char)text[i] >= 0x80) return false;
  }
  return true;
}

svf_status svf_tok_nfc(const char *text, size_t bytes, svf_tok_bytes *out)
{
  points p = {0};
  if (is_ascii(text, bytes)) return svf_tok_bytes_append(out, text, bytes);
  svf_status status = decompose(text, bytes, &p);
  if (status == SVF_OK) status = order(&p);
  if (status == SVF_OK) compose(&p);
  if (status == SVF_OK) status = append_points(&p, out);
  free(p.list);
  return status;
}
