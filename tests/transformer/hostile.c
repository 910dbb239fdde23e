/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints that lie: each is refused with a message, and none is believed before its tensors are
 * there. */
#define _GNU_SOURCE
#include <sys/resource.h>

#include <math.h>

#include <svf/convert.h>

#include "tests/convert/files.h"
#include "tests/io/temp.h"
#include "tests/transformer/golden.h"

#define Q "model.layers.0.self_attn.q_proj" /* 48 x 48 */
#define K "model.layers.0.self_attn.k_proj" /* 16 x 48 */

/* --- Models that differ from a golden one ----------------------------------------------------- */

typedef struct part {
  const char *name;
  svf_tensor_type dtype;
  int ndim;
  size_t shape[2];
  const void *data; /* NULL: zeros */
} part;

static const char *copy_config(const char *dir)
{
  char path[300], text[4096];
  snprintf(path, sizeof path, "%s/config.json", dir);
  FILE *file = fopen(path, "rb");
  ck_assert_ptr_nonnull(file);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  const char *out = temp_path("model");
  ck_assert(mkdir(out, 0777) == 0 || access(out, F_OK) == 0);
  temp_write_text(temp_path("model/config.json"), text);
  return out;
}

static void append(svf_safetensors_writer *w, const part *p, size_t bytes)
{
  static const char zeros[1 << 16];
  ck_assert(p->data || bytes <= sizeof zeros);
  ck_works(svf_safetensors_append(w, p->data ? p->data : zeros, bytes));
}

static size_t bytes_of(const part *p)
{
  const size_t elements = p->shape[0] * (p->ndim > 1 ? p->shape[1] : 1);
  return elements * (p->dtype == SVF_TENSOR_U8 ? 1 : p->dtype == SVF_TENSOR_F16 ? 2 : 4);
}

/* smollm with these tensors more; its own of the names in `without` are left out. */
static const char *make(const part *parts, size_t count, const char *without)
{
  golden g = golden_open("smollm");
  char path[300];
  svf_safetensors *file = NULL;
  svf_safetensors_entry entries[64];
  svf_safetensors_writer *w = NULL;
  size_t n = 0;
  snprintf(path, sizeof path, "%s/model.safetensors", g.dir);
  ck_works(svf_safetensors_open(path, 0, &file));
  for (size_t i = 0; i < count; ++i) {
    const part *p = &parts[i];
    entries[n++] = (svf_safetensors_entry){
        sizeof *entries, p->name, p->dtype, p->ndim, {p->shape[0], p->shape[1]}};
  }
  for (size_t i = 0; i < svf_safetensors_count(file); ++i) {
    const svf_tensor *t = svf_safetensors_at(file, i);
    if (without && strstr(t->name, without)) continue;
    entries[n] = (svf_safetensors_entry){
        .size = sizeof *entries, .name = t->name, .dtype = t->dtype, .ndim = t->ndim};
    memcpy(entries[n++].shape, t->shape, sizeof t->shape);
  }
  const char *dir = copy_config(g.dir);
  ck_works(svf_safetensors_create(temp_path("model/model.safetensors"), entries, n, NULL, 0, &w));
  for (size_t i = 0; i < count; ++i) append(w, &parts[i], bytes_of(&parts[i]));
  for (size_t i = count; i < n; ++i) {
    const svf_tensor *t = svf_safetensors_find(file, entries[i].name);
    ck_works(svf_safetensors_append(w, t->data, t->bytes));
  }
  ck_works(svf_safetensors_commit(&w));
  svf_safetensors_close(file);
  svf_safetensors_close(g.file);
  return dir;
}

#define refused_as(dir, code, words)                                                \
  do {                                                                              \
    svf_model *model_ = NULL;                                                       \
    ck_fails(svf_model_open(dir, NULL, &model_), code, words);                      \
    ck_assert_ptr_null(model_);                                                     \
    ck_fails(pack_with(dir, temp_path("packed"),                                    \
                       &(svf_model_options){.size = sizeof(svf_model_options)}, 0), \
             code, "");                                                             \
  } while (0)

#define refused(dir, words) refused_as(dir, SVF_ERR_FILE, words)

/* --- Tests ------------------------------------------------------------------------------------ */

START_TEST(factors_that_do_not_fit)
{
  static const struct {
    size_t u[2], s, v[2];
    const char *words;
  } cases[] = {{{48, 0}, 0, {0, 48}, "has 0 singular values"},
               {{48, 49}, 49, {49, 48}, "has 49 singular values, a 48 x 48 matrix has 1 to 48"},
               {{48, 5}, 4, {4, 48}, "q_proj.U' has shape [48, 5], the model needs [48, 4]"},
               {{4, 48}, 4, {4, 48}, "q_proj.U' has shape [4, 48], the model needs [48, 4]"},
               {{48, 4}, 4, {48, 4}, "q_proj.V' has shape [48, 4], the model needs [4, 48]"}};
  temp_make();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const part parts[] = {{Q ".U", SVF_TENSOR_F32, 2, {cases[i].u[0], cases[i].u[1]}, NULL},
                          {Q ".S", SVF_TENSOR_F32, 1, {cases[i].s}, NULL},
                          {Q ".V", SVF_TENSOR_F32, 2, {cases[i].v[0], cases[i].v[1]}, NULL}};
    refused(make(parts, 3, NULL), cases[i].words);
  }
  const part half[] = {{Q ".U", SVF_TENSOR_F32, 2, {48, 4}, NULL},
                       {Q ".S", SVF_TENSOR_F16, 1, {4}, NULL},
                       {Q ".V", SVF_TENSOR_F32, 2, {4, 48}, NULL}};
  refused(make(half, 3, NULL), "q_proj.S' is F16");
  refused(make(half, 2, NULL), "has no .V");
  refused(make(half + 1, 1, NULL), "has no .U");
  ck_assert_ptr_nonnull(strstr(svf_last_message(), "/model.safetensors)"));
  refused(make(half, 0, "q_proj"), Q ".weight' is missing: the model needs it, [48, 48] (");
  ck_assert_ptr_nonnull(strstr(svf_last_message(), "/model.safetensors)"));
  refused(make(half, 0, "model.norm"),
          "'model.norm.weight' is missing: the model needs it, [48] (");
  temp_remove();
}
END_TEST

START_TEST(weights_that_are_no_numbers)
{
  static float nan[48 * 48], inf[4] = {1, 1, 1, INFINITY};
  nan[48 * 48 - 1] = NAN;
  const part dense[] = {{Q ".weight", SVF_TENSOR_F32, 2, {48, 48}, nan}};
  const part factors[] = {{Q ".U", SVF_TENSOR_F32, 2, {48, 4}, NULL},
                          {Q ".S", SVF_TENSOR_F32, 1, {4}, inf},
                          {Q ".V", SVF_TENSOR_F32, 2, {4, 48}, NULL}};
  temp_make();
  refused_as(make(dense, 1, "layers.0.self_attn.q_proj"), SVF_ERR_NUMERIC,
             Q ".weight' has NaN or Inf");
  refused_as(make(factors, 3, NULL), SVF_ERR_NUMERIC, Q ".S' has NaN or Inf");
  const svf_decompose_options mlp = {.size = sizeof mlp, .layers = SVF_DECOMPOSE_MLP};
  ck_fails(svf_model_decompose(make(dense, 1, "layers.0.self_attn.q_proj"), temp_path("kept"),
                               svf_svd, &mlp),
           SVF_ERR_NUMERIC, Q ".weight' has NaN or Inf");
  temp_remove();
}
END_TEST

/* A packed m x n layer of rank r, all ones. */
static void *packed(size_t m, size_t n, size_t r, size_t *bytes)
{
  float *ones = malloc((m + n + 1) * (r + n) * sizeof *ones);
  for (size_t i = 0; i < (m + n + 1) * (r + n); ++i) ones[i] = 1;
  const svf_linear_source source = {.size = sizeof source,
                                    .m = m,
                                    .n = n,
                                    .r = r,
                                    .u = ones,
                                    .u_stride = r ? r : n,
                                    .vt = r ? ones : NULL,
                                    .vt_stride = n,
                                    .sigma = r ? ones : NULL};
  ck_works(svf_linear_bytes(&source, bytes));
  void *block = aligned_alloc(SVF_LINEAR_ALIGNMENT, *bytes);
  ck_works(svf_linear_pack(&source, block, *bytes));
  free(ones);
  return block;
}

static const char *with_block(const void *block, size_t bytes)
{
  return make(&(part){K ".packed", SVF_TENSOR_U8, 1, {bytes}, block}, 1, NULL);
}

START_TEST(packed_layers_that_lie)
{
  size_t bytes;
  temp_make();
  char *block = packed(16, 48, 8, &bytes);
  svf_linear_header *h = (svf_linear_header *)(void *)block;
  const svf_linear_header good = *h;
  svf_model *model = NULL;
  ck_works(svf_model_open(with_block(block, bytes), NULL, &model));
  svf_model_close(model);
  refused(with_block(block, bytes - 1), "k_proj.packed': block: its header says");
  refused(with_block(block, sizeof *h), "k_proj.packed': block: its header says");
  refused(with_block(block, sizeof *h - 1), "is 127 bytes of U8");
  h->r = 1u << 20;
  refused(with_block(block, bytes), "k_proj.packed'");
  h->r = UINT64_MAX / 2;
  refused(with_block(block, bytes), "k_proj.packed'");
  *h = good;
  h->m = 17;
  refused(with_block(block, bytes), "is a 17 x 48 layer");
  *h = good;
  h->u_offset += 1u << 30;
  refused(with_block(block, bytes), "do not follow");
  *h = good;
  h->format = 1u << 31;
  refused(with_block(block, bytes), "no possible layer");
  *h = good;
  h->checksum = 0;
  refused(with_block(block, bytes), "never sealed");
  free(block);
  block = packed(16, 48, 17, &bytes); /* a possible layer, but no decomposition */
  refused(with_block(block, bytes), "k_proj.packed' has rank 17, a 16 x 48 matrix has at most 16");
  free(block);
  temp_remove();
}
END_TEST

/* A megabyte of file may not ask for gigabytes of memory. */
START_TEST(sizes_without_tensors)
{
  enum { WIDE = 1 << 19 };
  const char *config =
      "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"vocab_size\":1,"
      "\"hidden_size\":524288,\"intermediate_size\":4194304,\"num_hidden_layers\":1024,"
      "\"num_attention_heads\":1024,\"head_dim\":512,\"bos_token_id\":0,\"eos_token_id\":0}";
  static const uint16_t zeros[WIDE];
  svf_safetensors_writer *w = NULL;
  svf_model *model = NULL;
  struct rlimit old, low;
  temp_make();
  ck_assert_int_eq(mkdir(temp_path("wide"), 0777), 0);
  temp_write_text(temp_path("wide/config.json"), config);
  const svf_safetensors_entry entry = {
      sizeof entry, "model.embed_tokens.weight", SVF_TENSOR_F16, 2, {1, WIDE}};
  ck_works(svf_safetensors_create(temp_path("wide/model.safetensors"), &entry, 1, NULL, 0, &w));
  ck_works(svf_safetensors_append(w, zeros, sizeof zeros));
  ck_works(svf_safetensors_commit(&w));
  ck_assert_int_eq(getrlimit(RLIMIT_AS, &old), 0);
  low = old;
#ifndef __SANITIZE_ADDRESS__ /* which maps terabytes */
  low.rlim_cur = (rlim_t)3 << 30;
#endif
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &low), 0);
  const svf_status status = svf_model_open(temp_path("wide"), NULL, &model);
  ck_assert_int_eq(setrlimit(RLIMIT_AS, &old), 0);
  ck_fails(status, SVF_ERR_FILE, "model.layers.0.input_layernorm.weight' is missing");
  temp_remove();
}
END_TEST

/* transformers would take the embedding for the merged head. */
START_TEST(a_tied_head_in_factors_is_not_merged)
{
  const part parts[] = {{"lm_head.U", SVF_TENSOR_F32, 2, {257, 4}, NULL},
                        {"lm_head.S", SVF_TENSOR_F32, 1, {4}, NULL},
                        {"lm_head.V", SVF_TENSOR_F32, 2, {4, 48}, NULL}};
  temp_make();
  const char *dir = make(parts, 3, NULL);
  svf_model *model = NULL;
  ck_works(svf_model_open(dir, NULL, &model));
  svf_model_close(model);
  ck_fails(merge_with(dir, temp_path("merged"), NULL, SVF_DTYPE_F32, 0, NULL, NULL),
           SVF_ERR_UNSUPPORTED, "'lm_head' is in factors, but tied");
  temp_remove();
}
END_TEST

SUITE("hostile", factors_that_do_not_fit, weights_that_are_no_numbers, packed_layers_that_lie,
      sizes_without_tensors, a_tied_head_in_factors_is_not_merged)
