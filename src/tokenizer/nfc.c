/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalization form C by utf8proc, except that marks are put in order here: utf8proc takes time
 * quadratic in the length of a run of marks, and texts from strangers may have long ones. */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/core/status.h"
#include "src/tokenizer/steps.h"
#include "src/tokenizer/utf8.h"

enum { MAX_DECOMPOSED = 18 }; /* code points that one may become in any normalization form */

typedef struct points {
  int32_t *list; /* code points */
  size_t count, capacity;
} points;

static svf_status reserve(points *p, size_t more)
{
  if (more <= p->capacity - p->count) return SVF_OK;
  int32_t *grown = svf_tok_grow(p->list, &p->capacity, p->count + more, sizeof *grown);
  if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory to normalize a text");
  p->list = grown;
  return SVF_OK;
}

static svf_status decompose(const char *text, size_t bytes, points *p)
{
  int boundary = 0;
  for (size_t at = 0; at < bytes; at += svf_tok_utf8_length(text + at)) {
    const svf_status status = reserve(p, MAX_DECOMPOSED);
    if (status != SVF_OK) return status;
    const utf8proc_ssize_t made =
        utf8proc_decompose_char((utf8proc_int32_t)svf_tok_utf8_at(text + at), p->list + p->count,
                                MAX_DECOMPOSED, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundary);
    if (made < 0 || made > MAX_DECOMPOSED) {
      return svf_fail(SVF_ERR_FAILED, "cannot normalize: %s", utf8proc_errmsg(made));
    }
    p->count += (size_t)made;
  }
  return SVF_OK;
}

static int combining_class(int32_t c) { return (int)utf8proc_get_property(c)->combining_class; }

/* Sorts a run of marks by their class, which is below 256, and keeps the order of equals. */
static void sort_run(int32_t *run, size_t count, int32_t *scratch)
{
  size_t start[257] = {0};
  for (size_t i = 0; i < count; ++i) ++start[combining_class(run[i]) + 1];
  for (size_t i = 1; i < 257; ++i) start[i] += start[i - 1];
  for (size_t i = 0; i < count; ++i) scratch[start[combining_class(run[i])]++] = run[i];
  memcpy(run, scratch, count * sizeof *run);
}

/* The same in place, which is faster for the few marks that are the rule. */
static void insert_run(int32_t *run, size_t count)
{
  for (size_t i = 1; i < count; ++i) {
    const int32_t c = run[i];
    size_t at = i;
    for (; at > 0 && combining_class(run[at - 1]) > combining_class(c); --at) run[at] = run[at - 1];
    run[at] = c;
  }
}

static svf_status order(points *p)
{
  const size_t few = 32;
  const size_t all = p->count;
  for (size_t i = 0; i < all;) {
    size_t end = i;
    while (end < all && combining_class(p->list[end]) != 0) ++end;
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

static svf_status compose(points *p, svf_tok_bytes *out)
{
  svf_status status = SVF_OK;
  const utf8proc_ssize_t count = utf8proc_normalize_utf32(p->list, (utf8proc_ssize_t)p->count,
                                                          UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  if (count < 0) return svf_fail(SVF_ERR_FAILED, "cannot normalize: %s", utf8proc_errmsg(count));
  for (utf8proc_ssize_t i = 0; i < count && status == SVF_OK; ++i) {
    char c[4];
    status = svf_tok_bytes_append(out, c, svf_tok_utf8_put((uint32_t)p->list[i], c));
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
  if (status == SVF_OK) status = compose(&p, out);
  free(p.list);
  return status;
}
