/* SPDX-License-Identifier: Apache-2.0
 *
 * The request is described in Linux's Documentation/arch/x86/xstate.rst. It is refused by kernels
 * before 5.16, by some containers, and where a thread's alternate signal stack is too small for the
 * tiles. */
#define _GNU_SOURCE
#include "src/core/amx.h"

#include <stdatomic.h>

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { UNKNOWN, PERMITTED, REFUSED };

static _Atomic int answer = UNKNOWN;

static int ask(void)
{
#if defined(__x86_64__) && defined(__linux__)
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  if (syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0) return PERMITTED;
#endif
  return REFUSED;
}

bool svf_amx_permitted(void)
{
  int known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (known == UNKNOWN) {
    known = ask(); /* threads that race here get and store the same answer */
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known == PERMITTED;
}

void svf_amx_ask_again(void)
{
  int refused = REFUSED;
  atomic_compare_exchange_strong(&answer, &refused, UNKNOWN);
}

bool svf_amx_refused(void)
{
  return atomic_load_explicit(&answer, memory_order_relaxed) == REFUSED;
}
