/* SPDX-License-Identifier: Apache-2.0
 *
 * The linear layers of a pass. */
#ifndef SVF_TRANSFORMER_LINEARS_H
#define SVF_TRANSFORMER_LINEARS_H

#include "src/transformer/pass.h"

typedef struct svf_linear_call {
  const svf_model_linear *layer;
  const float *x; /* [rows][n] */
  float *y;       /* [rows][m] */
  unsigned flags; /* SVF_MATMUL_* */
  float *t0;      /* [rows][r], or NULL */
} svf_linear_call;

/* Run up to SVF_ABREAST calls on `rows` rows, stage by stage together. If `wanting`, the rows are
 * those of the pass that want logits, else all of them. */
void svf_linears_run(const svf_worker *w, const svf_linear_call *calls, size_t count, size_t rows,
                     bool wanting);

#endif
