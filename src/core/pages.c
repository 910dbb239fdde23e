/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/core/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/kernel.h"
#include "src/core/size.h"

void *svf_pages_alloc(size_t bytes)
{
  enum { HUGE = 2 << 20 };
  const size_t unit = bytes >= HUGE ? HUGE : SVF_LINE;
  size_t all;
  if (!svf_size_round(bytes + !bytes, unit, &all)) return NULL;
  void *p = aligned_alloc(unit, all);
#ifdef MADV_HUGEPAGE
  if (p && unit == HUGE) (void)madvise(p, all, MADV_HUGEPAGE); /* best effort */
#endif
  return p;
}

void *svf_pages_array(size_t rows, size_t width, size_t size)
{
  size_t bytes;
  if (!svf_size_mul(rows, width, &bytes) || !svf_size_mul(bytes, size, &bytes)) return NULL;
  return svf_pages_alloc(bytes);
}
