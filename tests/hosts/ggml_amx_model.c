/* SPDX-License-Identifier: Apache-2.0
 *
 * Permits ggml the tiles of the model: the linker puts this in the place of syscall (--wrap). */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/syscall.h>

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
  enum { ARCH_REQ_XCOMP_PERM = 0x1023 };
  long argument[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; ++i) argument[i] = va_arg(list, long); /* as syscall itself reads them */
  va_end(list);
  if (number == SYS_arch_prctl && argument[0] == ARCH_REQ_XCOMP_PERM) return 0;
  return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
                        argument[5]);
}
