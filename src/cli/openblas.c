/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenBLAS starts its threads as soon as it is loaded, one per processor, and does not survive it
 * if a limit refuses them. svf decompose has no use for them. Their number comes from the
 * environment, so before any library begins, the program starts itself again with this one. */
#define _GNU_SOURCE
#include <alloca.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static char one_thread[] = "OPENBLAS_NUM_THREADS=1";

static bool is_name_of(const char *variable)
{
  const size_t name = (size_t)(strchr(one_thread, '=') + 1 - one_thread);
  return strncmp(variable, one_thread, name) == 0;
}

/* The first variable of a name counts. If the program cannot be started again, it goes on. */
static void set_one_thread(int argc, char **argv, char **environment)
{
  char path[PATH_MAX];
  size_t count = 0, at = 0;
  (void)argc;
  while (environment[count]) ++count;
  while (at < count && !is_name_of(environment[at])) ++at;
  if (at < count && strcmp(environment[at], one_thread) == 0) return;
  const ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
  if (bytes <= 0) return;
  path[bytes] = 0;
  char **changed = alloca((count + 2) * sizeof *changed);
  changed[0] = one_thread;
  memcpy(changed + 1, environment, (count + 1) * sizeof *changed);
  (void)execve(path, argv, changed);
}

/* The linker lists here what is called before the initialisers of all libraries. */
__attribute__((section(".preinit_array"),
               used)) static void (*const begin)(int, char **, char **) = set_one_thread;
