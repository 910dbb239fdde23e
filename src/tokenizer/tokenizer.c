/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening a tokenizer.json, and access to its vocabulary. */
#define _POSIX_C_SOURCE 200809L
#include "src/tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/core/status.h"
#include "src/io/file.h"
#include "src/io/json.h"
#include "src/io/text.h"
#include "src/tokenizer/json.h"

/* U+0000 may be in tokens. Limits otherwise as usual. */
static const svf_json_limits file_limits = {
    .what = "the file", .depth = 64, .values = 1u << 22, .escape = true};

/* What the vocabulary needs space for. */
typedef struct measure {
  size_t tokens, text_bytes;
  int32_t max_id;
} measure;

static svf_status measure_model(measure *m, json_t *vocab)
{
  const char *text;
  json_t *value;
  json_object_foreach(vocab, text, value)
  {
    int32_t id;
    char what[96];
    snprintf(what, sizeof what, "token '%s'", svf_text_show(text).text);
    const svf_status status = svf_tok_id(value, what, &id);
    if (status != SVF_OK) return status;
    ++m->tokens;
    m->text_bytes += strlen(text);
    if (id > m->max_id) m->max_id = id;
  }
  return SVF_OK;
}

/* Added tokens get the ids from the number of the model's tokens on: see added.h. */
static void measure_added(measure *m, const json_t *added_tokens)
{
  size_t i;
  json_t *value;
  json_array_foreach(added_tokens, i, value)
  {
    m->text_bytes += json_string_length(json_object_get(value, "content"));
  }
  m->tokens += json_array_size(added_tokens);
  if (m->tokens > (size_t)m->max_id + 1) m->max_id = (int32_t)(m->tokens - 1);
}

static svf_status add_model_tokens(svf_tok_vocabulary *vocabulary, json_t *vocab)
{
  const char *text;
  json_t *value;
  json_object_foreach(vocab, text, value)
  {
    svf_tok_plain plain;
    svf_status status = svf_tok_plain_make(text, &plain);
    const svf_tok_token token = {
        .bytes = (uint32_t)plain.bytes, .id = (int32_t)json_integer_value(value), .model = true};
    if (status == SVF_OK) status = svf_tok_vocabulary_add(vocabulary, &token, plain.text);
    svf_tok_plain_free(&plain);
    if (status != SVF_OK) return status;
  }
  return SVF_OK;
}

static svf_status read_vocabulary(svf_tokenizer *tokenizer, const json_t *model,
                                  const json_t *added_tokens)
{
  measure m = {0};
  json_t *vocab = json_object_get(model, "vocab");
  if (!json_is_object(vocab)) return svf_fail(SVF_ERR_FILE, "the model has no object 'vocab'");
  if (added_tokens && !json_is_array(added_tokens) && !json_is_null(added_tokens)) {
    return svf_fail(SVF_ERR_FILE, "added_tokens is not a list");
  }
  svf_status status = measure_model(&m, vocab);
  if (status == SVF_OK) {
    measure_added(&m, added_tokens);
    status = svf_tok_vocabulary_make(&tokenizer->vocabulary, m.tokens, m.text_bytes, m.max_id);
  }
  if (status == SVF_OK) status = add_model_tokens(&tokenizer->vocabulary, vocab);
  if (status == SVF_OK) status = svf_tok_added_vocabulary(added_tokens, &tokenizer->vocabulary);
  return status;
}

/* Refuses models other than BPE. Files of old versions do not say that they are BPE. */
static svf_status check_model(const json_t *model)
{
  const json_t *type = json_object_get(model, "type");
  if (!json_is_object(model)) return svf_fail(SVF_ERR_FILE, "there is no object 'model'");
  if (!type && json_object_get(model, "merges")) return SVF_OK;
  if (!json_is_string(type)) return svf_fail(SVF_ERR_FILE, "the model has no string 'type'");
  if (strcmp(json_string_value(type), "BPE") == 0) return SVF_OK;
  return svf_tok_unknown_type("a model", json_string_value(type));
}

static svf_status read_all(svf_tokenizer *t, const json_t *root)
{
  const json_t *model = json_object_get(root, "model");
  const json_t *added = json_object_get(root, "added_tokens");
  svf_status status = check_model(model);
  if (status == SVF_OK) {
    status = svf_tok_normalizer_read(&t->normalizer, json_object_get(root, "normalizer"));
  }
  if (status == SVF_OK) {
    status = svf_tok_pre_tokenizer_read(&t->pre_tokenizer, json_object_get(root, "pre_tokenizer"));
  }
  if (status == SVF_OK) status = read_vocabulary(t, model, added);
  if (status == SVF_OK) status = svf_tok_bpe_read(&t->bpe, model, &t->vocabulary);
  if (status == SVF_OK) {
    status = svf_tok_added_read(&t->verbatim, added, false, &t->vocabulary, &t->normalizer);
  }
  if (status == SVF_OK) {
    status = svf_tok_added_read(&t->normalized, added, true, &t->vocabulary, &t->normalizer);
  }
  if (status == SVF_OK) {
    status = svf_tok_post_processor_read(t, json_object_get(root, "post_processor"));
  }
  if (status == SVF_OK) {
    status = svf_tok_decoding_read(&t->decoding, json_object_get(root, "decoder"), &t->vocabulary);
  }
  return status;
}

static svf_status from_json(const json_t *root, svf_tokenizer **out)
{
  svf_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
  if (!tokenizer) return svf_fail(SVF_ERR_MEMORY, "no memory for %zu bytes", sizeof *tokenizer);
  svf_status status = read_all(tokenizer, root);
  if (status == SVF_ERR_OVERFLOW) { /* its rules make its own tokens too long */
    char what[128];
    snprintf(what, sizeof what, "%s", svf_last_message());
    status = svf_fail(SVF_ERR_FILE, "%s of a token", what);
  }
  if (status == SVF_OK) {
    *out = tokenizer;
  } else {
    svf_tokenizer_close(tokenizer);
  }
  return status;
}

svf_status svf_tokenizer_parse(const char *json, size_t bytes, svf_tokenizer **tokenizer)
{
  json_t *root;
  if (!json || !tokenizer) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", json ? "tokenizer" : "json");
  }
  *tokenizer = NULL;
  if (bytes > SVF_TOKENIZER_MAX_FILE) {
    return svf_fail(SVF_ERR_FILE, "the file has %zu bytes, the limit is %zu", bytes,
                    SVF_TOKENIZER_MAX_FILE);
  }
  svf_status status = svf_json_parse(json, bytes, &file_limits, &root);
  if (status != SVF_OK) return status;
  status = from_json(root, tokenizer);
  json_decref(root);
  return status;
}

static svf_status open_file(const char *path, svf_tokenizer **tokenizer)
{
  char *json;
  size_t bytes;
  json_t *root;
  svf_status status = svf_file_read(path, SVF_TOKENIZER_MAX_FILE, &json, &bytes);
  if (status != SVF_OK) return status;
  status = svf_json_parse(json, bytes, &file_limits, &root);
  free(json);
  if (status == SVF_OK) status = from_json(root, tokenizer);
  json_decref(root);
  return svf_file_at_path(status, path);
}

svf_status svf_tokenizer_open(const char *path, svf_tokenizer **tokenizer)
{
  static const char name[] = "/tokenizer.json";
  struct stat info;
  if (!path || !tokenizer) {
    return svf_fail(SVF_ERR_NULL, "%s is NULL", path ? "tokenizer" : "path");
  }
  *tokenizer = NULL;
  if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return open_file(path, tokenizer);
  const size_t bytes = strlen(path) + sizeof name;
  char *inside = malloc(bytes);
  if (!inside) return svf_fail(SVF_ERR_MEMORY, "no memory for a path of %zu bytes", bytes);
  snprintf(inside, bytes, "%s%s", path, name);
  const svf_status status = open_file(inside, tokenizer);
  free(inside);
  return status;
}

void svf_tokenizer_close(svf_tokenizer *tokenizer)
{
  if (!tokenizer) return;
  svf_tok_decoding_free(&tokenizer->decoding);
  svf_tok_added_free(&tokenizer->verbatim);
  svf_tok_added_free(&tokenizer->normalized);
  svf_tok_steps_free(&tokenizer->normalizer);
  svf_tok_steps_free(&tokenizer->pre_tokenizer);
  svf_tok_bpe_free(&tokenizer->bpe);
  svf_tok_vocabulary_free(&tokenizer->vocabulary);
  free(tokenizer->prefix.data);
  free(tokenizer->suffix.data);
  free(tokenizer);
}

size_t svf_tokenizer_size(const svf_tokenizer *tokenizer)
{
  return tokenizer ? tokenizer->vocabulary.size : 0;
}

const char *svf_tokenizer_token(const svf_tokenizer *tokenizer, int32_t id)
{
  const svf_tok_token *token = tokenizer ? svf_tok_at(&tokenizer->vocabulary, id) : NULL;
  return token ? svf_tok_text(&tokenizer->vocabulary, token) : NULL;
}

int32_t svf_tokenizer_id(const svf_tokenizer *tokenizer, const char *token)
{
  if (!tokenizer || !token) return -1;
  const svf_tok_token *found = svf_tok_find(&tokenizer->vocabulary, token, strlen(token));
  return found ? found->id : -1;
}

bool svf_tokenizer_is_special(const svf_tokenizer *tokenizer, int32_t id)
{
  const svf_tok_token *token = tokenizer ? svf_tok_at(&tokenizer->vocabulary, id) : NULL;
  return token && token->special;
}
