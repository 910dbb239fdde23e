/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/kernels/features.h"

#include <stdio.h>
#include <string.h>

#include <svf/cpu.h>

uint64_t features_added, features_removed;

uint64_t __real_svf_cpu_features(void);
uint64_t __wrap_svf_cpu_features(void);

uint64_t __wrap_svf_cpu_features(void)
{
  const uint64_t has = __real_svf_cpu_features();
  return (has | (has & SVF_CPU_AVX512F ? features_added : 0)) & ~features_removed;
}

static const struct {
  const char *name;
  uint64_t bit;
} known[] = {
    {"avx_vnni", SVF_CPU_AVXVNNI},
    {"avx512_vnni", SVF_CPU_AVX512VNNI},
    {"avx512_bf16", SVF_CPU_AVX512BF16},
    {"avx512f", SVF_CPU_AVX512F},
    {"amx-tile", SVF_CPU_AMX_TILE},
    {"amx-bf16", SVF_CPU_AMX_BF16},
    {"amx-int8", SVF_CPU_AMX_INT8},
    {"f16c", SVF_CPU_F16C},
    {"fma", SVF_CPU_FMA},
    {"neon-dotprod", SVF_CPU_NEON_DOTPROD},
    {"neon-i8mm", SVF_CPU_NEON_I8MM},
    {"neon-bf16", SVF_CPU_NEON_BF16},
};

bool features_remove(const char *names)
{
  while (*names) {
    const size_t length = strcspn(names, ",");
    size_t i = 0;
    while (i < sizeof known / sizeof *known &&
           (strlen(known[i].name) != length || strncmp(known[i].name, names, length) != 0)) {
      ++i;
    }
    if (i == sizeof known / sizeof *known) {
      fprintf(stderr, "--without: no feature '%.*s'\n", (int)length, names);
      return false;
    }
    features_removed |= known[i].bit;
    names += length + (names[length] == ',');
  }
  return true;
}
