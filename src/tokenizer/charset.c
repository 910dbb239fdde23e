/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/charset.h"

#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/tokenizer/pieces.h"

void svf_tok_set_free(svf_tok_set *set)
{
  free(set->list);
  *set = (svf_tok_set){0};
}

static int by_first(const void *a, const void *b)
{
  const svf_tok_range *x = a;
  const svf_tok_range *y = b;
  return x->first < y->first ? -1 : x->first > y->first;
}

/* Puts ranges in order, and joins those between which there is no gap. */
static void tidy(svf_tok_set *set)
{
  size_t count = 0;
  if (set->count > 0) qsort(set->list, set->count, sizeof *set->list, by_first);
  for (size_t i = 0; i < set->count; ++i) {
    svf_tok_range *before = count > 0 ? &set->list[count - 1] : NULL;
    if (!before || set->list[i].first > before->last + 1) {
      set->list[count++] = set->list[i];
    } else if (set->list[i].last > before->last) {
      before->last = set->list[i].last;
    }
  }
  set->count = count;
}

static svf_status reserve_ranges(svf_tok_set *set, size_t more)
{
  svf_tok_range *grown = set->list;
  if (set->count + more <= set->capacity) return SVF_OK;
  grown = svf_tok_grow(grown, &set->capacity, set->count + more, sizeof *grown);
  if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory for a set of characters");
  set->list = grown;
  return SVF_OK;
}

/* Lengthens the last range by one that follows it at once. */
static bool lengthen(svf_tok_set *set, const svf_tok_range *range)
{
  svf_tok_range *last = set->count > 0 ? &set->list[set->count - 1] : NULL;
  if (!last || range->first != last->last + 1) return false;
  last->last = range->last;
  return true;
}

svf_status svf_tok_set_add(svf_tok_set *set, const svf_tok_range *ranges, size_t count)
{
  if (count == 1 && lengthen(set, ranges)) return SVF_OK;
  const svf_status status = reserve_ranges(set, count);
  if (status != SVF_OK || count == 0) return status;
  const bool last = set->count == 0 || ranges->first > set->list[set->count - 1].last;
  if (count == 1 && last) {
    set->list[set->count++] = *ranges;
    return SVF_OK;
  }
  memcpy(set->list + set->count, ranges, count * sizeof *ranges);
  set->count += count;
  tidy(set);
  return SVF_OK;
}

svf_status svf_tok_set_invert(svf_tok_set *set)
{
  svf_tok_set gaps = {0};
  uint32_t next = 0;
  const svf_status status = reserve_ranges(&gaps, set->count + 1);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < set->count; ++i) {
    if (set->list[i].first > next) {
      gaps.list[gaps.count++] = (svf_tok_range){next, set->list[i].first - 1};
    }
    next = set->list[i].last + 1;
  }
  if (next <= SVF_TOK_MAX_CHARACTER) {
    gaps.list[gaps.count++] = (svf_tok_range){next, SVF_TOK_MAX_CHARACTER};
  }
  svf_tok_set_free(set);
  *set = gaps;
  return SVF_OK;
}

svf_status svf_tok_set_intersect(svf_tok_set *set, const svf_tok_set *other)
{
  svf_tok_set both = {0};
  svf_status status = reserve_ranges(&both, set->count + other->count + 1);
  for (size_t i = 0, k = 0; status == SVF_OK && i < set->count && k < other->count;) {
    const svf_tok_range a = set->list[i];
    const svf_tok_range b = other->list[k];
    const svf_tok_range common = {a.first > b.first ? a.first : b.first,
                                  a.last < b.last ? a.last : b.last};
    if (common.first <= common.last) both.list[both.count++] = common;
    i += a.last <= b.last;
    k += b.last <= a.last;
  }
  if (status != SVF_OK) return status;
  svf_tok_set_free(set);
  *set = both;
  return SVF_OK;
}

bool svf_tok_set_has(const svf_tok_set *set, uint32_t c)
{
  size_t low = 0;
  size_t high = set->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (set->list[middle].last < c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < set->count && set->list[low].first <= c;
}

bool svf_tok_set_equal(const svf_tok_set *a, const svf_tok_set *b)
{
  return a->count == b->count &&
         (a->count == 0 || memcmp(a->list, b->list, a->count * sizeof *a->list) == 0);
}

/* All characters, divided where a set begins or ends. */
typedef struct division {
  uint32_t *first; /* [count]; the next one's, or SVF_TOK_MAX_CHARACTER + 1, is its end */
  uint8_t *kind;   /* [count] */
  size_t count;
} division;

static int by_value(const void *a, const void *b)
{
  const uint32_t x = *(const uint32_t *)a;
  const uint32_t y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static svf_status divide_all(division *d, const svf_tok_set *sets, size_t count)
{
  size_t most = 1;
  for (size_t i = 0; i < count; ++i) most += 2 * sets[i].count;
  d->first = malloc(most * sizeof *d->first);
  d->kind = calloc(most, sizeof *d->kind);
  if (!d->first || !d->kind) return svf_fail(SVF_ERR_MEMORY, "no memory for kinds of characters");
  size_t made = 0;
  d->first[made++] = 0;
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < sets[i].count; ++k) {
      d->first[made++] = sets[i].list[k].first;
      if (sets[i].list[k].last < SVF_TOK_MAX_CHARACTER) {
        d->first[made++] = sets[i].list[k].last + 1;
      }
    }
  }
  qsort(d->first, made, sizeof *d->first, by_value);
  for (size_t i = 0; i < made; ++i) {
    if (i == 0 || d->first[i] != d->first[i - 1]) d->first[d->count++] = d->first[i];
  }
  return SVF_OK;
}

/* Makes two kinds of each that only partly belongs to the set. */
static svf_status refine(division *d, const svf_tok_set *set, unsigned *kinds)
{
  int renamed[SVF_TOK_MAX_KINDS][2];
  unsigned count = 0;
  memset(renamed, -1, sizeof renamed);
  for (size_t i = 0, k = 0; i < d->count; ++i) {
    while (k < set->count && set->list[k].last < d->first[i]) ++k;
    const bool in = k < set->count && set->list[k].first <= d->first[i];
    int *name = &renamed[d->kind[i]][in];
    if (*name < 0 && count == SVF_TOK_MAX_KINDS) {
      return svf_fail(SVF_ERR_UNSUPPORTED, "more than %d kinds of characters", SVF_TOK_MAX_KINDS);
    }
    if (*name < 0) *name = (int)count++;
    d->kind[i] = (uint8_t)*name;
  }
  *kinds = count;
  return SVF_OK;
}

/* Stores a page, and gives its number: that of an equal one if there is one. */
static uint16_t store(svf_tok_kinds *kinds, const uint8_t page[256], unsigned *pages)
{
  for (unsigned i = *pages; i-- > 0;) {
    if (memcmp(kinds->pages[i], page, sizeof kinds->pages[i]) == 0) return (uint16_t)i;
  }
  memcpy(kinds->pages[*pages], page, sizeof *kinds->pages);
  return (uint16_t)(*pages)++;
}

/* Writes the kinds of the characters from `first` on; *at is the part of the division that the one
 * before is in. True if all are of one part. */
static bool write_page(const division *d, uint32_t first, size_t *at, uint8_t page[256])
{
  while (*at + 1 < d->count && d->first[*at + 1] <= first) ++*at;
  memset(page, d->kind[*at], 256);
  if (*at + 1 == d->count || d->first[*at + 1] > first + 255) return true;
  for (uint32_t i = 1; i < 256; ++i) {
    while (*at + 1 < d->count && d->first[*at + 1] <= first + i) ++*at;
    page[i] = d->kind[*at];
  }
  return false;
}

static svf_status fill_pages(svf_tok_kinds *kinds, const division *d)
{
  const size_t pages = sizeof kinds->page_of / sizeof *kinds->page_of;
  /* A page is a new one only if a part begins in it, or if its one kind is new. */
  const size_t most = svf_size_min(pages, d->count + SVF_TOK_MAX_KINDS);
  int uniform[SVF_TOK_MAX_KINDS]; /* the page of characters of that kind, or -1 */
  unsigned stored = 0;
  uint8_t page[256];
  memset(uniform, -1, sizeof uniform);
  kinds->pages = malloc(most * sizeof *kinds->pages);
  if (!kinds->pages) return svf_fail(SVF_ERR_MEMORY, "no memory for kinds of characters");
  for (size_t i = 0, at = 0; i < pages; ++i) {
    const bool one = write_page(d, (uint32_t)i << 8, &at, page);
    if (one && uniform[page[0]] >= 0) {
      kinds->page_of[i] = (uint16_t)uniform[page[0]];
      continue;
    }
    kinds->page_of[i] = store(kinds, page, &stored);
    if (one) uniform[page[0]] = kinds->page_of[i];
  }
  memcpy(kinds->ascii, kinds->pages[kinds->page_of[0]], sizeof kinds->ascii);
  return SVF_OK;
}

svf_status svf_tok_kinds_make(svf_tok_kinds *kinds, const svf_tok_set *sets, size_t count)
{
  division d = {0};
  svf_status status = divide_all(&d, sets, count);
  kinds->count = 1;
  for (size_t i = 0; i < count && status == SVF_OK; ++i) {
    status = refine(&d, &sets[i], &kinds->count);
  }
  for (size_t i = 0; i < d.count && status == SVF_OK; ++i) kinds->example[d.kind[i]] = d.first[i];
  if (status == SVF_OK) status = fill_pages(kinds, &d);
  free(d.first);
  free(d.kind);
  return status;
}

void svf_tok_kinds_free(svf_tok_kinds *kinds)
{
  free(kinds->pages);
  kinds->pages = NULL;
}
