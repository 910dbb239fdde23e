/* SPDX-License-Identifier: Apache-2.0
 *
 * Widths from the models' published config.json: hidden, key/value (heads_kv * head_dim), MLP. */
#include "bench/models.h"

#include <stdio.h>
#include <string.h>

#include "bench/list.h"

typedef struct model {
  const char *name;
  size_t hidden, kv, mlp;
} model;

static const model models[] = {
    {"llama-3-8b", 4096, 1024, 14336},   {"mistral-7b", 4096, 1024, 14336},
    {"qwen2.5-0.5b", 896, 128, 4864},    {"smollm-135m", 576, 192, 1536},
    {"tinyllama-1.1b", 2048, 256, 5632}, {"toy", 256, 64, 896},
};

static void add(shape *out, size_t *count, const char *name, size_t m, size_t n)
{
  for (size_t i = 0; i < *count; ++i) {
    if (out[i].m == m && out[i].n == n) {
      const size_t length = strlen(out[i].name);
      snprintf(out[i].name + length, sizeof out[i].name - length, ",%s", name);
      return;
    }
  }
  shape *s = &out[(*count)++];
  *s = (shape){.m = m, .n = n, .r = m < n ? m : n};
  snprintf(s->name, sizeof s->name, "%s", name);
}

size_t model_shapes(const char *name, shape out[SHAPES_MAX])
{
  for (size_t i = 0; i < sizeof models / sizeof *models; ++i) {
    const model *mo = &models[i];
    if (strcmp(mo->name, name) != 0) continue;
    size_t count = 0;
    add(out, &count, "q", mo->hidden, mo->hidden);
    add(out, &count, "k", mo->kv, mo->hidden);
    add(out, &count, "v", mo->kv, mo->hidden);
    add(out, &count, "o", mo->hidden, mo->hidden);
    add(out, &count, "gate", mo->mlp, mo->hidden);
    add(out, &count, "up", mo->mlp, mo->hidden);
    add(out, &count, "down", mo->hidden, mo->mlp);
    return count;
  }
  return 0;
}

void model_names(char *text, size_t bytes)
{
  *text = 0;
  for (size_t i = 0; i < sizeof models / sizeof *models; ++i) list_add(text, bytes, models[i].name);
}
