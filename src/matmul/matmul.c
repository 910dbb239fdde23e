/* SPDX-License-Identifier: Apache-2.0
 *
 * The convenience forms of a call: serial, on a pool, on OpenMP. */
#include <svf/backend.h>

#include "src/backend/onednn.h"
#include "src/core/status.h"
#include "src/core/structs.h"
#include "src/matmul/call.h"
#include "src/matmul/run.h"

/* --- Stages one after the other --------------------------------------------------------------- */

typedef struct stage_task {
  const svf_plan *plan;
  int stage;
} stage_task;

static void run_stage(void *context, size_t i)
{
  const stage_task *task = context;
  svf_matmul_stage(task->plan, task->stage, i);
}

static void run_pool(const svf_plan *plan, const svf_pool *pool)
{
  for (int stage = svf_matmul_next_stage(plan, 0); stage >= 0;
       stage = svf_matmul_next_stage(plan, stage + 1)) {
    stage_task task = {plan, stage};
    pool->run(pool->self, pool->threads, run_stage, &task);
  }
}

static void run_stages(const svf_plan *plan, svf_member *m, bool is_all)
{
  const size_t shares = svf_plan_read(plan)->nth;
  for (int stage = svf_matmul_next_stage(plan, 0), next; stage >= 0; stage = next) {
    next = svf_matmul_next_stage(plan, stage + 1);
    m->is_last = is_all && next < 0;
    for (size_t share; svf_member_next(m, &share);) {
      for (size_t i = share; i < shares; i += m->shares) svf_matmul_stage(plan, stage, i);
    }
  }
}

void svf_plan_run(const svf_plan *plan, svf_member *m) { run_stages(plan, m, false); }

/* svf_team_work */
static void run_shares(void *context, svf_member *m)
{
  run_stages(*(const svf_plan *const *)context, m, true);
}

#ifdef SVF_WITH_ONEDNN
/* The plan was made only to check the arguments. All calls are checked before the first writes. */
static svf_status on_onednn(const svf_plan *plan, size_t threads)
{
  const svf_plan_data *p = svf_plan_read(plan);
  svf_status status = SVF_OK;
  for (size_t i = 0; i < p->count && status == SVF_OK; ++i) {
    status = svf_onednn_check(&p->call[i].args);
    if (p->count > 1) status = svf_fail_at(status, "calls[%zu]", i);
  }
  for (size_t i = 0; i < p->count && status == SVF_OK; ++i) {
    status = svf_onednn_matmul(&p->call[i].args, threads);
  }
  return status;
}
#endif

/* Runs a plan of `shares` shares; `threads` is what the caller asked for. */
static svf_status run(const svf_plan *plan, size_t shares, size_t threads)
{
  (void)threads;
  if (svf_matmul_next_stage(plan, 0) < 0) return SVF_OK;
#ifdef SVF_WITH_ONEDNN
  if (svf_backend_selected() == SVF_BACKEND_ONEDNN) return on_onednn(plan, threads);
#endif
  svf_team_run(shares, run_shares, &plan);
  return SVF_OK;
}

static svf_status read_pool(const svf_pool *pool, svf_pool *own)
{
  if (!pool) return svf_fail(SVF_ERR_NULL, "pool is NULL");
  const svf_status status =
      svf_struct_read("pool", pool, SVF_SIZE_TO(svf_pool, self), own, sizeof *own);
  if (status != SVF_OK || own->run) return status;
  return svf_fail(SVF_ERR_NULL, "pool->run is NULL");
}

/* --- Public ----------------------------------------------------------------------------------- */

svf_status svf_matmul_pool(const svf_matmul_args *args, const svf_pool *pool, void *workspace,
                           size_t workspace_bytes)
{
  svf_plan plan;
  svf_pool own;
  svf_status status = read_pool(pool, &own);
  if (status != SVF_OK) return status;
  status = svf_matmul_plan(&plan, args, own.threads, workspace, workspace_bytes);
  if (status == SVF_OK) run_pool(&plan, &own);
  return status;
}

svf_status svf_matmul_group_pool(const svf_matmul_args *calls, size_t count, const svf_pool *pool,
                                 void *workspace, size_t workspace_bytes)
{
  svf_plan plan;
  svf_pool own;
  svf_status status = read_pool(pool, &own);
  if (status != SVF_OK) return status;
  status = svf_matmul_group_plan(&plan, calls, count, own.threads, workspace, workspace_bytes);
  if (status == SVF_OK) run_pool(&plan, &own);
  return status;
}

svf_status svf_matmul(const svf_matmul_args *args, size_t threads, void *workspace,
                      size_t workspace_bytes)
{
  svf_plan plan;
  const size_t shares = threads ? threads : svf_max_threads();
  const svf_status status = svf_matmul_plan(&plan, args, shares, workspace, workspace_bytes);
  return status == SVF_OK ? run(&plan, shares, threads) : status;
}

svf_status svf_matmul_group(const svf_matmul_args *calls, size_t count, size_t threads,
                            void *workspace, size_t workspace_bytes)
{
  svf_plan plan;
  const size_t shares = threads ? threads : svf_max_threads();
  const svf_status status =
      svf_matmul_group_plan(&plan, calls, count, shares, workspace, workspace_bytes);
  return status == SVF_OK ? run(&plan, shares, threads) : status;
}
