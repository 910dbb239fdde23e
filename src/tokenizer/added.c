/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#include <svf/tokenizer.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/text.h"
#include "src/tokenizer/json.h"
#include "src/tokenizer/unicode.h"
#include "src/tokenizer/utf8.h"

static const char what[] = "an added token";

/* The id that the file gives must be one, although another may be used. */
static svf_status check_id(const json_t *node, const char *content)
{
  size_t id;
  if (svf_json_size(json_object_get(node, "id"), &id) && id <= UINT32_MAX) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "added token '%s': its id is no integer in 0..%u",
                  svf_text_show(content).text, (unsigned)UINT32_MAX);
}

/* Adds a token with the id `next`, or finds it, and counts it in `next` if it is new. */
static svf_status add_token(svf_tok_vocabulary *vocabulary, const svf_tok_plain *content,
                            bool special, int32_t *next)
{
  svf_tok_token *known = svf_tok_find(vocabulary, content->text, content->bytes);
  if (known) {
    known->special |= special;
    return SVF_OK;
  }
  if (content->bytes > SVF_TOK_MAX_ADDED) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "added token '%s' has %zu bytes, the limit is %d",
                    svf_text_show(content->text).text, content->bytes, SVF_TOK_MAX_ADDED);
  }
  if (*next > SVF_TOKENIZER_MAX_ID) return svf_fail(SVF_ERR_FILE, "there are too many tokens");
  const svf_tok_token token = {.bytes = (uint32_t)content->bytes, .id = *next, .special = special};
  ++*next;
  return svf_tok_vocabulary_add(vocabulary, &token, content->text);
}

static svf_status read_content(const json_t *node, svf_tok_plain *content)
{
  const char *text = json_string_value(json_object_get(node, "content"));
  if (!text) return svf_fail(SVF_ERR_FILE, "%s has no string 'content'", what);
  return svf_tok_plain_make(text, content);
}

svf_status svf_tok_added_vocabulary(const json_t *added_tokens, svf_tok_vocabulary *vocabulary)
{
  size_t i;
  json_t *node;
  int32_t next = (int32_t)vocabulary->count;
  json_array_foreach(added_tokens, i, node)
  {
    svf_tok_plain content = {0};
    bool special = false;
    svf_status status = read_content(node, &content);
    if (status == SVF_OK) status = check_id(node, content.text);
    if (status == SVF_OK) status = svf_tok_flag(node, what, "special", false, &special);
    if (status == SVF_OK && content.bytes > 0) { /* `tokenizers` skips empty ones too */
      status = add_token(vocabulary, &content, special, &next);
    }
    svf_tok_plain_free(&content);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

/* Makes the text by which a token is found: its content after these normalizing steps. */
static svf_status normalize(const svf_tok_steps *steps, const svf_tok_plain *content,
                            svf_tok_added *token)
{
  const size_t bytes = content->bytes;
  const size_t limit = 64 * (size_t)SVF_TOK_MAX_ADDED;
  svf_tok_matcher matcher = {.work = svf_tok_matcher_work(bytes)};
  svf_tok_pieces pieces = {.text.limit = limit};
  svf_tok_pieces spare = {.text.limit = limit};
  svf_status status = svf_tok_bytes_append(&pieces.text, content->text, bytes);
  if (status == SVF_OK) status = svf_tok_pieces_add(&pieces, 0, bytes, true);
  if (status == SVF_OK) status = svf_tok_steps_run(steps, &matcher, &pieces, &spare);
  if (status == SVF_OK && pieces.count > 0) {
    token->text = pieces.text.data;
    token->bytes = pieces.text.count;
    pieces.text = (svf_tok_bytes){0};
  }
  svf_tok_pieces_free(&pieces);
  svf_tok_pieces_free(&spare);
  svf_tok_matcher_free(&matcher);
  return status;
}

static svf_status read_flags(const json_t *node, svf_tok_added *token)
{
  svf_status status = svf_tok_flag(node, what, "single_word", false, &token->single_word);
  if (status == SVF_OK) status = svf_tok_flag(node, what, "lstrip", false, &token->lstrip);
  if (status == SVF_OK) status = svf_tok_flag(node, what, "rstrip", false, &token->rstrip);
  return status;
}

static svf_status read_one(const json_t *node, const svf_tok_vocabulary *vocabulary,
                           const svf_tok_steps *normalizer, svf_tok_added *token)
{
  svf_tok_plain content = {0};
  svf_status status = read_content(node, &content);
  if (status == SVF_OK) {
    const svf_tok_token *known = svf_tok_find(vocabulary, content.text, content.bytes);
    token->id = known->id;
    token->special = known->special;
    status = read_flags(node, token);
  }
  if (status == SVF_OK) status = normalize(normalizer, &content, token);
  svf_tok_plain_free(&content);
  return status;
}

static int by_text(const void *a, const void *b)
{
  const svf_tok_added *x = a;
  const svf_tok_added *y = b;
  const size_t bytes = x->bytes < y->bytes ? x->bytes : y->bytes;
  const int order = memcmp(x->text, y->text, bytes);
  if (order != 0) return order;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static svf_status read_all(svf_tok_added_set *set, const json_t *added_tokens, bool normalized,
                           const svf_tok_vocabulary *vocabulary, const svf_tok_steps *normalizer)
{
  static const svf_tok_steps none = {0};
  size_t i;
  json_t *node;
  json_array_foreach(added_tokens, i, node)
  {
    bool special;
    bool is_normalized;
    svf_status status = svf_tok_flag(node, what, "special", false, &special);
    if (status == SVF_OK) {
      status = svf_tok_flag(node, what, "normalized", !special, &is_normalized);
    }
    if (status != SVF_OK) return status;
    if (is_normalized != normalized || !json_string_length(json_object_get(node, "content"))) {
      continue;
    }
    svf_tok_added *token = &set->list[set->count];
    status = read_one(node, vocabulary, normalized ? normalizer : &none, token);
    if (status != SVF_OK) return status;
    if (token->bytes == 0) continue;
    set->begins[(unsigned char)token->text[0]] = true;
    ++set->count;
  }
  return SVF_OK;
}

svf_status svf_tok_added_read(svf_tok_added_set *set, const json_t *added_tokens, bool normalized,
                              const svf_tok_vocabulary *vocabulary, const svf_tok_steps *normalizer)
{
  const size_t count = json_array_size(added_tokens);
  *set = (svf_tok_added_set){0};
  set->list = calloc(count + 1, sizeof *set->list);
  if (!set->list) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu added tokens", count);
  const svf_status status = read_all(set, added_tokens, normalized, vocabulary, normalizer);
  if (status == SVF_OK && set->count > 0) {
    qsort(set->list, set->count, sizeof *set->list, by_text);
  }
  return status;
}

void svf_tok_added_free(svf_tok_added_set *set)
{
  for (size_t i = 0; i < set->count; ++i) free(set->list[i].text);
  free(set->list);
  *set = (svf_tok_added_set){0};
}

/* The first of list[low, high), whose first `depth` bytes are equal, that has a byte >= c after
 * them; `high` if there is none. */
static size_t bisect(const svf_tok_added_set *set, size_t low, size_t high, size_t depth, int c)
{
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const svf_tok_added *token = &set->list[middle];
    const int here = token->bytes > depth ? (unsigned char)token->text[depth] : -1;
    if (here < c) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* The longest token that the text begins with, or NULL. */
static const svf_tok_added *longest(const svf_tok_added_set *set, const char *text, size_t bytes)
{
  const svf_tok_added *best = NULL;
  size_t low = 0;
  size_t high = set->count;
  for (size_t depth = 0; depth < bytes && low < high; ++depth) {
    const int c = (unsigned char)text[depth];
    low = bisect(set, low, high, depth, c);
    high = bisect(set, low, high, depth, c + 1);
    if (low < high && set->list[low].bytes == depth + 1) best = &set->list[low];
  }
  return best;
}

static bool is_alone(const char *text, size_t bytes, size_t begin, size_t end)
{
  if (begin > 0 && svf_tok_is_word(svf_tok_utf8_before(text, text + begin))) return false;
  return end == bytes || !svf_tok_is_word(svf_tok_utf8_at(text + end));
}

/* Where the white space just before `begin` begins, but not before `least`. */
static size_t strip_left(const char *text, size_t begin, size_t least)
{
  while (begin > least) {
    char scratch[4];
    const uint32_t c = svf_tok_utf8_before(text, text + begin);
    if (!svf_tok_is_space(c)) break;
    begin -= svf_tok_utf8_put(c, scratch);
  }
  return begin;
}

static size_t strip_right(const char *text, size_t bytes, size_t end)
{
  while (end < bytes && svf_tok_is_space(svf_tok_utf8_at(text + end))) {
    end += svf_tok_utf8_length(text + end);
  }
  return end;
}

void svf_tok_added_next(const svf_tok_added_set *set, const char *text, size_t bytes,
                        bool skip_special, svf_tok_hit *hit)
{
  hit->plain = hit->end;
  while (hit->search < bytes) {
    const size_t begin = hit->search;
    const svf_tok_added *token =
        set->begins[(unsigned char)text[begin]] ? longest(set, text + begin, bytes - begin) : NULL;
    hit->search += token ? token->bytes : 1;
    if (!token || (skip_special && token->special)) continue;
    if (token->single_word && !is_alone(text, bytes, begin, hit->search)) continue;
    hit->token = token;
    hit->begin = token->lstrip ? strip_left(text, begin, hit->plain) : begin;
    hit->end = token->rstrip ? strip_right(text, bytes, hit->search) : hit->search;
    return;
  }
  hit->token = NULL;
  hit->begin = hit->end = bytes;
}
