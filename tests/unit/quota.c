/* SPDX-License-Identifier: Apache-2.0
 *
 * The CPU quotas of control groups, as files in a directory that stands for the root. */
#define _GNU_SOURCE
#include "src/core/quota.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/io/temp.h"

/* Writes a file of the root, and makes the directories above it. */
__attribute__((format(printf, 2, 3))) static void put(const char *name, const char *format, ...)
{
  char path[256];
  snprintf(path, sizeof path, "%s", temp_path("%s", name));
  for (char *at = path + strlen(temp_root) + 1; (at = strchr(at, '/')) != NULL; ++at) {
    *at = 0;
    (void)mkdir(path, 0700);
    *at = '/';
  }
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  va_list list;
  va_start(list, format);
  vfprintf(file, format, list);
  va_end(list);
  fclose(file);
}

START_TEST(version_2)
{
  static const struct {
    const char *max;
    size_t cpus;
  } cases[] = {{"max 100000\n", SIZE_MAX}, {"200000 100000\n", 2}, {"150000 100000\n", 2},
               {"50000 100000\n", 1},      {"1000 50000\n", 1},    {"", SIZE_MAX},
               {"1600000 100000\n", 16},   {"0 0\n", SIZE_MAX},    {"7 oranges\n", SIZE_MAX}};
  temp_make();
  put("proc/self/cgroup", "0::/a/b\n");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    put("sys/fs/cgroup/a/b/cpu.max", "%s", cases[i].max);
    ck_assert_uint_eq(svf_cpu_quota(temp_root), cases[i].cpus);
  }
  temp_remove();
}
END_TEST

START_TEST(the_least_of_all_groups_above)
{
  temp_make();
  put("proc/self/cgroup", "0::/a/b\n");
  put("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
  put("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 3);
  put("sys/fs/cgroup/cpu.max", "100000 100000\n"); /* in a container that is its own group */
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 1);
  put("proc/self/cgroup", "0::/\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 1);
  put("proc/self/cgroup", "0::/not/here\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 1);
  temp_remove();
}
END_TEST

START_TEST(version_1)
{
  temp_make();
  put("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/a\n3:cpuset:/s\n0::/\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), SIZE_MAX);
  put("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n");
  put("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), SIZE_MAX);
  put("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 3);
  put("proc/self/cgroup", "4:cpuset,cpuacct:/a\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), SIZE_MAX);
  temp_remove();
}
END_TEST

START_TEST(without_control_groups)
{
  temp_make();
  ck_assert_uint_eq(svf_cpu_quota(temp_root), SIZE_MAX);
  put("proc/self/cgroup", "nonsense\n::\n0:\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), SIZE_MAX);
  put("proc/self/cgroup", "0::/%0*d\n", 3000, 1);
  put("sys/fs/cgroup/cpu.max", "200000 100000\n");
  ck_assert_uint_eq(svf_cpu_quota(temp_root), 2);
  temp_remove();
}
END_TEST

SUITE("quota", version_2, the_least_of_all_groups_above, version_1, without_control_groups)
