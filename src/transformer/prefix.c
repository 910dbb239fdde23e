/* SPDX-License-Identifier: Apache-2.0
 *
 * When texts are sorted by their tokens, those that have most in common with one of them stand
 * beside it. Texts leave the sorted list from the last one to the first, so that those beside one
 * that leaves are earlier texts, and the nearer of the two is its leader. */
#include "src/transformer/prefix.h"

#include <stdlib.h>

#include "src/core/size.h"
#include "src/core/status.h"

/* A text's place in the sorted list; the first place and the last one are nobody's. */
typedef struct place {
  const svf_prefix *text;
  size_t before, after;
  size_t shared; /* with the text at `after` */
} place;

typedef struct child {
  size_t text, leader, shared;
} child;

typedef struct list {
  svf_prefix *texts;
  size_t count;
  place *places; /* [count + 2] */
  size_t *at;    /* [count] the place of a text; later where a text's children begin */
  child *children;
} list;

static size_t common(const svf_prefix *a, const svf_prefix *b)
{
  const size_t most = svf_size_min(a->count, b->count);
  size_t i = 0;
  if (a->hash != b->hash) return 0;
  while (i < most && a->tokens[i] == b->tokens[i]) ++i;
  return i;
}

static int compare(size_t a, size_t b) { return (a > b) - (a < b); }

static int by_tokens(const void *x, const void *y)
{
  const svf_prefix *a = ((const place *)x)->text, *b = ((const place *)y)->text;
  if (a->hash != b->hash) return a->hash > b->hash ? 1 : -1;
  const size_t i = common(a, b);
  if (i < a->count && i < b->count) return a->tokens[i] > b->tokens[i] ? 1 : -1;
  return a->count != b->count ? compare(a->count, b->count) : (a > b) - (a < b);
}

static void sort(list *l)
{
  place *p = l->places;
  for (size_t i = 0; i < l->count; ++i) p[i + 1].text = &l->texts[i];
  qsort(p + 1, l->count, sizeof *p, by_tokens);
  for (size_t i = 0; i <= l->count + 1; ++i) {
    const bool is_text = i > 0 && i <= l->count;
    p[i].before = i > 0 ? i - 1 : 0;
    p[i].after = i + 1;
    p[i].shared = is_text && i < l->count ? common(p[i].text, p[i + 1].text) : 0;
    if (is_text) l->at[p[i].text - l->texts] = i;
  }
}

static void find_leaders(list *l)
{
  for (size_t i = l->count; i-- > 0;) {
    place *own = &l->places[l->at[i]];
    place *before = &l->places[own->before], *after = &l->places[own->after];
    const bool is_after = own->shared > before->shared;
    const size_t shared = is_after ? own->shared : before->shared;
    const place *nearest = is_after ? after : before;
    l->texts[i].shared = shared;
    l->texts[i].leader = shared > 0 ? (size_t)(nearest->text - l->texts) : SVF_NONE;
    before->shared = svf_size_min(before->shared, own->shared);
    before->after = own->after;
    after->before = own->before;
  }
}

/* A leader that has as much in common with its own leader is followed by way of that one. */
static void shorten_ways(list *l)
{
  for (size_t i = 0; i < l->count; ++i) {
    svf_prefix *t = &l->texts[i];
    while (t->leader != SVF_NONE && l->texts[t->leader].shared >= t->shared) {
      t->leader = l->texts[t->leader].leader;
    }
  }
}

/* Children of one leader stand together, those that share most first. */
static int by_leader(const void *x, const void *y)
{
  const child *a = x, *b = y;
  if (a->leader != b->leader) return compare(a->leader, b->leader);
  if (a->shared != b->shared) return compare(b->shared, a->shared);
  return compare(a->text, b->text);
}

/* Each text, then its children, each followed by its own. The end of `order` is the stack of those
 * that are still to come, the next one first. */
static void walk(list *l, size_t *order)
{
  child *c = l->children;
  for (size_t i = 0; i < l->count; ++i) {
    c[i] = (child){i, l->texts[i].leader, l->texts[i].shared};
    l->at[i] = SVF_NONE;
  }
  qsort(c, l->count, sizeof *c, by_leader);
  size_t top = l->count, roots = l->count;
  for (size_t i = l->count; i-- > 0;) {
    if (c[i].leader == SVF_NONE) {
      roots = i;
    } else {
      l->at[c[i].leader] = i;
    }
  }
  for (size_t i = l->count; i-- > roots;) order[--top] = c[i].text;
  for (size_t done = 0; done < l->count; ++done) {
    const size_t text = order[top++], first = l->at[text];
    size_t end = first;
    order[done] = text;
    while (first != SVF_NONE && end < l->count && c[end].leader == text) ++end;
    while (end != first) order[--top] = c[--end].text;
  }
}

svf_status svf_prefix_order(svf_prefix *texts, size_t count, size_t *order)
{
  list l = {.texts = texts, .count = count};
  svf_status status = SVF_OK;
  l.places = calloc(count + 2, sizeof *l.places);
  l.at = calloc(count + 1, sizeof *l.at);
  l.children = calloc(count + 1, sizeof *l.children);
  if (!l.places || !l.at || !l.children) {
    status = svf_fail(SVF_ERR_MEMORY, "no memory for the order of %zu texts", count);
  } else {
    sort(&l);
    find_leaders(&l);
    shorten_ways(&l);
    walk(&l, order);
  }
  free(l.places);
  free(l.at);
  free(l.children);
  return status;
}
