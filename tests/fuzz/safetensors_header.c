/* SPDX-License-Identifier: Apache-2.0
 *
 * Two bytes, the size of the data, and then the JSON of a safetensors file: tensors tile the data,
 * and names are sorted and unique. */
#include "src/io/tensor.h"
#include "src/io/safetensors_header.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size < 2) return 0;
  const size_t data_bytes = data[0] | (size_t)data[1] << 8;
  svf_safetensors_header header;
  const svf_status status =
      svf_safetensors_header_parse((const char *)data + 2, size - 2, data_bytes, &header);
  if (status != SVF_OK) {
    fuzz_refused(status);
    return 0;
  }
  size_t sum = 0;
  for (size_t i = 0; i < header.count; ++i) {
    const svf_tensor *t = &header.tensors[i];
    size_t elements, bytes;
    fuzz_assert(t->ndim >= 0 && t->ndim <= SVF_TENSOR_MAX_DIMS && svf_tensor_type_known(t->dtype));
    fuzz_assert(svf_tensor_shape_size(t->dtype, t->ndim, t->shape, &elements, &bytes));
    fuzz_assert(t->elements == elements && t->bytes == bytes);
    fuzz_assert(strlen(t->name) <= SVF_SAFETENSORS_MAX_NAME);
    if (i > 0) fuzz_assert(strcmp(header.by_name[i - 1]->name, header.by_name[i]->name) < 0);
    sum += t->bytes;
  }
  fuzz_assert(sum == data_bytes);
  svf_safetensors_header_free(&header);
  return 0;
}
