/* SPDX-License-Identifier: Apache-2.0
 *
 * The layers in factors of a model that is not open: their names and singular values, which is all
 * that experts need. */
#ifndef SVF_TRANSFORMER_FACTORS_H
#define SVF_TRANSFORMER_FACTORS_H

#include "src/io/checkpoint.h"
#include "src/transformer/model.h"

enum { SVF_FACTORS_NAME = 128 };

/* `modules` are those of the model if it is opened; its count is 0 for a dense one. */
typedef struct svf_factors {
  svf_modules modules;
  svf_module *list;
  char (*names)[SVF_FACTORS_NAME];
  float *sigma;
} svf_factors;

/* Nothing of the files is needed any more afterwards. To be closed also after an error. Errors:
 * FILE (also where a layer is packed), MEMORY. */
svf_status svf_factors_read(const svf_config *config, const svf_checkpoint *files, svf_factors *f);

/* Of a model's directory. Errors: IO too. */
svf_status svf_factors_open(const char *dir, svf_factors *f);

void svf_factors_close(svf_factors *f);

#endif
