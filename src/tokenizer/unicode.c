/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/unicode.h"

#include <string.h>

#include "src/core/status.h"

static const svf_tok_range spaces[] = {
    {0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
    {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

/* Hangul syllables are L, V and perhaps T, in the order of L, then V, then T; "T_BASE" stands for
 * no T. */
enum {
  L_BASE = 0x1100,
  V_BASE = 0x1161,
  T_BASE = 0x11a7,
  S_BASE = 0xac00,
  L_COUNT = 19,
  V_COUNT = 21,
  T_COUNT = 28,
  S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

enum {
  FIRST_MARK = 0x300,     /* the least character with a class, or that composes with one before */
  FIRST_COMPOSITE = 0xc0, /* the least that decomposes */
};

bool svf_tok_is_space(uint32_t c)
{
  for (size_t i = 0; i < sizeof spaces / sizeof *spaces; ++i) {
    if (c <= spaces[i].last) return c >= spaces[i].first;
  }
  return false;
}

/* How many entries of a sorted list are at most x. */
static size_t count_up_to(const uint32_t *list, size_t count, uint32_t x)
{
  size_t low = 0;
  while (low < count) {
    const size_t middle = low + (count - low) / 2;
    if (list[middle] <= x) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  return low;
}

bool svf_tok_is_word(uint32_t c) { return count_up_to(svf_tok_word, svf_tok_word_count, c) % 2; }

unsigned svf_tok_combining_class(uint32_t c)
{
  if (c < FIRST_MARK) return 0;
  return svf_tok_combining[count_up_to(svf_tok_combining, svf_tok_combining_count, c << 8 | 0xff) -
                           1] &
         0xff;
}

static bool decompose_hangul(uint32_t c, uint32_t *first, uint32_t *second)
{
  const uint32_t s = c - S_BASE;
  if (s % T_COUNT != 0) {
    *first = S_BASE + s / T_COUNT * T_COUNT;
    *second = T_BASE + s % T_COUNT;
  } else {
    *first = L_BASE + s / T_COUNT / V_COUNT;
    *second = V_BASE + s / T_COUNT % V_COUNT;
  }
  return true;
}

bool svf_tok_decompose(uint32_t c, uint32_t *first, uint32_t *second)
{
  size_t low = 0;
  size_t high = svf_tok_decompositions_count;
  if (c < FIRST_COMPOSITE) return false;
  if (c >= S_BASE && c < S_BASE + S_COUNT) return decompose_hangul(c, first, second);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (svf_tok_decompositions[middle].from < c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const svf_tok_decomposition *found = &svf_tok_decompositions[low];
  if (low == svf_tok_decompositions_count || found->from != c) return false;
  *first = found->first;
  *second = found->second;
  return true;
}

static uint32_t compose_hangul(uint32_t first, uint32_t second)
{
  if (first >= L_BASE && first < L_BASE + L_COUNT && second >= V_BASE &&
      second < V_BASE + V_COUNT) {
    return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
  }
  if (first >= S_BASE && first < S_BASE + S_COUNT && (first - S_BASE) % T_COUNT == 0 &&
      second > T_BASE && second < T_BASE + T_COUNT) {
    return first + (second - T_BASE);
  }
  return 0;
}

uint32_t svf_tok_compose(uint32_t first, uint32_t second)
{
  const uint64_t pair = (uint64_t)first << 32 | second;
  size_t low = 0;
  size_t high = svf_tok_compositions_count;
  if (second < FIRST_MARK) return 0;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const svf_tok_decomposition *at = &svf_tok_decompositions[svf_tok_compositions[middle]];
    const uint64_t here = (uint64_t)at->first << 32 | at->second;
    if (here == pair) return at->from;
    if (here < pair) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return compose_hangul(first, second);
}

svf_status svf_tok_set_add_space(svf_tok_set *set)
{
  return svf_tok_set_add(set, spaces, sizeof spaces / sizeof *spaces);
}

static svf_status add_numeric(svf_tok_set *set)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < svf_tok_numeric_count && status == SVF_OK; i += 2) {
    const svf_tok_range range = {svf_tok_numeric[i], svf_tok_numeric[i + 1] - 1};
    status = svf_tok_set_add(set, &range, 1);
  }
  return status;
}

/* Adds the characters that have one of the values. */
static svf_status add_values(svf_tok_set *set, const uint32_t *table, size_t count,
                             const bool wanted[256])
{
  svf_tok_set found = {0};
  svf_status status = SVF_OK;
  for (size_t i = 0; i < count && status == SVF_OK; ++i) {
    const uint32_t end = i + 1 < count ? table[i + 1] >> 8 : SVF_TOK_MAX_CHARACTER + 1;
    const svf_tok_range range = {table[i] >> 8, end - 1};
    if (wanted[table[i] & 0xff]) status = svf_tok_set_add(&found, &range, 1);
  }
  if (status == SVF_OK) status = svf_tok_set_add(set, found.list, found.count);
  svf_tok_set_free(&found);
  return status;
}

static char lower(char c) { return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

/* True if the first `bytes` bytes of `name` are `known` or, with any_end, what it begins with. */
static bool is_named(const char *known, const char *name, size_t bytes, bool any_end)
{
  for (size_t i = 0; i < bytes; ++i) {
    if (name[i] == '_') continue;
    if (lower(name[i]) != lower(*known)) return false;
    ++known;
  }
  return any_end || *known == 0;
}

/* Sets wanted[v] for the values of that name, and tells if there are any. */
static bool find_values(const svf_tok_name *names, size_t count, const char *name, size_t bytes,
                        bool any_end, bool wanted[256])
{
  bool found = false;
  for (size_t i = 0; i < count; ++i) {
    if (!is_named(names[i].name, name, bytes, any_end)) continue;
    wanted[names[i].value] = true;
    found = true;
  }
  return found;
}

svf_status svf_tok_set_add_property(svf_tok_set *set, const char *name, size_t bytes, bool *known)
{
  bool wanted[256] = {false};
  *known = true;
  if (find_values(svf_tok_category_names, svf_tok_category_names_count, name, bytes, bytes == 1,
                  wanted)) {
    return add_values(set, svf_tok_categories, svf_tok_categories_count, wanted);
  }
  if (find_values(svf_tok_script_names, svf_tok_script_names_count, name, bytes, false, wanted)) {
    return add_values(set, svf_tok_scripts, svf_tok_scripts_count, wanted);
  }
  *known = is_named("Digits", name, bytes, false);
  return *known ? add_numeric(set) : SVF_OK;
}
