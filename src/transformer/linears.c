/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/linears.h"

#include <svf/matmul.h>

#include "src/matmul/run.h"

/* The gains in one layer of the pass's rows (if `wanting`, of those that want logits): a list of
 * pointers that belongs to this thread, or NULL for a dense layer. */
static const float *const *gains_of(const svf_worker *w, const svf_model_linear *l, size_t slot,
                                    bool wanting)
{
  const svf_state *s = w->s;
  const float **list = s->lists + (w->member->ith * SVF_ABREAST + slot) * s->sizes.rows;
  size_t n = 0;
  if (l->r == 0) return NULL;
  for (size_t i = 0; i < w->p->count; ++i) {
    if (wanting && !w->p->rows[i].wants_logits) continue;
    list[n++] = s->gains[i] ? s->gains[i] + l->gains : NULL;
  }
  return list;
}

/* Every thread makes its own copy of the plan, which is cheaper than waiting for one. */
void svf_linears_run(const svf_worker *w, const svf_linear_call *calls, size_t count, size_t rows,
                     bool wanting)
{
  svf_plan plan;
  svf_matmul_args args[SVF_ABREAST];
  for (size_t i = 0; i < count; ++i) {
    const svf_model_linear *l = calls[i].layer;
    args[i] = (svf_matmul_args){.size = sizeof args[i],
                                .linear = l->block,
                                .rows = rows,
                                .x = calls[i].x,
                                .x_stride = (ptrdiff_t)l->n,
                                .gains = gains_of(w, l, i, wanting),
                                .bias = l->bias,
                                .y = calls[i].y,
                                .y_stride = (ptrdiff_t)l->m,
                                .flags = calls[i].flags,
                                .t0 = calls[i].t0,
                                .t0_stride = (ptrdiff_t)l->r,
                                .isa = w->s->isa};
  }
  const svf_status status = svf_matmul_group_plan(&plan, args, count, w->member->shares,
                                                  w->s->workspace, w->s->workspace_bytes);
  if (status == SVF_OK) {
    svf_plan_run(&plan, w->member);
  } else if (w->member->ith == 0) { /* it fails on all threads */
    w->p->status = status;
  }
}
