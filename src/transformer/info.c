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
#include "src/transformer/weights.h"

static svf_status check_index(const svf_model *model, size_t i)
{
  if (i < model->linear_count) return SVF_OK;
  return svf_fail(SVF_ERR_ARGUMENT, "i is %zu, the model has %zu linear layers", i,
                  model->linear_count);
}

svf_status svf_model_layer_at(const svf_model *model, size_t i, svf_layer_info *info)
{
  if (!model || !info) return svf_fail(SVF_ERR_NULL, "%s is NULL", model ? "info" : "model");
  const svf_status status = check_index(model, i);
  if (status != SVF_OK) return status;
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

svf_status svf_model_check_layer(const svf_model *model, size_t i)
{
  if (!model) return svf_fail(SVF_ERR_NULL, "model is NULL");
  svf_status status = check_index(model, i);
  if (status != SVF_OK || !model->linears[i].packed) return status;
  const svf_model_linear *l = &model->linears[i];
  status = svf_linear_check(l->block, l->bytes, true);
  return status == SVF_OK ? status : svf_weights_fail_packed(model->files, l->name, status);
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
