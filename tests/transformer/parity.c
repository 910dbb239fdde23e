/* SPDX-License-Identifier: Apache-2.0
 *
 * Logits and greedy tokens of tiny models against Hugging Face transformers. */
#include <math.h>

#include "tests/transformer/golden.h"

static const char *const models[] = {"llama2",      "llama3", "mistral",
                                     "mistral-f16", "qwen2",  "qwen2-window",
                                     "tinyllama",   "smollm", "llama-bf16-sharded"};
enum { MODELS = sizeof models / sizeof *models };

static double worst(const float *got, const svf_tensor *want)
{
  double largest = 0, difference = 0;
  for (size_t i = 0; i < want->elements; ++i) {
    float w;
    memcpy(&w, (const char *)want->data + i * sizeof w, sizeof w);
    largest = fmax(largest, fabs((double)w));
    difference = fmax(difference, fabs((double)got[i] - (double)w));
  }
  return difference / largest;
}

static void check_logits(svf_context *c, const golden *g, const char *model, size_t vocab)
{
  for (int k = 0; k < PROMPTS; ++k) {
    int32_t ids[LONGEST];
    svf_row rows[LONGEST];
    const size_t n = golden_tokens(g, "ids", k, ids);
    const svf_tensor *want = golden_find(g, "logits", k);
    ck_assert_uint_eq(want->elements, n * vocab);
    float *logits = malloc(n * vocab * sizeof *logits);
    ck_works(svf_context_begin(c, 0, NULL, NULL, 0, NULL));
    rows_of(rows, 0, ids, n, 1);
    ck_works(svf_context_forward(c, rows, n, logits));
    const double error = worst(logits, want);
    ck_assert_msg(error < 1e-4, "%s, prompt %d: logits differ by %g of the largest", model, k,
                  error);
    free(logits);
  }
}

static void check_greedy(svf_context *c, const golden *g, const char *model, size_t vocab)
{
  float *logits = malloc(vocab * sizeof *logits);
  for (int k = 0; k < PROMPTS; ++k) {
    int32_t ids[LONGEST], want[LONGEST];
    svf_row rows[LONGEST];
    const size_t n = golden_tokens(g, "ids", k, ids);
    ck_assert_uint_eq(golden_tokens(g, "greedy", k, want), GREEDY);
    ck_works(svf_context_begin(c, 0, NULL, NULL, 0, NULL));
    rows_of(rows, 0, ids, n, 0);
    ck_works(svf_context_forward(c, rows, n, logits));
    for (int i = 0; i < GREEDY; ++i) {
      const int32_t token = best(logits, vocab);
      ck_assert_msg(token == want[i], "%s, prompt %d: token %d is %d, expected %d", model, k, i,
                    token, want[i]);
      ck_works(svf_context_forward(c, &(svf_row){0, token, 1}, 1, logits));
    }
  }
  free(logits);
}

START_TEST(logits_and_tokens_are_those_of_transformers)
{
  for (int i = 0; i < MODELS; ++i) {
    golden g = golden_open(models[i]);
    svf_model *model = NULL;
    svf_context *context = NULL;
    svf_model_info info = {.size = sizeof info};
    ck_works(svf_model_open(g.dir, NULL, &model));
    svf_model_get_info(model, &info);
    ck_works(svf_context_create(model, NULL, &context));
    check_logits(context, &g, models[i], info.vocab);
    check_greedy(context, &g, models[i], info.vocab);
    svf_context_destroy(context);
    svf_model_close(model);
    svf_safetensors_close(g.file);
  }
}
END_TEST

SUITE("parity", logits_and_tokens_are_those_of_transformers)
