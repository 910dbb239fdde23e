/* SPDX-License-Identifier: Apache-2.0
 *
 * Teams of threads that go through stages together. Each stage is divided into shares:
 *
 *   static void work(void *context, svf_member *m)
 *   {
 *     for (size_t i; svf_member_next(m, &i);) first_stage(context, i, m->shares);
 *     for (size_t i; svf_member_next(m, &i);) second_stage(context, i, m->shares);
 *   }
 *
 * A share waits for no particular thread: each member takes the share of its own number, which is
 * in its caches, and then those that nobody has begun. So on a busy machine a stage does not wait
 * for members that are suspended, unless in the middle of a share; they catch up when they run. The
 * end of the work does: of a team that is kept for members that have entered it, else for all. */
#ifndef SVF_CORE_TEAM_H
#define SVF_CORE_TEAM_H

#include <stdbool.h>
#include <stddef.h>

#include "src/core/private.h"

/* A thread's way through the stages. */
typedef struct svf_member {
  struct svf_team *team; /* NULL: it is alone */
  size_t ith;            /* < shares; 0 is the thread that called svf_team_run, and only that */
  size_t shares;         /* of every stage, > 0 */
  size_t own;            /* the share that it takes first */
  size_t tried;          /* shares of this stage that it has taken or found taken */
  unsigned stage;        /* stages that have ended for it */
  bool has_share;        /* it is in the middle of one */
  bool is_last;          /* set by the work before its last stage: nobody waits for its end */
} svf_member;

/* True with a share of the stage for the member to carry out; false once all shares are carried
 * out, by whomever, and the next stage may begin: it sees what all wrote. */
SVF_PRIVATE_API bool svf_member_next(svf_member *m, size_t *share);

/* What every member carries out: the same stages in the same order. A member may be late by any
 * number of stages, so nothing may be written outside shares that others read. */
typedef void svf_team_work(void *context, svf_member *m);

/* Carries out work in at most `shares` shares, in the floating-point mode of the caller, which is a
 * member. The others are threads of the team that svf_keep_team keeps for the caller, else OpenMP's
 * threads; it is alone where there are none, and within the work of a team. */
SVF_PRIVATE_API void svf_team_run(size_t shares, svf_team_work *work, void *context);

#endif
