/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/text.h"
#include "src/tokenizer/json.h"
#include "src/tokenizer/tokenizer.h"

enum { MAX_AROUND = 64 }; /* ids on one side */

static const char what[] = "the post-processor TemplateProcessing";

static svf_status add_special(svf_tok_ids *ids, const json_t *special_tokens, const char *name)
{
  size_t i;
  json_t *value;
  const json_t *list = json_object_get(json_object_get(special_tokens, name), "ids");
  if (!json_is_array(list)) {
    return svf_fail(SVF_ERR_FILE, "%s: special token '%s' has no ids", what,
                    svf_text_show(name).text);
  }
  json_array_foreach(list, i, value)
  {
    int32_t id = 0;
    svf_status status = svf_tok_id(value, what, &id);
    if (status == SVF_OK && ids->count == MAX_AROUND) {
      status = svf_fail(SVF_ERR_UNSUPPORTED, "%s: more than %d ids", what, MAX_AROUND);
    }
    if (status == SVF_OK) status = svf_tok_ids_append(ids, id);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

/* A template is special tokens around "A". Those of a later template go around those of an earlier
 * one. */
static svf_status read_items(const json_t *node, svf_tok_ids *before, svf_tok_ids *after)
{
  size_t i;
  json_t *item;
  bool seen = false;
  const json_t *single = json_object_get(node, "single");
  if (!json_is_array(single)) return svf_fail(SVF_ERR_FILE, "%s has no list 'single'", what);
  json_array_foreach(single, i, item)
  {
    const json_t *special = json_object_get(item, "SpecialToken");
    const json_t *sequence = json_object_get(item, "Sequence");
    const char *id = json_string_value(json_object_get(special ? special : sequence, "id"));
    if (!id || (!special && (seen || strcmp(id, "A") != 0))) {
      return svf_fail(SVF_ERR_FILE, "%s: item %zu is neither a special token nor the only A", what,
                      i);
    }
    if (special) {
      const json_t *tokens = json_object_get(node, "special_tokens");
      const svf_status status = add_special(seen ? after : before, tokens, id);
      if (status != SVF_OK) return status;
    }
    seen |= !special;
  }
  return seen ? SVF_OK : svf_fail(SVF_ERR_FILE, "%s: the text A is not in it", what);
}

static svf_status append_all(svf_tok_ids *ids, const svf_tok_ids *more)
{
  svf_status status = SVF_OK;
  for (size_t i = 0; i < more->count && status == SVF_OK; ++i) {
    status = svf_tok_ids_append(ids, more->data[i]);
  }
  return status;
}

static svf_status read_template(svf_tokenizer *tokenizer, const json_t *node)
{
  svf_tok_ids before = {0};
  svf_tok_ids after = {0};
  svf_status status = read_items(node, &before, &after);
  if (status == SVF_OK) status = append_all(&before, &tokenizer->prefix);
  if (status == SVF_OK) status = append_all(&tokenizer->suffix, &after);
  if (status == SVF_OK) {
    const svf_tok_ids old = tokenizer->prefix;
    tokenizer->prefix = before;
    before = old;
  }
  free(before.data);
  free(after.data);
  return status;
}

static svf_status read_post_processor(const json_t *node, const char *type, void *context)
{
  if (strcmp(type, "ByteLevel") == 0) return SVF_OK; /* it only concerns offsets */
  if (strcmp(type, "TemplateProcessing") == 0) return read_template(context, node);
  return svf_tok_unknown_type("a post-processor", type);
}

svf_status svf_tok_post_processor_read(svf_tokenizer *tokenizer, const json_t *node)
{
  return svf_tok_each(node, "the post-processor", "processors", read_post_processor, tokenizer);
}
