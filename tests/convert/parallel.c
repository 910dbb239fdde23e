/* SPDX-License-Identifier: Apache-2.0
 *
 * A model decomposed on several threads: the files are those that one thread makes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <svf/convert.h>

#include "tests/convert/files.h"
#include "tests/transformer/golden.h"

enum { MATRICES = 14 };

static golden g;

static svf_decompose_options on(size_t threads)
{
  return (svf_decompose_options){.size = sizeof(svf_decompose_options), .threads = threads};
}

static void setup(void)
{
  const svf_decompose_options o = on(1);
  temp_make();
  g = golden_open("smollm");
  ck_works(svf_model_decompose(g.dir, temp_path("whole"), svf_svd, &o));
}

static void teardown(void)
{
  svf_safetensors_close(g.file);
  temp_remove();
}

static void same_model(const char *out)
{
  char name[64];
  for (int i = 0; i < MATRICES; ++i) {
    snprintf(name, sizeof name, "factors-%05d.safetensors", i);
    same_file(temp_path("whole"), out, name);
  }
  same_file(temp_path("whole"), out, "rest.safetensors");
  same_file(temp_path("whole"), out, "model.safetensors.index.json");
}

START_TEST(threads_change_no_byte)
{
  setup();
  for (size_t threads = 0; threads < 6; ++threads) {
    const svf_decompose_options o = on(threads);
    const char *out = temp_path("on-%zu", threads);
    ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
    same_model(out);
  }
  teardown();
}
END_TEST

/* What was finished is kept, and whatever number of threads goes on makes the same files. */
START_TEST(a_stopped_job_goes_on)
{
  setup();
  for (size_t step = 0; step <= MATRICES; step += 3) {
    svf_decompose_options o = on(3);
    char out[256], shard[300];
    snprintf(out, sizeof out, "%s", temp_path("stopped-%zu", step));
    o.progress = stop_at;
    o.progress_context = &step;
    ck_fails(svf_model_decompose(g.dir, out, svf_svd, &o), SVF_ERR_STOPPED, "stopped before");
    for (size_t i = 0; i < MATRICES; ++i) {
      snprintf(shard, sizeof shard, "%s/factors-%05zu.safetensors", out, i);
      ck_assert_int_eq(access(shard, F_OK) == 0, i < step);
    }
    o = on(1 + step % 4);
    ck_works(svf_model_decompose(g.dir, out, svf_svd, &o));
    same_model(out);
  }
  teardown();
}
END_TEST

/* The first matrices of all threads fail, the first of them last. */
static pthread_barrier_t together;
static atomic_int failed;

/* svf_svd_fn; q of the model is the only square one. */
static svf_status fail_together(const svf_svd_args *args)
{
  (void)pthread_barrier_wait(&together);
  while (args->m == args->n && failed < 2) (void)sched_yield();
  ++failed;
  return svf_set_message(SVF_ERR_UNSUPPORTED, "no SVD today");
}

START_TEST(the_first_failure_is_reported)
{
  const svf_decompose_options o = on(3);
  setup();
  pthread_barrier_init(&together, NULL, 3);
  failed = 0;
  ck_fails(svf_model_decompose(g.dir, temp_path("failed"), fail_together, &o), SVF_ERR_UNSUPPORTED,
           "'model.layers.0.self_attn.q_proj': no SVD today");
  ck_assert_int_eq(failed, 3);
  pthread_barrier_destroy(&together);
  teardown();
}
END_TEST

typedef struct report {
  pthread_t caller;
  size_t next;
} report;

/* svf_progress_fn */
static bool note(void *context, size_t done, size_t all, const char *what)
{
  report *r = context;
  (void)what;
  ck_assert(pthread_equal(pthread_self(), r->caller));
  ck_assert_uint_eq(done, r->next++);
  ck_assert_uint_eq(all, MATRICES);
  return false;
}

START_TEST(progress_is_reported_in_order)
{
  report r = {.caller = pthread_self()};
  svf_decompose_options o = on(4);
  setup();
  o.progress = note;
  o.progress_context = &r;
  ck_works(svf_model_decompose(g.dir, temp_path("noted"), svf_svd, &o));
  ck_assert_uint_eq(r.next, MATRICES + 1);
  teardown();
}
END_TEST

SUITE("parallel", threads_change_no_byte, a_stopped_job_goes_on, the_first_failure_is_reported,
      progress_is_reported_in_order)
