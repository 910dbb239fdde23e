/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <svf/svd.h>

#include "tests/unit/suite.h"

static float *random_matrix(size_t count, unsigned seed)
{
  float *p = malloc(count * sizeof *p);
  ck_assert_ptr_nonnull(p);
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (float)(seed >> 8) / 8388608.0f - 1;
  }
  return p;
}

static svf_status decompose(const float *w, size_t m, size_t n, size_t stride, size_t rank,
                            float *u, float *sigma, float *vt, svf_svd_report *report)
{
  if (report) report->size = sizeof *report;
  return svf_svd(&(svf_svd_args){.size = sizeof(svf_svd_args),
                                 .m = m,
                                 .n = n,
                                 .w = w,
                                 .w_stride = stride,
                                 .rank = rank,
                                 .u = u,
                                 .sigma = sigma,
                                 .vt = vt,
                                 .report = report});
}

/* Factors of w within fp32's limits, and descending sigma; frees w. */
static void sound(float *w, size_t m, size_t n, size_t stride, size_t rank)
{
  float *u = malloc(m * rank * sizeof *u), *vt = malloc(rank * n * sizeof *vt);
  float *sigma = malloc(rank * sizeof *sigma);
  svf_svd_report report;
  ck_works(decompose(w, m, n, stride, rank, u, sigma, vt, &report));
  const double limit = 3e-7 * sqrt((double)(m > n ? m : n)) + 1e-6;
  ck_assert_double_le(report.orthogonality_u, limit);
  ck_assert_double_le(report.orthogonality_v, limit);
  /* What truncation does not explain is rounding. */
  ck_assert_double_le(report.residual, report.dropped + limit);
  ck_assert_double_ge(report.residual, report.dropped - limit);
  for (size_t k = 0; k < rank; ++k) {
    ck_assert_float_ge(sigma[k], 0);
    if (k > 0) ck_assert_float_le(sigma[k], sigma[k - 1]);
    float largest = 0;
    for (size_t i = 0; i < m; ++i) {
      if (fabsf(u[i * rank + k]) > fabsf(largest)) largest = u[i * rank + k];
    }
    ck_assert_float_gt(largest, 0);
  }
  if (rank == (m < n ? m : n)) ck_assert_double_eq(report.dropped, 0);
  free(w);
  free(u);
  free(vt);
  free(sigma);
}

START_TEST(shapes)
{
  static const size_t sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {5, 5}, {40, 17}, {17, 40}, {130, 97}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    const size_t m = sizes[i][0], n = sizes[i][1], k = m < n ? m : n;
    sound(random_matrix(m * n, (unsigned)(m * 31 + n)), m, n, n, k);
    sound(random_matrix(m * (n + 3), (unsigned)m), m, n, n + 3, (k + 1) / 2);
    sound(random_matrix(m * n, (unsigned)n), m, n, n, 1);
  }
}
END_TEST

/* Spectra that make divide and conquer set singular values aside: equal, 0, far apart, beyond what
 * fp32 can square. */
static float hard(int kind, size_t i, size_t j, float random)
{
  switch (kind) {
    case 0: return i == j;
    case 1: return (float)((i % 3 + 1) * (j % 3 + 1));
    case 2: return i % 7 == j % 7;
    case 3: return i == j || i == j + 1;
    case 4: return random * powf(10, -(float)i / 30);
    case 5: return random * 1e-30f;
    case 6: return random * 1e30f;
    case 7: return i < 5 || j < 3 ? 0 : random;
    case 8: return random + 0.5f;
    default: return i == j ? 1 + 1e-7f * (float)(i % 3) : 0;
  }
}

START_TEST(hard_matrices)
{
  /* Whole (25 at most) and divided, square, nearly so, and long; either way. */
  static const size_t sizes[][2] = {{25, 25},   {26, 26},   {65, 66},  {300, 300}, {300, 270},
                                    {270, 300}, {400, 200}, {90, 400}, {97, 98}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    const size_t m = sizes[s][0], n = sizes[s][1];
    for (int kind = 0; kind < 10; ++kind) {
      float *w = random_matrix(m * n, (unsigned)kind);
      for (size_t i = 0; i < m * n; ++i) w[i] = hard(kind, i / n, i % n, w[i]);
      sound(w, m, n, n, m < n ? m : n);
    }
  }
}
END_TEST

START_TEST(known_values)
{
  const float w[2 * 3] = {0, 3, 0, -2, 0, 0}; /* sigma 3, 2 */
  float u[4], sigma[2], vt[6];
  ck_works(decompose(w, 2, 3, 3, 2, u, sigma, vt, NULL));
  const float want_u[4] = {1, 0, 0, 1}, want_vt[6] = {0, 1, 0, -1, 0, 0};
  ck_assert_float_eq_tol(sigma[0], 3, 1e-6f);
  ck_assert_float_eq_tol(sigma[1], 2, 1e-6f);
  for (int i = 0; i < 4; ++i) ck_assert_float_eq_tol(u[i], want_u[i], 1e-6f);
  for (int i = 0; i < 6; ++i) ck_assert_float_eq_tol(vt[i], want_vt[i], 1e-6f);
}
END_TEST

START_TEST(zero_and_low_rank)
{
  float w[6 * 4] = {0}, u[6 * 4], sigma[4], vt[4 * 4];
  svf_svd_report report;
  ck_works(decompose(w, 6, 4, 4, 4, u, sigma, vt, &report));
  ck_assert_double_eq(report.residual, 0);
  for (int i = 0; i < 4; ++i) ck_assert_float_eq(sigma[i], 0);
  for (int i = 0; i < 24; ++i) w[i] = (float)((i / 4 + 1) * (i % 4 + 1)); /* rank 1 */
  ck_works(decompose(w, 6, 4, 4, 1, u, sigma, vt, &report));
  ck_assert_double_le(report.residual, 1e-6);
}
END_TEST

/* In place of W the results have the bits of those of a copy. */
START_TEST(in_place)
{
  static const size_t sizes[][2] = {{40, 17}, {17, 40}, {30, 30}};
  for (size_t i = 0; i < 3; ++i) {
    const size_t m = sizes[i][0], n = sizes[i][1], k = m < n ? m : n;
    float *w = random_matrix(m * n, (unsigned)i), *other = malloc(k * k * sizeof *other);
    float *u = malloc(m * k * sizeof *u), *vt = malloc(k * n * sizeof *vt);
    float *sigma = malloc(k * sizeof *sigma), *again = malloc(k * sizeof *again);
    ck_works(decompose(w, m, n, n, k, u, sigma, vt, NULL));
    ck_works(decompose(w, m, n, n, k, m > n ? w : other, again, m > n ? other : w, NULL));
    ck_assert_mem_eq(sigma, again, k * sizeof *sigma);
    ck_assert_mem_eq(m > n ? w : other, u, m * k * sizeof *u);
    ck_assert_mem_eq(m > n ? other : w, vt, k * n * sizeof *vt);
    free(w), free(other), free(u), free(vt), free(sigma), free(again);
  }
}
END_TEST

/* Called before LAPACK's work. */
static void (*in_lapack)(void);

/* What the LAPACK runs with: the linker sends its call here (--wrap). */
static int seen;

int openblas_get_num_threads(void); /* of cblas.h */
void openblas_set_num_threads(int threads);
int __real_LAPACKE_sgesdd_work(int layout, char job, int m, int n, float *a, int lda, float *s,
                               float *u, int ldu, float *vt, int ldvt, float *work, int count,
                               int *integers);
int __wrap_LAPACKE_sgesdd_work(int layout, char job, int m, int n, float *a, int lda, float *s,
                               float *u, int ldu, float *vt, int ldvt, float *work, int count,
                               int *integers);

int __wrap_LAPACKE_sgesdd_work(int layout, char job, int m, int n, float *a, int lda, float *s,
                               float *u, int ldu, float *vt, int ldvt, float *work, int count,
                               int *integers)
{
  if (in_lapack) in_lapack();
  seen = openblas_get_num_threads();
  return __real_LAPACKE_sgesdd_work(layout, job, m, n, a, lda, s, u, ldu, vt, ldvt, work, count,
                                    integers);
}

START_TEST(threads_are_those_that_were_asked_for)
{
  float w[6] = {1, 2, 3, 4, 5, 6}, u[4], sigma[2], vt[6];
  svf_svd_args a = {.size = sizeof a,
                    .m = 2,
                    .n = 3,
                    .w = w,
                    .w_stride = 3,
                    .rank = 2,
                    .u = u,
                    .sigma = sigma,
                    .vt = vt};
  openblas_set_num_threads(2);
  ck_works(svf_svd(&a));
  ck_assert_int_eq(seen, 2);
  a.threads = 1;
  ck_works(svf_svd(&a));
  ck_assert_int_eq(seen, 1);
  ck_assert_int_eq(openblas_get_num_threads(), 2);
  w[0] = NAN;
  ck_fails(svf_svd(&a), SVF_ERR_NUMERIC, "nan");
  ck_assert_int_eq(openblas_get_num_threads(), 2);
}
END_TEST

static svf_status small(size_t threads)
{
  float w[6] = {1, 2, 3, 4, 5, 6}, u[4], sigma[2], vt[6];
  return svf_svd(&(svf_svd_args){.size = sizeof(svf_svd_args),
                                 .m = 2,
                                 .n = 3,
                                 .w = w,
                                 .w_stride = 3,
                                 .rank = 2,
                                 .threads = threads,
                                 .u = u,
                                 .sigma = sigma,
                                 .vt = vt});
}

static pthread_barrier_t together;
static pthread_t first;
static atomic_bool first_has_ended;

/* Both calls are in LAPACK; the second one stays until the first has ended. */
static void stay(void)
{
  (void)pthread_barrier_wait(&together);
  while (!pthread_equal(pthread_self(), first) && !first_has_ended) (void)sched_yield();
}

static void *call_once(void *unused)
{
  (void)unused;
  return small(1) == SVF_OK ? NULL : &together;
}

START_TEST(calls_at_once_do_not_disturb_each_other)
{
  pthread_t second;
  first = pthread_self();
  first_has_ended = false;
  pthread_barrier_init(&together, NULL, 2);
  openblas_set_num_threads(2);
  in_lapack = stay;
  ck_assert_int_eq(pthread_create(&second, NULL, call_once, NULL), 0);
  ck_works(small(1));
  ck_assert_int_eq(openblas_get_num_threads(), 1);
  first_has_ended = true;
  void *failed;
  pthread_join(second, &failed);
  in_lapack = NULL;
  ck_assert_ptr_null(failed);
  ck_assert_int_eq(seen, 1);
  ck_assert_int_eq(openblas_get_num_threads(), 2);
  pthread_barrier_destroy(&together);
}
END_TEST

/* OpenBLAS itself would wait for memory for ever. A child's limit is its own. */
START_TEST(a_limit_on_address_space)
{
  int how = 0;
  const pid_t child = fork();
  if (child == 0) {
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    alarm(1000); /* seconds: it hangs */
    if (!f || fscanf(f, "%zu", &pages) != 1) _exit(2);
    const rlim_t bytes = pages * (size_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes});
    _exit(small(1) != SVF_ERR_MEMORY || !strstr(svf_last_message(), "OpenBLAS, which needs"));
  }
  ck_assert_int_eq(waitpid(child, &how, 0), child);
  ck_assert_msg(how == 0, "status 0x%x", (unsigned)how);
}
END_TEST

/* A program of a later version: fine as long as what it adds is zero. */
START_TEST(sizes)
{
  struct {
    svf_svd_args a;
    size_t later;
  } new = {0};
  struct {
    svf_svd_report r;
    double later;
  } report = {{.size = sizeof report}, 7};
  float w[4] = {2, 0, 0, 1}, u[4], sigma[2], vt[4];
  new.a = (svf_svd_args){.size = sizeof new,
                         .m = 2,
                         .n = 2,
                         .w = w,
                         .w_stride = 2,
                         .rank = 2,
                         .u = u,
                         .sigma = sigma,
                         .vt = vt,
                         .report = &report.r};
  ck_works(svf_svd(&new.a));
  ck_assert(report.r.size == sizeof report && report.later == 0 && report.r.residual < 1e-6);
  new.later = 1;
  ck_fails(svf_svd(&new.a), SVF_ERR_VERSION, "args->size");
  new.a.size = sizeof new.a - 1;
  ck_fails(svf_svd(&new.a), SVF_ERR_VERSION, "args->size");
  new.a.size = sizeof new.a;
  report.r.size = 0;
  ck_fails(svf_svd(&new.a), SVF_ERR_VERSION, "args->report->size is 0");
  ck_fails(svf_svd(NULL), SVF_ERR_NULL, "args");
}
END_TEST

START_TEST(misuse)
{
  float w[6] = {1, 2, 3, 4, 5, 6}, u[4], sigma[2], vt[6];
  ck_fails(decompose(NULL, 2, 3, 3, 2, u, sigma, vt, NULL), SVF_ERR_NULL, "w is");
  ck_fails(decompose(w, 2, 3, 3, 2, NULL, sigma, vt, NULL), SVF_ERR_NULL, "u is");
  ck_fails(decompose(w, 2, 3, 3, 2, u, NULL, vt, NULL), SVF_ERR_NULL, "sigma is");
  ck_fails(decompose(w, 2, 3, 3, 2, u, sigma, NULL, NULL), SVF_ERR_NULL, "vt is");
  ck_fails(decompose(w, 0, 3, 3, 1, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "m is 0");
  ck_fails(decompose(w, 2, 0, 3, 1, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "n is 0");
  ck_fails(decompose(w, 2, 3, 2, 2, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "w_stride is 2");
  ck_fails(decompose(w, 2, 3, 3, 0, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "rank is 0");
  ck_fails(decompose(w, 2, 3, 3, 3, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "rank is 3");
  ck_fails(decompose(w, SIZE_MAX / 2, 3, 3, 1, u, sigma, vt, NULL), SVF_ERR_OVERFLOW, "m = ");
  ck_fails(decompose(w, 20701, 20701, 20701, 1, u, sigma, vt, NULL), SVF_ERR_OVERFLOW, "m = ");
  ck_fails(decompose(w, 1, INT_MAX, INT_MAX, 1, u, sigma, vt, NULL), SVF_ERR_OVERFLOW, "m = ");
  ck_fails(decompose(vt, 2, 3, 3, 1, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "w is vt: in place");
  ck_fails(decompose(vt, 2, 3, 4, 2, u, sigma, vt, NULL), SVF_ERR_ARGUMENT, "w is vt: in place");
  ck_fails(decompose(u, 3, 2, 2, 2, u, sigma, vt, &(svf_svd_report){0}), SVF_ERR_ARGUMENT,
           "w is u: in place");
  w[4] = NAN;
  ck_fails(decompose(w, 2, 3, 3, 2, u, sigma, vt, NULL), SVF_ERR_NUMERIC, "w[1][1] is nan");
  w[4] = INFINITY;
  ck_fails(decompose(w, 2, 3, 3, 2, u, sigma, vt, NULL), SVF_ERR_NUMERIC, "w[1][1] is inf");
  const float huge[6] = {3e38f, 3e38f, 3e38f, 3e38f, -3e38f, 1};
  ck_fails(decompose(huge, 2, 2, 2, 2, u, sigma, vt, NULL), SVF_ERR_NUMERIC, "largest singular");
  ck_fails(decompose(huge, 1, 2, 2, 1, u, sigma, vt, NULL), SVF_ERR_NUMERIC, "largest singular");
  ck_fails(decompose(huge, 2, 3, 3, 2, u, sigma, vt, NULL), SVF_ERR_NUMERIC, "largest singular");
}
END_TEST

/* Factorise, pack, multiply: the dense product within fp32. */
START_TEST(end_to_end)
{
  enum { M = 70, N = 45, K = 45, ROWS = 7 };
  float *w = random_matrix(M * N, 5), *x = random_matrix(ROWS * N, 6);
  static float u[M * K], sigma[K], vt[K * N], y[ROWS * M];
  static _Alignas(64) unsigned char block[1 << 16], workspace[1 << 18];
  ck_works(decompose(w, M, N, N, K, u, sigma, vt, NULL));
  const svf_linear_source s = {.size = sizeof s,
                               .m = M,
                               .n = N,
                               .r = K,
                               .u = u,
                               .u_stride = K,
                               .vt = vt,
                               .vt_stride = N,
                               .sigma = sigma};
  ck_works(svf_linear_pack(&s, block, sizeof block));
  const svf_matmul_args a = {.size = sizeof a,
                             .linear = block,
                             .rows = ROWS,
                             .x = x,
                             .x_stride = N,
                             .y = y,
                             .y_stride = M};
  ck_works(svf_matmul(&a, 1, workspace, sizeof workspace));
  double error = 0, power = 0;
  for (int i = 0; i < ROWS; ++i) {
    for (int c = 0; c < M; ++c) {
      double want = 0;
      for (int j = 0; j < N; ++j) want += (double)x[i * N + j] * (double)w[c * N + j];
      error += (y[i * M + c] - want) * (y[i * M + c] - want);
      power += want * want;
    }
  }
  ck_assert_double_le(error, 1e-11 * power);
  free(w);
  free(x);
}
END_TEST

SUITE("svd", a_limit_on_address_space, shapes, hard_matrices, known_values, zero_and_low_rank,
      in_place, threads_are_those_that_were_asked_for, calls_at_once_do_not_disturb_each_other,
      sizes, misuse, end_to_end)
