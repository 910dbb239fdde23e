/* SPDX-License-Identifier: Apache-2.0
 *
 * svf: one set of weights, many experts. This header includes the whole kernel library; see
 * README.md for an example and each header for its contract. */
#ifndef SVF_SVF_H
#define SVF_SVF_H

#include <svf/backend.h>  /* IWYU pragma: export */
#include <svf/cpu.h>      /* IWYU pragma: export */
#include <svf/gains.h>    /* IWYU pragma: export */
#include <svf/half.h>     /* IWYU pragma: export */
#include <svf/linear.h>   /* IWYU pragma: export */
#include <svf/matmul.h>   /* IWYU pragma: export */
#include <svf/merge.h>    /* IWYU pragma: export */
#include <svf/selftest.h> /* IWYU pragma: export */
#include <svf/status.h>   /* IWYU pragma: export */
#include <svf/types.h>    /* IWYU pragma: export */
#include <svf/version.h>  /* IWYU pragma: export */

#endif
