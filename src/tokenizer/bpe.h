/* SPDX-License-Identifier: Apache-2.0
 *
 * Byte pair encoding of one word: of all neighbouring pairs that the merges name, the one of least
 * rank becomes one symbol, the leftmost of equals first, until no such pair is left. */
#ifndef SVF_TOKENIZER_BPE_H
#define SVF_TOKENIZER_BPE_H

#include <jansson.h>

#include "src/tokenizer/pieces.h"
#include "src/tokenizer/vocabulary.h"

typedef struct svf_tok_merge {
  int32_t left, right; /* left < 0: an empty slot */
  int32_t id;
  uint32_t rank;
} svf_tok_merge;

/* Characters below this have their ids in a table; the byte-level alphabet is among them. */
#define SVF_TOK_QUICK 0x180

typedef struct svf_tok_bpe {
  svf_tok_merge *merges; /* [mask + 1], open addressing by the pair of ids */
  size_t mask;
  int32_t quick[SVF_TOK_QUICK]; /* ids of characters, or -1 */
  int32_t bytes[256]; /* ids of tokens <0x00>...<0xFF>, or -1; all are -1 without byte_fallback */
  int32_t unk;        /* id of the unk_token; -1: unknown characters are left out */
  bool unk_missing;   /* the file names an unk_token that is not a token */
  bool fuse_unk;      /* unknown characters in a row become one token */
  bool ignore_merges; /* a word that is a token as a whole becomes that token */
} svf_tok_bpe;

/* Read the file's `model`, whose vocabulary has been read before. It must be freed, also after a
 * failure. Errors: FILE, UNSUPPORTED, MEMORY. */
svf_status svf_tok_bpe_read(svf_tok_bpe *bpe, const json_t *model,
                            const svf_tok_vocabulary *vocabulary);

void svf_tok_bpe_free(svf_tok_bpe *bpe);

/* Memory of one thread for words. Set it to zero first. */
typedef struct svf_tok_word {
  struct svf_tok_symbol *symbols;
  struct svf_tok_candidate *heap;
  size_t count, symbol_capacity;
  size_t waiting, heap_capacity;
} svf_tok_word;

void svf_tok_word_free(svf_tok_word *word);

/* Append the ids of a word of well-formed UTF-8, in O(n log n) time. Errors: FILE (unk_missing),
 * MEMORY. */
svf_status svf_tok_bpe_encode(const svf_tok_bpe *bpe, const svf_tok_vocabulary *vocabulary,
                              svf_tok_word *word, const char *text, size_t bytes, svf_tok_ids *ids);

/* The merge of two ids, or NULL. */
const svf_tok_merge *svf_tok_merge_find(const svf_tok_bpe *bpe, int32_t left, int32_t right);

#endif
