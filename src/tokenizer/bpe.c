/* SPDX-License-Identifier: Apache-2.0
 *
 * A word is a list of symbols, linked so that two become one in O(1), and a heap of possible
 * merges. A merge stays in the heap when one of its symbols is gone. That is noticed when its turn
 * comes, by the ids that it was made for. */
#include "src/tokenizer/bpe.h"

#include <stdlib.h>

#include "src/core/status.h"
#include "src/tokenizer/utf8.h"

typedef struct svf_tok_symbol {
  int32_t id;             /* -1: merged into the symbol before it */
  int32_t previous, next; /* -1: none */
} symbol;

typedef struct svf_tok_candidate {
  uint32_t rank;
  int32_t at; /* the left symbol */
  int32_t left, right, id;
} candidate;

void svf_tok_word_free(svf_tok_word *word)
{
  free(word->symbols);
  free(word->heap);
  *word = (svf_tok_word){0};
}

static bool before(const candidate *a, const candidate *b)
{
  return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

/* The heap has space for it: see reserve_heap. */
static void push(svf_tok_word *word, candidate c)
{
  size_t i = word->waiting++;
  for (; i > 0 && before(&c, &word->heap[(i - 1) / 2]); i = (i - 1) / 2) {
    word->heap[i] = word->heap[(i - 1) / 2];
  }
  word->heap[i] = c;
}

static candidate pop(svf_tok_word *word)
{
  const candidate top = word->heap[0];
  const candidate last = word->heap[--word->waiting];
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= word->waiting) break;
    if (child + 1 < word->waiting && before(&word->heap[child + 1], &word->heap[child])) ++child;
    if (!before(&word->heap[child], &last)) break;
    word->heap[i] = word->heap[child];
    i = child;
  }
  word->heap[i] = last;
  return top;
}

/* A word of n symbols begins with n - 1 candidates, and each of at most n - 1 merges takes one out
 * of the heap and puts two in. */
static svf_status reserve_heap(svf_tok_word *word)
{
  const size_t needed = 2 * word->count;
  if (needed <= word->heap_capacity) return SVF_OK;
  candidate *grown = svf_tok_grow(word->heap, &word->heap_capacity, needed, sizeof *grown);
  if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu merges", needed);
  word->heap = grown;
  return SVF_OK;
}

static svf_status add_symbol(svf_tok_word *word, int32_t id)
{
  if (word->count == word->symbol_capacity) {
    symbol *grown =
        svf_tok_grow(word->symbols, &word->symbol_capacity, word->count + 1, sizeof *grown);
    if (!grown) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu symbols", word->count + 1);
    word->symbols = grown;
  }
  const int32_t at = (int32_t)word->count;
  if (at > 0) word->symbols[at - 1].next = at;
  word->symbols[at] = (symbol){id, at - 1, -1};
  ++word->count;
  return SVF_OK;
}

/* Puts the pair that begins at symbol `at` into the heap, if the merges name it. */
static void propose(const svf_tok_bpe *bpe, svf_tok_word *word, int32_t at)
{
  if (at < 0 || word->symbols[at].next < 0) return;
  const int32_t left = word->symbols[at].id;
  const int32_t right = word->symbols[word->symbols[at].next].id;
  const svf_tok_merge *merge = svf_tok_merge_find(bpe, left, right);
  if (merge) push(word, (candidate){merge->rank, at, left, right, merge->id});
}

static void merge_all(const svf_tok_bpe *bpe, svf_tok_word *word)
{
  word->waiting = 0;
  for (size_t i = 0; i < word->count; ++i) propose(bpe, word, (int32_t)i);
  while (word->waiting > 0) {
    const candidate c = pop(word);
    symbol *left = &word->symbols[c.at];
    if (left->id != c.left || left->next < 0) continue;
    symbol *right = &word->symbols[left->next];
    if (right->id != c.right) continue;
    left->id = c.id;
    left->next = right->next;
    right->id = -1;
    if (left->next >= 0) word->symbols[left->next].previous = c.at;
    propose(bpe, word, left->previous);
    propose(bpe, word, c.at);
  }
}

/* The id of one character, or -1. */
static int32_t character(const svf_tok_bpe *bpe, const svf_tok_vocabulary *vocabulary,
                         const char *s, size_t bytes)
{
  const uint32_t c = svf_tok_utf8_at(s);
  if (c < SVF_TOK_QUICK) return bpe->quick[c];
  const svf_tok_token *token = svf_tok_find(vocabulary, s, bytes);
  return token && token->model ? token->id : -1;
}

/* Adds the character's bytes as tokens. *done becomes false, and nothing is added, if a byte has no
 * token. */
static svf_status fall_back(const svf_tok_bpe *bpe, svf_tok_word *word, const char *s, size_t bytes,
                            bool *done)
{
  svf_status status = SVF_OK;
  *done = false;
  for (size_t i = 0; i < bytes; ++i) {
    if (bpe->bytes[(unsigned char)s[i]] < 0) return SVF_OK;
  }
  for (size_t i = 0; i < bytes && status == SVF_OK; ++i) {
    status = add_symbol(word, bpe->bytes[(unsigned char)s[i]]);
  }
  *done = true;
  return status;
}

static svf_status add_unknown(const svf_tok_bpe *bpe, svf_tok_word *word, bool *pending)
{
  svf_status status = SVF_OK;
  if (bpe->unk_missing) {
    return svf_fail(SVF_ERR_FILE, "a character is unknown, and the unk_token is not in the vocab");
  }
  if (bpe->unk < 0) return SVF_OK;
  if (*pending && !bpe->fuse_unk) status = add_symbol(word, bpe->unk);
  *pending = true;
  return status;
}

/* Makes the word's first symbols, its characters. An unknown token is pending until a known
 * character comes; tokens of bytes are added before it, as in `tokenizers`. */
static svf_status add_characters(const svf_tok_bpe *bpe, const svf_tok_vocabulary *vocabulary,
                                 svf_tok_word *word, const char *text, size_t bytes)
{
  bool pending = false;
  svf_status status = SVF_OK;
  word->count = 0;
  for (size_t at = 0; at < bytes && status == SVF_OK;) {
    const char *s = text + at;
    const size_t length = svf_tok_utf8_length(s);
    const int32_t id = character(bpe, vocabulary, s, length);
    at += length;
    if (id >= 0) {
      if (pending) status = add_symbol(word, bpe->unk);
      pending = false;
      if (status == SVF_OK) status = add_symbol(word, id);
    } else {
      bool done;
      status = fall_back(bpe, word, s, length, &done);
      if (status == SVF_OK && !done) status = add_unknown(bpe, word, &pending);
    }
  }
  if (status == SVF_OK && pending) status = add_symbol(word, bpe->unk);
  return status;
}

svf_status svf_tok_bpe_encode(const svf_tok_bpe *bpe, const svf_tok_vocabulary *vocabulary,
                              svf_tok_word *word, const char *text, size_t bytes, svf_tok_ids *ids)
{
  if (bpe->ignore_merges) {
    const svf_tok_token *token = svf_tok_find(vocabulary, text, bytes);
    if (token && token->model) return svf_tok_ids_append(ids, token->id);
  }
  svf_status status = add_characters(bpe, vocabulary, word, text, bytes);
  if (status == SVF_OK) status = reserve_heap(word);
  if (status != SVF_OK) return status;
  merge_all(bpe, word);
  for (size_t i = 0; i < word->count && status == SVF_OK; ++i) {
    if (word->symbols[i].id >= 0) status = svf_tok_ids_append(ids, word->symbols[i].id);
  }
  return status;
}
