/* SPDX-License-Identifier: Apache-2.0
 *
 * Formats: Linux's Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
 * Documentation/scheduler/sched-bwc.rst (cpu.cfs_quota_us, cpu.cfs_period_us). */
#define _GNU_SOURCE
#include "src/core/quota.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/core/size.h"

enum { PATH = 1024, GROUPS = 4096 };

/* Reads the beginning of a file as a string; false if there is none. */
static bool read_text(const char *path, char *text, size_t bytes)
{
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t n = read(file, text, bytes - 1);
  close(file);
  text[n > 0 ? n : 0] = 0;
  return n > 0;
}

/* CPUs of a quota in a period, SIZE_MAX if either says that there is no limit. */
static size_t cpus(long long quota, long long period)
{
  if (quota <= 0 || period <= 0) return SIZE_MAX;
  return (size_t)((quota - 1) / period + 1);
}

/* The quota of one directory of version 2 ("<quota or max> <period>" in cpu.max). */
static size_t quota_v2(const char *directory)
{
  char path[PATH + 32], text[64], *period;
  snprintf(path, sizeof path, "%s/cpu.max", directory);
  if (!read_text(path, text, sizeof text)) return SIZE_MAX;
  const long long quota = strtoll(text, &period, 10); /* 0 of "max" */
  return cpus(quota, strtoll(period, NULL, 10));
}

static size_t quota_v1(const char *directory)
{
  char path[PATH + 32], quota[32], period[32];
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
  if (!read_text(path, quota, sizeof quota)) return SIZE_MAX;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
  if (!read_text(path, period, sizeof period)) return SIZE_MAX;
  return cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The least quota of a group and of those above it. In a container the group's path may be that on
 * the host, which does not exist here; then only the root counts. */
static size_t least_quota(const char *mount, const char *group, size_t quota_of(const char *))
{
  char path[PATH];
  size_t least = SIZE_MAX;
  const int length = snprintf(path, sizeof path, "%s%s", mount, group);
  if (length < 0 || (size_t)length >= sizeof path) return quota_of(mount);
  for (char *end = path + length; end > path + strlen(mount);) {
    *end = 0;
    least = svf_size_min(least, quota_of(path));
    do --end;
    while (end > path + strlen(mount) && *end != '/');
  }
  return svf_size_min(least, quota_of(mount));
}

/* True if "cpu" is among the controllers of a line "<id>:<controllers>:<group>" of version 1. */
static bool has_cpu(const char *controllers, const char *end)
{
  for (const char *at = controllers; at < end;) {
    const size_t length = strcspn(at, ",:");
    if (length == 3 && memcmp(at, "cpu", 3) == 0) return true;
    at += length + 1;
  }
  return false;
}

/* The quota that one line of /proc/self/cgroup leads to. */
static size_t quota_of_line(const char *root, const char *line)
{
  char mount[PATH];
  const char *controllers = strchr(line, ':');
  const char *group = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!group) return SIZE_MAX;
  const bool v2 = group == controllers + 1;
  if (!v2 && !has_cpu(controllers + 1, group)) return SIZE_MAX;
  snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s", root, v2 ? "" : "/cpu");
  return least_quota(mount, group + 1, v2 ? quota_v2 : quota_v1);
}

size_t svf_cpu_quota(const char *root)
{
  char path[PATH], text[GROUPS];
  size_t least = SIZE_MAX;
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  if (!read_text(path, text, sizeof text)) return SIZE_MAX;
  for (char *line = text, *end; *line; line = end) {
    end = line + strcspn(line, "\n");
    if (*end) *end++ = 0;
    least = svf_size_min(least, quota_of_line(root, line));
  }
  return least;
}
