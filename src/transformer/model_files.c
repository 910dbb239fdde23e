/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/transformer/model_files.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/core/status.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "src/io/foreign.h"
#include "src/io/text.h"
#include "src/transformer/layers.h"

/* --- Weights of other programs ---------------------------------------------------------------- */

/* The first name of such a file in the order of bytes; "" if there is none. */
static void find_foreign(const char *dir, char *name, size_t bytes)
{
  DIR *list = opendir(dir);
  name[0] = 0;
  for (const struct dirent *e; list && (e = readdir(list)) != NULL;) {
    if (svf_foreign_weights(e->d_name) && (!*name || strcmp(e->d_name, name) < 0)) {
      snprintf(name, bytes, "%s", e->d_name);
    }
  }
  if (list) closedir(list);
}

static svf_status check_foreign(const char *dir)
{
  char name[256];
  find_foreign(dir, name, sizeof name);
  if (!*name) return SVF_OK;
  return svf_file_at_path(svf_fail(SVF_ERR_FILE,
                                   "has no safetensors, but %s, which is %s and svf does not read: "
                                   "take the model's config.json and *.safetensors",
                                   svf_text_show(name).text, svf_foreign_weights(name)),
                          dir);
}

/* --- Opening ---------------------------------------------------------------------------------- */

static svf_status check_finished(const char *dir)
{
  int directory;
  svf_status status = svf_directory_open(dir, &directory);
  if (status != SVF_OK) return status;
  const bool has_weights = svf_checkpoint_is_there(directory);
  if (svf_directory_has(directory, SVF_DECOMPOSITION_FILE) && !has_weights) {
    status = svf_file_at_path(
        svf_fail(SVF_ERR_FILE,
                 "this decomposition is not finished: repeat the 'svf decompose' that "
                 "began it, which continues where it stopped"),
        dir);
  } else if (!has_weights) {
    status = check_foreign(dir);
  }
  close(directory);
  return status;
}

static bool same_values(const svf_tensor *a, const svf_tensor *b)
{
  return a->dtype == b->dtype && a->bytes == b->bytes && a->ndim == b->ndim &&
         memcmp(a->shape, b->shape, sizeof a->shape) == 0 &&
         memcmp(a->data, b->data, a->bytes) == 0;
}

/* What transformers does if the configuration ties lm_head and embedding, but the files have an
 * lm_head: it is used if it is another matrix than the embedding, and is the embedding if there is
 * none. */
static svf_status settle_tied(svf_config *config, svf_checkpoint *files)
{
  const svf_tensor *lm_head = svf_checkpoint_find(files, "lm_head.weight");
  const svf_tensor *embedding = svf_checkpoint_find(files, SVF_EMBEDDING);
  if (!config->tied || !lm_head) return SVF_OK;
  if (!embedding) return svf_checkpoint_rename(files, "lm_head.weight", SVF_EMBEDDING);
  config->untied = !same_values(lm_head, embedding);
  config->tied = !config->untied;
  return SVF_OK;
}

svf_status svf_model_files_open(const char *dir, unsigned flags, svf_config *config,
                                svf_checkpoint **files)
{
  *files = NULL;
  svf_status status = check_finished(dir);
  if (status == SVF_OK) status = svf_config_read(dir, config);
  if (status == SVF_OK) status = svf_checkpoint_open(dir, flags, files);
  if (status == SVF_OK) status = settle_tied(config, *files);
  if (status != SVF_OK) {
    svf_checkpoint_close(*files);
    *files = NULL;
  }
  return status;
}
