/* SPDX-License-Identifier: Apache-2.0
 *
 * Decomposing a matrix that is far from square takes at most four times its memory, everything
 * counted: these functions replace those of libc for LAPACK, too. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>

#include "src/decompose/shard.h"
#include "tests/io/temp.h"

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

/* Its peak in units of W as fp32. */
static double decompose(size_t m, size_t n)
{
  const svf_conversion c = {.out = temp_root};
  const svf_decompose_options o = {.size = sizeof o};
  float *w = malloc(m * n * sizeof *w);
  unsigned state = 1;
  for (size_t i = 0; i < m * n; ++i) {
    state = state * 1664525u + 1013904223u;
    w[i] = (float)(state >> 8) / (1 << 23) - 1;
  }
  const svf_st_tensor t = {"w", SVF_ST_F32, 2, {m, n}, m * n, w, m * n * sizeof *w};
  svf_shard it = {.name = "layer", .w = &t, .m = m, .n = n, .file = "factors.safetensors"};
  const size_t before = now;
  most = now;
  ck_works(svf_shard_make(&c, &o, &it));
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

SUITE("decompose_memory", a_matrix)
