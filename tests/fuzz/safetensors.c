/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole file: every byte that a tensor claims can be read, mapped or not. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "src/io/safetensors.h"
#include "tests/fuzz/fuzz.h"

static unsigned read_all(const svf_safetensors *file)
{
  unsigned sum = 0;
  for (size_t i = 0; i < svf_safetensors_count(file); ++i) {
    const svf_tensor *t = svf_safetensors_at(file, i);
    const uint8_t *bytes = t->data;
    for (size_t at = 0; at < t->bytes; ++at) sum += bytes[at];
    fuzz_assert(svf_safetensors_find(file, t->name) == t);
    if (t->elements > 0 && t->elements <= 4096) {
      float out[4096];
      (void)svf_tensor_to_f32(t, out, 4096);
    }
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  unsigned sums[2] = {0};
  svf_status statuses[2];
  fuzz_assert(fd >= 0);
  fuzz_assert(write(fd, data, size) == (ssize_t)size);
  for (unsigned flags = 0; flags <= SVF_SAFETENSORS_NO_MMAP; ++flags) {
    svf_safetensors *file;
    statuses[flags] = svf_safetensors_open_fd(fd, flags, &file);
    if (statuses[flags] != SVF_OK) {
      fuzz_refused(statuses[flags]);
      continue;
    }
    sums[flags] = read_all(file);
    svf_safetensors_close(file);
  }
  fuzz_assert(statuses[0] == statuses[1] && sums[0] == sums[1]);
  close(fd);
  return 0;
}
