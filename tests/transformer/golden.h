/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the golden models (tests/golden/README.md). */
#ifndef SVF_TESTS_GOLDEN_H
#define SVF_TESTS_GOLDEN_H

#include <svf/context.h>
#include <svf/model.h>
#include <svf/safetensors.h>

#include "tests/unit/suite.h"

enum { PROMPTS = 4, LONGEST = 64, GREEDY = 24 };

typedef struct golden {
  char dir[256];
  svf_safetensors *file;
} golden;

static inline golden golden_open(const char *name)
{
  golden g;
  char path[300];
  snprintf(g.dir, sizeof g.dir, "%s/%s", GOLDEN, name);
  snprintf(path, sizeof path, "%s/golden.safetensors", g.dir);
  ck_works(svf_safetensors_open(path, 0, &g.file));
  return g;
}

static inline const svf_tensor *golden_find(const golden *g, const char *what, int k)
{
  char name[64];
  snprintf(name, sizeof name, "%s.%d", what, k);
  return svf_safetensors_find(g->file, name);
}

static inline size_t golden_tokens(const golden *g, const char *what, int k, int32_t *out)
{
  const svf_tensor *t = golden_find(g, what, k);
  ck_assert_ptr_nonnull(t);
  ck_assert(t->dtype == SVF_TENSOR_I64 && t->elements <= LONGEST);
  for (size_t i = 0; i < t->elements; ++i) {
    int64_t v;
    memcpy(&v, (const char *)t->data + i * sizeof v, sizeof v);
    out[i] = (int32_t)v;
  }
  return t->elements;
}

/* Rows of one sequence, all of which want logits if `all`, else the last. */
static inline void rows_of(svf_row *rows, size_t sequence, const int32_t *tokens, size_t count,
                           int all)
{
  for (size_t i = 0; i < count; ++i)
    rows[i] = (svf_row){sequence, tokens[i], all || i + 1 == count};
}

static inline int32_t best(const float *logits, size_t vocab)
{
  size_t at = 0;
  for (size_t i = 1; i < vocab; ++i) {
    if (logits[i] > logits[at]) at = i;
  }
  return (int32_t)at;
}

#endif
