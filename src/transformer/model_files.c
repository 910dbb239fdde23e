/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "src/transformer/model_files.h"

#include <unistd.h>

#include "src/core/status.h"
#include "src/io/directory.h"
#include "src/io/file.h"

static svf_status check_finished(const char *dir)
{
  int directory;
  svf_status status = svf_directory_open(dir, &directory);
  if (status != SVF_OK) return status;
  if (svf_directory_has(directory, SVF_DECOMPOSITION_FILE) && !svf_checkpoint_is_there(directory)) {
    status = svf_file_at_path(
        svf_fail(SVF_ERR_FILE,
                 "this decomposition is not finished: repeat the 'svf decompose' that "
                 "began it, which continues where it stopped"),
        dir);
  }
  close(directory);
  return status;
}

svf_status svf_model_files_open(const char *dir, unsigned flags, svf_config *config,
                                svf_checkpoint **files)
{
  *files = NULL;
  svf_status status = check_finished(dir);
  if (status == SVF_OK) status = svf_config_read(dir, config);
  return status == SVF_OK ? svf_checkpoint_open(dir, flags, files) : status;
}
