/* SPDX-License-Identifier: Apache-2.0
 *
 * The convenience forms of a call: serial, on a pool, on OpenMP. */
#include <svf/backend.h>

#include "src/backend/onednn.h"
#include "src/core/openmp.h"
#include "src/core/status.h"
#include "src/matmul/plan.h"

typedef struct stage_task {
  const svf_plan *plan;
  int stage;
} stage_task;

static void run_stage(void *context, size_t i)
{
  const stage_task *task = context;
  svf_matmul_stage(task->plan, task->stage, i);
}

static void run_serial(void *self, size_t count, void (*task)(void *context, size_t i),
                       void *context)
{
  (void)self;
  for (size_t i = 0; i < count; ++i) task(context, i);
}

svf_status svf_matmul_pool(const svf_matmul_args *args, const svf_pool *pool, void *workspace,
                           size_t workspace_bytes)
{
  if (!pool) return svf_fail(SVF_ERR_NULL, "pool is NULL");
  if (!pool->run) return svf_fail(SVF_ERR_NULL, "pool->run is NULL");
  svf_plan plan;
  const svf_status status = svf_matmul_plan(&plan, args, pool->threads, workspace, workspace_bytes);
  if (status != SVF_OK || args->rows == 0) return status;
  for (int stage = svf_matmul_next_stage(&plan, 0); stage < SVF_STAGES;
       stage = svf_matmul_next_stage(&plan, stage + 1)) {
    stage_task task = {&plan, stage};
    pool->run(pool->self, pool->threads, run_stage, &task);
  }
  return SVF_OK;
}

#ifdef SVF_WITH_ONEDNN
/* The plan is made for its checks. */
static svf_status on_onednn(const svf_matmul_args *args, size_t threads, void *workspace,
                            size_t workspace_bytes)
{
  svf_plan plan;
  const svf_status status = svf_matmul_plan(&plan, args, threads ? threads : svf_max_threads(),
                                            workspace, workspace_bytes);
  return status != SVF_OK || args->rows == 0 ? status : svf_onednn_matmul(args, threads);
}
#endif

svf_status svf_matmul(const svf_matmul_args *args, size_t threads, void *workspace,
                      size_t workspace_bytes)
{
#ifdef SVF_WITH_ONEDNN
  if (svf_backend_selected() == SVF_BACKEND_ONEDNN) {
    return on_onednn(args, threads, workspace, workspace_bytes);
  }
#endif
  if (threads == 0) threads = svf_max_threads();
  if (threads == 1) {
    const svf_pool serial = {.threads = 1, .run = run_serial};
    return svf_matmul_pool(args, &serial, workspace, workspace_bytes);
  }
  svf_plan plan;
  const svf_status status = svf_matmul_plan(&plan, args, threads, workspace, workspace_bytes);
  if (status == SVF_OK && args->rows > 0) svf_openmp_run(&plan, threads);
  return status;
}
