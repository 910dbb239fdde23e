/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposing a matrix that is far from square takes at most four times its memory, and decomposing
 * a model at most four times that of its largest matrix. Everything is counted: these functions
 * replace those of libc for LAPACK, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdatomic.h>

#include <svf/convert.h>

#include "src/convert/shard.h"
#include "tests/io/temp.h"

/* Of cblas.h. */
void openblas_set_num_threads(int threads);

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);

static atomic_size_t now, most;

static void *counted(void *p)
{
  const size_t all = atomic_fetch_add(&now, malloc_usable_size(p)) + malloc_usable_size(p);
  for (size_t seen = most; seen < all && !atomic_compare_exchange_weak(&most, &seen, all);)
    continue;
  return p;
}

void *malloc(size_t n) { return counted(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return counted(__libc_calloc(n, size)); }
void *realloc(void *p, size_t n)
{
  atomic_fetch_sub(&now, malloc_usable_size(p));
  return counted(__libc_realloc(p, n));
}
void *memalign(size_t alignment, size_t n) { return counted(__libc_memalign(alignment, n)); }
void *aligned_alloc(size_t alignment, size_t n) { return counted(__libc_memalign(alignment, n)); }
int posix_memalign(void **p, size_t alignment, size_t n)
{
  *p = counted(__libc_memalign(alignment, n));
  return *p ? 0 : ENOMEM;
}
void free(void *p)
{
  atomic_fetch_sub(&now, malloc_usable_size(p));
  __libc_free(p);
}

static float *random_floats(size_t count)
{
  float *x = malloc(count * sizeof *x);
  unsigned state = 1;
  ck_assert_ptr_nonnull(x);
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 8) / (1 << 23) - 1;
  }
  return x;
}

/* Its peak in units of W as fp32. */
static double decompose(size_t m, size_t n)
{
  const svf_conversion c = {.out = temp_root};
  const svf_decompose_options o = {.size = sizeof o, .threads = 1};
  float *w = random_floats(m * n);
  const svf_tensor t = {sizeof t, "w", SVF_TENSOR_F32, 2, {m, n}, m * n, w, m * n * sizeof *w};
  svf_shard it = {.name = "layer", .w = &t, .m = m, .n = n, .file = "factors.safetensors"};
  const size_t before = now;
  most = now;
  ck_works(svf_shard_make(&c, &o, svf_svd, &it));
  const size_t peak = most - before;
  free(w);
  ck_assert_double_lt(it.report.residual, 3e-6);
  return (double)peak / (double)(m * n * sizeof *w);
}

START_TEST(a_matrix)
{
  static const struct {
    size_t m, n;
    double most;
  } sizes[] = {{2816, 1024, 4}, {1024, 2816, 4}, {2150, 1024, 4},   {1024, 2150, 4},
               {4096, 256, 4},  {256, 4096, 4},  {1024, 1024, 7.1}, {1100, 1024, 6.7}};
  openblas_set_num_threads(1); /* more threads allocate more */
  temp_make();
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const size_t m = sizes[i].m, n = sizes[i].n;
    const double peak = decompose(m, n);
    printf("%zu x %zu: %.2f\n", m, n, peak);
    ck_assert_msg(peak <= sizes[i].most, "%zu x %zu: %.2f", m, n, peak);
    ck_assert_double_gt(peak, 1.5); /* or nothing was counted */
  }
  temp_remove();
}
END_TEST

/* A layer of TinyLlama-1.1B at another width; without its vocabulary, which is copied. */
enum { HIDDEN_OF_TINYLLAMA = 2048, HEAD = 64, VOCAB = 64 };

static size_t mlp_of(size_t hidden) { return hidden / 4 * 11; }

static void write_config(const char *path, size_t hidden)
{
  char config[600];
  snprintf(config, sizeof config,
           "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\","
           " \"hidden_size\": %zu, \"intermediate_size\": %zu, \"num_hidden_layers\": 1,"
           " \"num_attention_heads\": %zu, \"num_key_value_heads\": %zu, \"vocab_size\": %d,"
           " \"max_position_embeddings\": 2048, \"rms_norm_eps\": 1e-5, \"rope_theta\": 10000.0,"
           " \"hidden_act\": \"silu\", \"bos_token_id\": 1, \"eos_token_id\": 2,"
           " \"tie_word_embeddings\": true}",
           hidden, mlp_of(hidden), hidden / HEAD, hidden / HEAD / 8, VOCAB);
  temp_write_text(path, config);
}

static void write_model(const char *dir, size_t hidden)
{
  enum { SIZE = sizeof(svf_safetensors_entry) };
  const size_t kv = hidden / 8, mlp = mlp_of(hidden);
#define PART(name) "model.layers.0." name ".weight"
  const svf_safetensors_entry entries[] = {
      {SIZE, "model.embed_tokens.weight", SVF_TENSOR_F32, 2, {VOCAB, hidden}},
      {SIZE, "model.norm.weight", SVF_TENSOR_F32, 1, {hidden}},
      {SIZE, PART("input_layernorm"), SVF_TENSOR_F32, 1, {hidden}},
      {SIZE, PART("post_attention_layernorm"), SVF_TENSOR_F32, 1, {hidden}},
      {SIZE, PART("self_attn.q_proj"), SVF_TENSOR_F32, 2, {hidden, hidden}},
      {SIZE, PART("self_attn.k_proj"), SVF_TENSOR_F32, 2, {kv, hidden}},
      {SIZE, PART("self_attn.v_proj"), SVF_TENSOR_F32, 2, {kv, hidden}},
      {SIZE, PART("self_attn.o_proj"), SVF_TENSOR_F32, 2, {hidden, hidden}},
      {SIZE, PART("mlp.gate_proj"), SVF_TENSOR_F32, 2, {mlp, hidden}},
      {SIZE, PART("mlp.up_proj"), SVF_TENSOR_F32, 2, {mlp, hidden}},
      {SIZE, PART("mlp.down_proj"), SVF_TENSOR_F32, 2, {hidden, mlp}},
  };
#undef PART
  const size_t count = sizeof entries / sizeof *entries;
  char path[600];
  svf_safetensors_writer *w = NULL;
  float *x = random_floats(mlp * hidden);
  ck_assert_int_eq(mkdir(dir, 0700), 0);
  snprintf(path, sizeof path, "%s/config.json", dir);
  write_config(path, hidden);
  snprintf(path, sizeof path, "%s/model.safetensors", dir);
  ck_works(svf_safetensors_create(path, entries, count, NULL, 0, &w));
  for (size_t i = 0; i < count; ++i) {
    const svf_safetensors_entry *e = &entries[i];
    ck_works(
        svf_safetensors_append(w, x, e->shape[0] * (e->ndim == 2 ? e->shape[1] : 1) * sizeof *x));
  }
  ck_works(svf_safetensors_commit(&w));
  free(x);
}

/* At half of TinyLlama's width, and in the long test at its own. */
static atomic_size_t met, meeting; /* calls for matrices of the MLP, and those that meet */

/* svf_svd_fn */
static svf_status meet(const svf_svd_args *args)
{
  if (args->m * 11 == args->n * 4 || args->n * 11 == args->m * 4) {
    ++met;
    while (met < meeting) (void)sched_yield();
  }
  return svf_svd(args);
}

static double model_peak(const char *dir, const char *out, size_t hidden, size_t threads,
                         size_t memory)
{
  const svf_decompose_options o = {.size = sizeof o, .threads = threads, .memory = memory};
  const size_t before = now;
  most = now;
  ck_works(svf_model_decompose(dir, out, meet, &o));
  const double peak = (double)(most - before) / (double)(mlp_of(hidden) * hidden * sizeof(float));
  printf("TinyLlama, hidden %zu, %zu threads: %.2f\n", hidden, threads, peak);
  return peak;
}

START_TEST(a_model)
{
  const size_t hidden = getenv("SVF_LONG") ? HIDDEN_OF_TINYLLAMA : HIDDEN_OF_TINYLLAMA / 2;
  temp_make();
  const char *dir = temp_path("dense");
  write_model(dir, hidden);
  const double peak = model_peak(dir, temp_path("factors"), hidden, 1, 0);
  ck_assert_double_le(peak, 4);
  ck_assert_double_gt(peak, 1.5);
  temp_remove();
}
END_TEST

/* On three threads, as much as is allowed: nothing but one matrix, two, or all. */
START_TEST(a_model_on_threads)
{
  static const double allowed[] = {1, 6.6, 12};
  enum { HIDDEN = HIDDEN_OF_TINYLLAMA / 4 };
  temp_make();
  const char *dir = temp_path("dense");
  write_model(dir, HIDDEN);
  for (size_t i = 0; i < 3; ++i) {
    met = 0;
    meeting = i + 1;
    const double bytes = allowed[i] * (double)(mlp_of(HIDDEN) * HIDDEN * sizeof(float));
    const double peak = model_peak(dir, temp_path("on-%zu", i), HIDDEN, 3, (size_t)bytes);
    ck_assert_double_le(peak, i == 0 ? 4 : allowed[i] + 0.1);
    if (i > 0) ck_assert_double_gt(peak, 4); /* or they were not together */
  }
  temp_remove();
}
END_TEST

SUITE("decompose_memory", a_matrix, a_model, a_model_on_threads)
