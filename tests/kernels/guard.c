/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/kernels/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char *guard_take(guard *g, size_t bytes, bool at_end)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (g->bytes < bytes || g->bytes == 0) {
    guard_free(g);
    g->bytes = (bytes / page + 1) * page;
    char *all = mmap(NULL, g->bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, g->bytes, PROT_READ | PROT_WRITE) != 0) {
      perror("guard pages");
      exit(1);
    }
    g->base = all + page;
  }
  char *p = at_end ? g->base + g->bytes - bytes : g->base;
  /* Poison a little on the open side too: what is read there and should not be is NaN. */
  const size_t near = g->bytes - bytes < 256 ? g->bytes - bytes : 256;
  memset(at_end ? p - near : p + bytes, 0xff, near);
  memset(p, 0xff, bytes);
  return p;
}

void guard_free(guard *g)
{
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (g->base) munmap(g->base - page, g->bytes + 2 * page);
  *g = (guard){0};
}
