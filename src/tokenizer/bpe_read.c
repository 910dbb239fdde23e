/* SPDX-License-Identifier: Apache-2.0
 *
 * The model of a tokenizer.json: its options and its table of merges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/text.h"
#include "src/tokenizer/bpe.h"
#include "src/tokenizer/json.h"
#include "src/tokenizer/utf8.h"

/* The slot of that pair, or the empty one where it belongs, or another pair's slot if none near is
 * empty. */
static svf_tok_merge *find_slot(const svf_tok_bpe *bpe, int32_t left, int32_t right)
{
  size_t at = (size_t)svf_tok_mix((uint64_t)(uint32_t)left << 32 | (uint32_t)right) & bpe->mask;
  for (int i = 0; i < SVF_TOK_MAX_PROBES && bpe->merges[at].left >= 0; ++i) {
    if (bpe->merges[at].left == left && bpe->merges[at].right == right) break;
    at = (at + 1) & bpe->mask;
  }
  return &bpe->merges[at];
}

const svf_tok_merge *svf_tok_merge_find(const svf_tok_bpe *bpe, int32_t left, int32_t right)
{
  const svf_tok_merge *merge = find_slot(bpe, left, right);
  return merge->left == left && merge->right == right ? merge : NULL;
}

/* If a pair is there twice, its last rank counts. */
static svf_status put(svf_tok_bpe *bpe, svf_tok_merge merge)
{
  svf_tok_merge *slot = find_slot(bpe, merge.left, merge.right);
  if (slot->left >= 0 && (slot->left != merge.left || slot->right != merge.right)) {
    return svf_fail(SVF_ERR_FILE, "the merges before %u are chosen to collide when hashed",
                    (unsigned)merge.rank);
  }
  *slot = merge;
  return SVF_OK;
}

/* Reads the two tokens of a merge: "left right", or ["left", "right"] where tokens may have spaces.
 * Their texts end after bytes[i]. False if they are not two tokens. */
static bool read_pair(const json_t *merge, const char *text[2], size_t bytes[2])
{
  if (json_is_array(merge) && json_array_size(merge) == 2) {
    for (size_t i = 0; i < 2; ++i) {
      const json_t *item = json_array_get(merge, i);
      text[i] = json_string_value(item);
      bytes[i] = json_string_length(item);
    }
    return text[0] && text[1];
  }
  const char *both = json_string_value(merge);
  const char *space = both ? strchr(both, ' ') : NULL;
  if (!space || strchr(space + 1, ' ')) return false;
  text[0] = both;
  text[1] = space + 1;
  bytes[0] = (size_t)(space - both);
  bytes[1] = strlen(space + 1);
  return true;
}

/* Finds a token of the model by `bytes` bytes of a string of the file; NULL if there is none. */
static svf_status find_escaped(const svf_tok_vocabulary *vocabulary, const char *text, size_t bytes,
                               const svf_tok_token **token)
{
  const svf_tok_token *found = svf_tok_find(vocabulary, text, bytes);
  if (!found && strstr(text, SVF_JSON_ESCAPE)) {
    char *plain = malloc(bytes + 1);
    if (!plain) return svf_fail(SVF_ERR_MEMORY, "no memory for a merge");
    memcpy(plain, text, bytes);
    plain[bytes] = 0;
    found = svf_tok_find(vocabulary, plain, svf_json_unescape(plain));
    free(plain);
  }
  *token = found && found->model ? found : NULL;
  return SVF_OK;
}

static svf_status read_merge(svf_tok_bpe *bpe, const json_t *json,
                             const svf_tok_vocabulary *vocabulary, size_t rank)
{
  const char *text[2];
  size_t bytes[2];
  const svf_tok_token *token[2];
  if (!read_pair(json, text, bytes)) {
    return svf_fail(SVF_ERR_FILE, "merge %zu is not two tokens", rank);
  }
  for (size_t i = 0; i < 2; ++i) {
    const svf_status status = find_escaped(vocabulary, text[i], bytes[i], &token[i]);
    if (status != SVF_OK) return status;
    if (!token[i]) {
      return svf_fail(SVF_ERR_FILE, "merge %zu: '%s' is not in the vocab", rank,
                      svf_text_show(text[i]).text);
    }
  }
  const svf_tok_token *joined = svf_tok_find_joined(vocabulary, token[0], token[1]);
  if (!joined || !joined->model) {
    return svf_fail(SVF_ERR_FILE,
                    "merge %zu: '%s' and '%s' become a token that is not in the vocab", rank,
                    svf_text_show(text[0]).text, svf_text_show(text[1]).text);
  }
  return put(bpe, (svf_tok_merge){token[0]->id, token[1]->id, joined->id, (uint32_t)rank});
}

static svf_status read_merges(svf_tok_bpe *bpe, const json_t *merges,
                              const svf_tok_vocabulary *vocabulary)
{
  const size_t count = json_array_size(merges);
  size_t slots = 2;
  if (!json_is_array(merges)) return svf_fail(SVF_ERR_FILE, "the model has no list 'merges'");
  if (count > INT32_MAX)
    return svf_fail(SVF_ERR_FILE, "the model has %zu merges, which is too many", count);
  while (slots < 2 * count) slots *= 2;
  bpe->merges = malloc(slots * sizeof *bpe->merges);
  if (!bpe->merges) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu merges", count);
  bpe->mask = slots - 1;
  for (size_t i = 0; i < slots; ++i) bpe->merges[i].left = -1;
  for (size_t i = 0; i < count; ++i) {
    const svf_status status = read_merge(bpe, json_array_get(merges, i), vocabulary, i);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

static int32_t model_id(const svf_tok_vocabulary *vocabulary, const char *text, size_t bytes)
{
  const svf_tok_token *token = svf_tok_find(vocabulary, text, bytes);
  return token && token->model ? token->id : -1;
}

static void fill_tables(svf_tok_bpe *bpe, const svf_tok_vocabulary *vocabulary, bool byte_fallback)
{
  for (uint32_t c = 0; c < SVF_TOK_QUICK; ++c) {
    char text[4];
    bpe->quick[c] = model_id(vocabulary, text, svf_tok_utf8_put(c, text));
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    char text[8];
    const int bytes = snprintf(text, sizeof text, "<0x%02X>", byte);
    bpe->bytes[byte] = byte_fallback ? model_id(vocabulary, text, (size_t)bytes) : -1;
  }
}

/* Options that only other tokenizers have must be absent, null, empty or 0. */
static svf_status refuse_options(const json_t *model)
{
  static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
  for (size_t i = 0; i < 2; ++i) {
    const char *affix = json_string_value(json_object_get(model, affixes[i]));
    if (affix && affix[0]) {
      return svf_fail(SVF_ERR_UNSUPPORTED, "the model's %s '%s' is not supported", affixes[i],
                      svf_text_show(affix).text);
    }
  }
  if (json_number_value(json_object_get(model, "dropout")) != 0) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "the model's dropout is not supported");
  }
  return SVF_OK;
}

static svf_status read_unk(svf_tok_bpe *bpe, const json_t *model,
                           const svf_tok_vocabulary *vocabulary)
{
  const json_t *unk = json_object_get(model, "unk_token");
  bpe->unk = -1;
  if (!unk || json_is_null(unk)) return SVF_OK;
  if (!json_is_string(unk)) return svf_fail(SVF_ERR_FILE, "the model's unk_token is not a string");
  bpe->unk = model_id(vocabulary, json_string_value(unk), json_string_length(unk));
  bpe->unk_missing = bpe->unk < 0;
  return SVF_OK;
}

svf_status svf_tok_bpe_read(svf_tok_bpe *bpe, const json_t *model,
                            const svf_tok_vocabulary *vocabulary)
{
  bool byte_fallback = false;
  svf_status status = refuse_options(model);
  if (status == SVF_OK) {
    status = svf_tok_flag(model, "the model", "byte_fallback", false, &byte_fallback);
  }
  if (status == SVF_OK) {
    status = svf_tok_flag(model, "the model", "fuse_unk", false, &bpe->fuse_unk);
  }
  if (status == SVF_OK) {
    status = svf_tok_flag(model, "the model", "ignore_merges", false, &bpe->ignore_merges);
  }
  if (status == SVF_OK) status = read_unk(bpe, model, vocabulary);
  if (status == SVF_OK) status = read_merges(bpe, json_object_get(model, "merges"), vocabulary);
  if (status == SVF_OK) fill_tables(bpe, vocabulary, byte_fallback);
  return status;
}

void svf_tok_bpe_free(svf_tok_bpe *bpe)
{
  free(bpe->merges);
  bpe->merges = NULL;
}
