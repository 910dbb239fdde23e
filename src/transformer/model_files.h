/* SPDX-License-Identifier: Apache-2.0
 *
 * What every model begins with: the files of its directory. */
#ifndef SVF_TRANSFORMER_MODEL_FILES_H
#define SVF_TRANSFORMER_MODEL_FILES_H

#include "src/io/checkpoint.h"
#include "src/transformer/config.h"

/* The report of svf_model_decompose, which is there before the model is. */
#define SVF_DECOMPOSITION_FILE "decomposition.json"

/* Read the configuration and open the tensors; flags as svf_checkpoint_open. *files is NULL on
 * error. Errors of both, and FILE where a decomposition is not finished. */
svf_status svf_model_files_open(const char *dir, unsigned flags, svf_config *config,
                                svf_checkpoint **files);

#endif
