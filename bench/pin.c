/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bench/pin.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum {
  THREADS_MAX = 4096,
  FREE_BEYOND = 4 /* what svf_matmul starts for a caller who has one CPU */
};

static int compare_ids(const void *a, const void *b)
{
  const pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
  return (x > y) - (x < y);
}

/* Ids of all threads but the first, in increasing order. */
static size_t list_workers(pid_t *ids)
{
  size_t count = 0;
  DIR *dir = opendir("/proc/self/task");
  if (!dir) return 0;
  for (struct dirent *e; (e = readdir(dir)) && count < THREADS_MAX;) {
    const pid_t id = (pid_t)atoi(e->d_name);
    if (id > 0 && id != getpid()) ids[count++] = id;
  }
  closedir(dir);
  qsort(ids, count, sizeof *ids, compare_ids);
  return count;
}

/* The CPUs of the process as it was started. */
static size_t list_cpus(int *cpus)
{
  static cpu_set_t allowed;
  static bool known;
  size_t count = 0;
  if (!known && sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  known = true;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &allowed)) cpus[count++] = i;
  }
  return count;
}

size_t pin_cpus(void)
{
  static int cpus[CPU_SETSIZE];
  const size_t count = list_cpus(cpus);
  return count ? count : 1;
}

static void pin(pid_t id, int cpu)
{
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(id, sizeof one, &one);
}

void pin_threads(size_t threads)
{
  static pid_t ids[THREADS_MAX];
  static int cpus[CPU_SETSIZE];
  const size_t cpu_count = list_cpus(cpus);
  if (cpu_count < 2) return;
  const size_t workers = list_workers(ids);
  if (threads <= FREE_BEYOND) pin(getpid(), cpus[0]);
  for (size_t i = 0; i < workers; ++i) pin(ids[i], cpus[1 + i % (cpu_count - 1)]);
}
