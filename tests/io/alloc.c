/* SPDX-License-Identifier: Apache-2.0
 *
 * The model library survives the failure of any allocation of its own, and says so. */
#define _GNU_SOURCE
#include <unistd.h>

#include <svf/factorize.h>
#include <svf/safetensors.h>

#include "tests/alloc_count.h"
#include "tests/unit/suite.h"

enum { M = 6, N = 5 };

static const float matrix[M * N] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9,
                                    3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7};

static svf_status factorize(void)
{
  float u[M * N], sigma[N], vt[N * N];
  svf_factor_report report;
  return svf_factorize(matrix, M, N, N, N, u, sigma, vt, &report);
}

static char path[64];
static unsigned flags;

static svf_status open_file(void)
{
  svf_safetensors *file = NULL;
  const svf_status status = svf_safetensors_open(path, flags, &file);
  svf_safetensors_close(file);
  return status;
}

static void fail_each(svf_status (*call)(void), int at_least)
{
  ck_works(call()); /* what libraries allocate once */
  alloc_calls = alloc_fail_at = 0;
  const svf_status whole = call();
  const int needed = alloc_calls; /* before check allocates */
  ck_assert_int_eq(whole, SVF_OK);
  ck_assert_int_ge(needed, at_least);
  for (int i = 1; i <= needed; ++i) {
    alloc_calls = 0;
    alloc_fail_at = i;
    const svf_status status = call();
    alloc_fail_at = 0;
    ck_assert_msg(status == SVF_ERR_MEMORY, "allocation %d: %s: %s", i, svf_status_name(status),
                  svf_last_message());
  }
  ck_works(call());
}

START_TEST(factorize_survives_every_failure) { fail_each(factorize, 6); }
END_TEST

START_TEST(safetensors_survives_every_failure)
{
  static const char json[] =
      "{\"__metadata__\":{\"k\":\"v\"},"
      "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
  const unsigned char length[8] = {sizeof json - 1};
  snprintf(path, sizeof path, "svf-alloc-XXXXXX"); /* in ctest's working directory */
  const int fd = mkstemp(path);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(write(fd, length, 8), 8);
  ck_assert_int_eq(write(fd, json, sizeof json - 1), (int)sizeof json - 1);
  ck_assert_int_eq(write(fd, "data", 4), 4);
  close(fd);
  for (flags = 0; flags <= SVF_ST_NO_MMAP; ++flags) fail_each(open_file, 5);
  unlink(path);
}
END_TEST

SUITE("model_alloc", factorize_survives_every_failure, safetensors_survives_every_failure)
