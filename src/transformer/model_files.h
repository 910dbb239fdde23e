/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a model's directory, as every model is opened. */
#ifndef SVF_TRANSFORMER_MODEL_FILES_H
#define SVF_TRANSFORMER_MODEL_FILES_H

#include "src/io/checkpoint.h"
#include "src/transformer/config.h"

/* The report of svf_model_decompose, which is written before there is a model. */
#define SVF_DECOMPOSITION_FILE "decomposition.json"

/* Read the configuration and open the tensors; flags are those of svf_checkpoint_open. *files is
 * NULL on an error. Errors: those of both, and FILE if a decomposition is not finished. */
svf_status svf_model_files_open(const char *dir, unsigned flags, svf_config *config,
                                svf_checkpoint **files);

#endif
