/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing an expert's file. The expert is made first, so that what is written is what can be read,
 * in the order of names. */
#include <svf/expert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/core/size.h"
#include "src/core/status.h"
#include "src/experts/expert.h"
#include "src/experts/metadata.h"

enum { NAME_BYTES = SVF_EXPERT_MAX_MODULE_NAME + 3 }; /* with suffix and terminator */

static void list_entries(const svf_expert *expert, svf_safetensors_entry *entries, char *names)
{
  const char *suffix = svf_expert_suffix(expert->info.parametrisation);
  for (size_t i = 0; i < expert->count; ++i) {
    char *name = names + i * NAME_BYTES;
    snprintf(name, NAME_BYTES, "%s%s", expert->modules[i].name, suffix);
    entries[i] = (svf_safetensors_entry){.size = sizeof *entries,
                                         .name = name,
                                         .dtype = SVF_TENSOR_F32,
                                         .ndim = 1,
                                         .shape = {expert->modules[i].r}};
  }
}

static svf_status create(const char *path, const svf_expert *expert,
                         svf_safetensors_writer **writer)
{
  svf_expert_metadata metadata;
  svf_safetensors_entry *entries = calloc(expert->count, sizeof *entries);
  char *names = malloc(expert->count * NAME_BYTES);
  svf_status status = entries && names
                          ? SVF_OK
                          : svf_fail(SVF_ERR_MEMORY, "no memory for %zu modules", expert->count);
  if (status == SVF_OK) status = svf_expert_metadata_print(&expert->info, &metadata);
  if (status == SVF_OK) {
    list_entries(expert, entries, names);
    status = svf_safetensors_create(path, entries, expert->count, metadata.pairs, metadata.count,
                                    writer);
  }
  free(entries);
  free(names);
  return status;
}

/* fp32 in the byte order of files, a piece at a time. */
static svf_status append(svf_safetensors_writer *writer, const float *values, size_t count)
{
  enum { PIECE = 1024 };
  unsigned char bytes[PIECE * sizeof(float)];
  svf_status status = SVF_OK;
  for (size_t done = 0; done < count && status == SVF_OK; done += PIECE) {
    const size_t some = svf_size_min(PIECE, count - done);
    for (size_t i = 0; i < some; ++i) {
      uint32_t bits;
      memcpy(&bits, &values[done + i], sizeof bits);
      for (size_t b = 0; b < sizeof bits; ++b) bytes[4 * i + b] = (unsigned char)(bits >> 8 * b);
    }
    status = svf_safetensors_append(writer, bytes, some * sizeof(float));
  }
  return status;
}

static svf_status write_expert(const char *path, const svf_expert *expert)
{
  svf_safetensors_writer *writer = NULL;
  svf_status status = create(path, expert, &writer);
  for (size_t i = 0; i < expert->count && status == SVF_OK; ++i) {
    status = append(writer, expert->modules[i].values, expert->modules[i].r);
  }
  if (status == SVF_OK) status = svf_safetensors_commit(&writer);
  svf_safetensors_discard(&writer);
  return status;
}

svf_status svf_expert_write(const char *path, const svf_expert_info *info,
                            const svf_expert_module *modules, size_t count)
{
  svf_expert *expert;
  if (!path) return svf_fail(SVF_ERR_NULL, "path is NULL");
  svf_status status = svf_expert_create(info, modules, count, &expert);
  if (status != SVF_OK) return status;
  status = write_expert(path, expert);
  svf_expert_close(expert);
  return status;
}
