/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model reports about its layers and files. */
#define _POSIX_C_SOURCE 200809L
#include <svf/model.h>

#include <sys/stat.h>

#include "kernels/format.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/transformer/model.h"

svf_status svf_model_layer_at(const svf_model *model, size_t i, svf_layer_info *info)
{
  if (!model || !info) return svf_fail(SVF_ERR_NULL, "%s is NULL", model ? "info" : "model");
  if (i >= model->linear_count) {
    return svf_fail(SVF_ERR_ARGUMENT, "i is %zu, the model has %zu linear layers", i,
                    model->linear_count);
  }
  const svf_model_linear *l = &model->linears[i];
  const svf_linear_header *h = l->block;
  svf_layer_info own = {.size = sizeof own,
                        .name = l->name,
                        .m = l->m,
                        .n = l->n,
                        .r = l->r,
                        .packed = l->packed,
                        .bytes = l->bytes};
  if (h) {
    own.format = (svf_format)h->format;
    own.group = svf_format_of(own.format)->traits.group_count > 1 ? h->group : 0;
  }
  return svf_struct_write("info", &own, sizeof own, info, SVF_SIZE_TO(svf_layer_info, bytes));
}

size_t svf_model_file_bytes(const svf_model *model)
{
  size_t bytes = 0;
  const char *path;
  for (size_t i = 0; model && model->files && (path = svf_checkpoint_path(model->files, i)) != NULL;
       ++i) {
    struct stat info;
    if (stat(path, &info) == 0) bytes += (size_t)info.st_size;
  }
  return bytes;
}
