/* SPDX-License-Identifier: Apache-2.0
 *
 * Normalizers and pre-tokenizers of a tokenizer.json as steps. */
#include <stdlib.h>
#include <string.h>

#include "src/core/status.h"
#include "src/io/json.h"
#include "src/io/text.h"
#include "src/tokenizer/json.h"
#include "src/tokenizer/steps.h"

static const char gpt2_words[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* Adds a step, and takes what it owns, also on failure. */
static svf_status add(svf_tok_steps *steps, svf_tok_step step)
{
  if (steps->count == steps->capacity) {
    svf_tok_step *grown =
        svf_tok_grow(steps->list, &steps->capacity, steps->count + 1, sizeof *grown);
    if (!grown) {
      svf_tok_pattern_free(step.pattern);
      free(step.content);
      return svf_fail(SVF_ERR_MEMORY, "no memory for %zu steps", steps->count + 1);
    }
    steps->list = grown;
  }
  steps->list[steps->count++] = step;
  return SVF_OK;
}

void svf_tok_steps_free(svf_tok_steps *steps)
{
  for (size_t i = 0; i < steps->count; ++i) {
    svf_tok_pattern_free(steps->list[i].pattern);
    free(steps->list[i].content);
  }
  free(steps->list);
  *steps = (svf_tok_steps){0};
}

/* Adds a step with a content, and takes its pattern, also on failure. */
static svf_status add_content(svf_tok_steps *steps, svf_tok_step step, const char *content)
{
  step.content_bytes = strlen(content);
  step.content = step.content_bytes <= SVF_TOK_MAX_CONTENT ? malloc(step.content_bytes + 1) : NULL;
  if (step.content) {
    memcpy(step.content, content, step.content_bytes + 1);
    return add(steps, step);
  }
  svf_tok_pattern_free(step.pattern);
  if (step.content_bytes <= SVF_TOK_MAX_CONTENT) return svf_fail(SVF_ERR_MEMORY, "no memory");
  return svf_fail(SVF_ERR_UNSUPPORTED, "a replacement of %zu bytes; at most %d are supported",
                  step.content_bytes, SVF_TOK_MAX_CONTENT);
}

static svf_status add_split(svf_tok_steps *steps, const char *pattern, bool literal,
                            svf_tok_behavior behavior)
{
  svf_tok_step step = {.kind = SVF_TOK_SPLIT, .behavior = behavior};
  const svf_status status = svf_tok_pattern_make(pattern, literal, &step.pattern);
  return status == SVF_OK ? add(steps, step) : status;
}

static svf_status read_pattern(const json_t *node, const char *what, svf_tok_pattern **pattern)
{
  const json_t *object = json_object_get(node, "pattern");
  const char *literal = json_string_value(json_object_get(object, "String"));
  const char *regex = json_string_value(json_object_get(object, "Regex"));
  if (!literal == !regex) {
    return svf_fail(SVF_ERR_FILE, "%s: its pattern is neither a String nor a Regex", what);
  }
  if (strstr(literal ? literal : regex, SVF_JSON_ESCAPE)) {
    return svf_fail(SVF_ERR_UNSUPPORTED, "%s: U+0000 or U+FFFE in its pattern is not supported",
                    what);
  }
  return svf_tok_pattern_make(literal ? literal : regex, literal != NULL, pattern);
}

svf_status svf_tok_replace_read(svf_tok_steps *steps, const json_t *node, const char *what)
{
  const char *content;
  svf_tok_step step = {.kind = SVF_TOK_REPLACE};
  svf_status status = svf_tok_string(node, what, "content", &content);
  if (status != SVF_OK) return status;
  status = read_pattern(node, what, &step.pattern);
  return status == SVF_OK ? add_content(steps, step, content) : status;
}

static svf_status read_normalizer(const json_t *node, const char *type, void *context)
{
  svf_tok_steps *steps = context;
  if (strcmp(type, "NFC") == 0) return add(steps, (svf_tok_step){.kind = SVF_TOK_NFC});
  if (strcmp(type, "Replace") == 0) {
    return svf_tok_replace_read(steps, node, "normalizer Replace");
  }
  if (strcmp(type, "Prepend") == 0) {
    const char *content;
    const svf_status status = svf_tok_string(node, "normalizer Prepend", "prepend", &content);
    if (status != SVF_OK) return status;
    return add_content(steps, (svf_tok_step){.kind = SVF_TOK_PREFIX}, content);
  }
  return svf_tok_unknown_type("a normalizer", type);
}

svf_status svf_tok_normalizer_read(svf_tok_steps *steps, const json_t *node)
{
  return svf_tok_each(node, "the normalizer", "normalizers", read_normalizer, steps);
}

static svf_status read_behavior(const json_t *node, svf_tok_behavior *behavior)
{
  static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext",
                                      "Contiguous"};
  const char *name;
  const svf_status status = svf_tok_string(node, "pre-tokenizer Split", "behavior", &name);
  if (status != SVF_OK) return status;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(name, names[i]) == 0) {
      *behavior = (svf_tok_behavior)i;
      return SVF_OK;
    }
  }
  return svf_fail(SVF_ERR_FILE, "pre-tokenizer Split: unknown behavior '%s'",
                  svf_text_show(name).text);
}

static svf_status read_split(svf_tok_steps *steps, const json_t *node)
{
  svf_tok_step step = {.kind = SVF_TOK_SPLIT};
  svf_status status = read_behavior(node, &step.behavior);
  if (status == SVF_OK) {
    status = svf_tok_flag(node, "pre-tokenizer Split", "invert", false, &step.invert);
  }
  if (status == SVF_OK) status = read_pattern(node, "pre-tokenizer Split", &step.pattern);
  return status == SVF_OK ? add(steps, step) : status;
}

static svf_status read_digits(svf_tok_steps *steps, const json_t *node)
{
  bool individual;
  const svf_status status =
      svf_tok_flag(node, "pre-tokenizer Digits", "individual_digits", false, &individual);
  if (status != SVF_OK) return status;
  return add_split(steps, "\\p{Digits}", false, individual ? SVF_TOK_ISOLATED : SVF_TOK_CONTIGUOUS);
}

static svf_status read_byte_level(svf_tok_steps *steps, const json_t *node)
{
  bool prefix;
  bool words = true;
  svf_status status =
      svf_tok_flag(node, "pre-tokenizer ByteLevel", "add_prefix_space", true, &prefix);
  if (status == SVF_OK) {
    status = svf_tok_flag(node, "pre-tokenizer ByteLevel", "use_regex", true, &words);
  }
  if (status == SVF_OK && prefix) {
    status = add_content(steps, (svf_tok_step){.kind = SVF_TOK_PREFIX, .unless_there = true}, " ");
  }
  if (status == SVF_OK && words) status = add_split(steps, gpt2_words, false, SVF_TOK_ISOLATED);
  return status == SVF_OK ? add(steps, (svf_tok_step){.kind = SVF_TOK_BYTES}) : status;
}

svf_status svf_tok_scheme_read(const json_t *node, bool *prefix, bool *first_only)
{
  const json_t *scheme = json_object_get(node, "prepend_scheme");
  const char *name = json_string_value(scheme);
  *first_only = false;
  if (!scheme) {
    return svf_tok_flag(node, "Metaspace", "add_prefix_space", true, prefix);
  }
  *prefix = name && strcmp(name, "never") != 0;
  *first_only = name && strcmp(name, "first") == 0;
  if (name && (!*prefix || *first_only || strcmp(name, "always") == 0)) return SVF_OK;
  return svf_fail(SVF_ERR_FILE, "Metaspace: unknown prepend_scheme '%s'",
                  svf_text_show(name ? name : "").text);
}

static svf_status read_metaspace(svf_tok_steps *steps, const json_t *node)
{
  const char *mark;
  bool prefix = false;
  bool first_only = false;
  bool words = true;
  svf_tok_step step = {.kind = SVF_TOK_REPLACE};
  svf_status status = svf_tok_string(node, "pre-tokenizer Metaspace", "replacement", &mark);
  if (status == SVF_OK) status = svf_tok_scheme_read(node, &prefix, &first_only);
  if (status == SVF_OK) {
    status = svf_tok_flag(node, "pre-tokenizer Metaspace", "split", true, &words);
  }
  if (status == SVF_OK) status = svf_tok_pattern_make(" ", true, &step.pattern);
  if (status == SVF_OK) status = add_content(steps, step, mark);
  if (status == SVF_OK && prefix) {
    const svf_tok_step put = {
        .kind = SVF_TOK_PREFIX, .unless_there = true, .first_only = first_only};
    status = add_content(steps, put, mark);
  }
  if (status == SVF_OK && words) status = add_split(steps, mark, true, SVF_TOK_MERGED_WITH_NEXT);
  return status;
}

static svf_status read_pre_tokenizer(const json_t *node, const char *type, void *context)
{
  svf_tok_steps *steps = context;
  if (strcmp(type, "ByteLevel") == 0) return read_byte_level(steps, node);
  if (strcmp(type, "Split") == 0) return read_split(steps, node);
  if (strcmp(type, "Digits") == 0) return read_digits(steps, node);
  if (strcmp(type, "Metaspace") == 0) return read_metaspace(steps, node);
  return svf_tok_unknown_type("a pre-tokenizer", type);
}

svf_status svf_tok_pre_tokenizer_read(svf_tok_steps *steps, const json_t *node)
{
  return svf_tok_each(node, "the pre-tokenizer", "pretokenizers", read_pre_tokenizer, steps);
}
