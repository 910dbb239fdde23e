/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types, weight formats and instruction sets. */
#ifndef SVF_TYPES_H
#define SVF_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <svf/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element type of a caller's matrix. bf16 elements are uint16_t: the upper half of an fp32. fp32 is
 * rounded to bf16 to nearest, ties to even; NaN becomes a quiet NaN. */
typedef enum svf_dtype { SVF_DTYPE_F32 = 0, SVF_DTYPE_BF16 = 1 } svf_dtype;

/* Format of the packed weights, and with it the arithmetic. */
typedef enum svf_format {
  SVF_FORMAT_F32 = 0,    /* fp32 weights and activations, one chain of FMAs per output */
  SVF_FORMAT_BF16,       /* bf16 weights; X and T rounded to bf16; sums in fp32 */
  SVF_FORMAT_BF16_SPLIT, /* the same weights; T carried as hi + lo, two bf16: what an expert changes
                            survives, see svf/matmul.h */
  SVF_FORMAT_S8,       /* int8 weights; X and T int8 with a scale per row and block of 256 steps */
  SVF_FORMAT_S8_SPLIT, /* the same weights; T in 15 bits, as hi + lo, two int8 */
  SVF_FORMAT_W8,       /* int8 weights with a scale per group; X and T in 15 bits */
  SVF_FORMAT_W4,       /* int4 weights with a scale per group; X and T in 15 bits */
  SVF_FORMAT_W84,      /* bits that follow the spectrum: the leading singular vectors as in w8, the
                          others      as in w4 */
  SVF_FORMAT_COUNT
} svf_format;

/* Instruction set of a kernel. Higher is preferred where the CPU has it. */
typedef enum svf_isa {
  SVF_ISA_AUTO = 0,   /* the best that this CPU and operating system support, or the one selected */
  SVF_ISA_REF,        /* plain C: runs everywhere, slow, the oracle of the tests */
  SVF_ISA_NEON,       /* Armv8-A Advanced SIMD */
  SVF_ISA_NEONBF16,   /* and BFMMLA, of Armv8.6-A: bf16 */
  SVF_ISA_AVX2,       /* AVX2 + FMA */
  SVF_ISA_AVX512,     /* AVX-512 F, BW, DQ, VL */
  SVF_ISA_AVX512BF16, /* and VDPBF16PS, where it is faster than FMAs (AMD): bf16 */
  SVF_ISA_AMX,        /* AVX-512 and AMX tiles: bf16; formats without tiles use AVX-512 */
  SVF_ISA_COUNT
} svf_isa;

/* Bytes of one element; 0 for an unknown type. Thread-safe. */
SVF_API size_t svf_dtype_size(svf_dtype type);

/* "f32", "bf16", and for formats "bf16-split", "s8", "s8-split", "w8", "w4", "w84"; "?" for an
 * unknown value. Static strings. Thread-safe. */
SVF_API const char *svf_dtype_name(svf_dtype type);
SVF_API const char *svf_format_name(svf_format format);

#ifdef __cplusplus
}
#endif
#endif
