/* SPDX-License-Identifier: Apache-2.0
 *
 * A unit is the source file of one family of kernels for one instruction set. Template headers
 * (fma_tile.h, int_tile.h and others) are included by many units. Their functions and types have
 * short names, which are macros for names of the unit's own. So nm, perf and a debugger tell whose
 * they are, and all units fit into one translation unit:
 *
 *   fma_step   in kernels/avx512/f32.c is   svf_f32_fma_step_avx512
 *
 * A unit first defines
 *
 *   SVF_UNIT            its family: f32, bf16, int, half, ops or quant
 *   SVF_UNIT_ISA        its instruction set, as the names of kernels have it
 *   SVF_UNIT_VECTORS    whose vec.h it uses: avx2, avx512 or neon
 *
 * then includes that vec.h, or an ivec.h, and its templates between SVF_TARGET_BEGIN and
 * SVF_TARGET_END, and ends with unit_end.h, which undefines these macros, short names and
 * parameters of templates. All headers that are not templates are included here: within a target
 * their functions would be compiled for it, in a translation unit that has other targets too. */
#ifndef SVF_KERNELS_UNIT_H
#define SVF_KERNELS_UNIT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <svf/cpu.h>

#include "kernels/exp.h"
#include "kernels/half.h"
#include "kernels/int_scale.h"
#include "kernels/ops.h"
#include "kernels/quant.h"
#include "kernels/registry.h"
#include "kernels/target.h"

#ifdef __clang__
#define SVF_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SVF_UNROLL _Pragma("GCC unroll 64")
#endif

/* Joins what its arguments expand to. */
#define SVF_JOIN(x, y) SVF_JOIN_EXPANDED(x, y)
#define SVF_JOIN_EXPANDED(x, y) x##_##y
#define SVF_STRING(x) SVF_STRING_EXPANDED(x)
#define SVF_STRING_EXPANDED(x) #x

#define SVF_VEC(name) SVF_JOIN(name, SVF_UNIT_VECTORS) /* of the unit's vec.h or ivec.h */
#define SVF_OF_ISA(name) SVF_JOIN(name, SVF_UNIT_ISA)

/* svf_<format or family>_<name>_<isa> */
#define SVF_KERNEL_NAME(format, name) SVF_JOIN(SVF_JOIN(SVF_JOIN(svf, format), name), SVF_UNIT_ISA)
#define SVF_NAME(name) SVF_KERNEL_NAME(SVF_UNIT, name)

/* A format's enumerator and registry row, from the name that kernels have in theirs. */
#define SVF_FORMAT_f32 SVF_FORMAT_F32
#define SVF_FORMAT_bf16 SVF_FORMAT_BF16
#define SVF_FORMAT_s8 SVF_FORMAT_S8
#define SVF_FORMAT_w8 SVF_FORMAT_W8
#define SVF_FORMAT_w4 SVF_FORMAT_W4
#define SVF_ROW_NAME(format) SVF_JOIN(SVF_JOIN(svf_kernel, format), SVF_UNIT_ISA)

/* Entries of svf_kernel.tile where a row unit is one row: for any tile, and for the widest one of
 * its height. */
#define SVF_TILE_NAME(format, rows, panels) SVF_KERNEL_NAME(format, rows##x##panels)
#define SVF_TILE(format, rows_, panels_) \
  [rows_].fn[panels_] = SVF_TILE_NAME(format, rows_, panels_),
#define SVF_FULL_TILE(format, rows_, panels_) \
  [rows_].panels = (panels_), SVF_TILE(format, rows_, panels_)

#endif
