/* SPDX-License-Identifier: Apache-2.0 */
#include "src/transformer/linears.h"

#include <svf/matmul.h>

/* The gains of the pass's rows (of those that want logits, if `wanting`) in one layer: a thread's
 * own list of pointers, or NULL if it would say nothing. */
static const float *const *gains_of(const svf_worker *w, const svf_model_linear *l, int slot,
                                    bool wanting)
{
  const svf_state *s = w->s;
  const float **list = s->lists + (w->ith * SVF_ABREAST + (size_t)slot) * s->sizes.rows;
  size_t n = 0;
  if (l->r == 0) return NULL;
  for (size_t i = 0; i < w->p->count; ++i) {
    if (wanting && !w->p->rows[i].wants_logits) continue;
    list[n++] = s->gains[i] ? s->gains[i] + l->gains : NULL;
  }
  return list;
}

/* The first stage from `from` on that any of the plans has, -1 if there is none. */
static int next_of(const svf_plan *plan, int count, int from)
{
  int first = -1;
  for (int i = 0; i < count; ++i) {
    const int stage = svf_matmul_next_stage(&plan[i], from);
    if (stage >= 0 && (first < 0 || stage < first)) first = stage;
  }
  return first;
}

/* Every thread makes its own copy of a plan, which is cheaper than to wait for one. */
void svf_linears_run(const svf_worker *w, const svf_linear_call *calls, int count, size_t rows,
                     bool wanting)
{
  svf_plan plan[SVF_ABREAST];
  for (int i = 0; i < count; ++i) {
    const svf_model_linear *l = calls[i].layer;
    const svf_matmul_args args = {.size = sizeof args,
                                  .linear = l->block,
                                  .rows = rows,
                                  .x = calls[i].x,
                                  .x_stride = (ptrdiff_t)l->n,
                                  .gains = gains_of(w, l, i, wanting),
                                  .bias = l->bias,
                                  .y = calls[i].y,
                                  .y_stride = (ptrdiff_t)l->m,
                                  .flags = calls[i].flags,
                                  .isa = w->s->isa};
    const svf_status status =
        svf_matmul_plan(&plan[i], &args, w->nth, w->s->workspace[i], w->s->workspace_bytes[i]);
    if (status == SVF_OK) continue;
    if (w->ith == 0) w->p->status = status;
    return; /* all threads do */
  }
  for (int stage = next_of(plan, count, 0); stage >= 0; stage = next_of(plan, count, stage + 1)) {
    for (int i = 0; i < count; ++i) svf_matmul_stage(&plan[i], stage, w->ith);
    svf_worker_sync(w);
  }
}
