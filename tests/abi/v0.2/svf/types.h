/* SPDX-License-Identifier: Apache-2.0
 *
 * Element types, weight formats and instruction sets. */
#ifndef SVF_TYPES_H
#define SVF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/export.h>
#include <svf/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element type of a caller's matrix. A bf16 element is a uint16_t, the upper half of an fp32. fp32
 * is rounded to bf16 to nearest, ties to even; a NaN becomes a quiet NaN. */
typedef enum svf_dtype { SVF_DTYPE_F32 = 0, SVF_DTYPE_BF16 = 1 } svf_dtype;

/* Format of the packed weights, and with it the arithmetic. Files hold these values, so they never
 * change. Their order means nothing: svf_format_get_traits says what a format is like. */
typedef enum svf_format {
  SVF_FORMAT_NONE = -1,      /* no format; svf_format_at gives it after the last one */
  SVF_FORMAT_F32 = 0,        /* fp32 weights and activations, one chain of FMAs per output */
  SVF_FORMAT_BF16 = 1,       /* bf16 weights; X and T rounded to bf16; sums in fp32 */
  SVF_FORMAT_BF16_SPLIT = 2, /* the same weights; T as hi + lo, two bf16: see svf/matmul.h */
  SVF_FORMAT_S8 = 3, /* int8 weights; X and T int8, with a scale per row and span of 256 steps */
  SVF_FORMAT_S8_SPLIT = 4, /* the same weights; T in 15 bits, as hi + lo, two int8 */
  SVF_FORMAT_W8 = 5,       /* int8 weights with a scale per group; X and T in 15 bits */
  SVF_FORMAT_W4 = 6,       /* int4 weights with a scale per group; X and T in 15 bits */
  SVF_FORMAT_W84 = 7,      /* the leading singular vectors as in w8, the others as in w4 */
} svf_format;

/* What a format is like. Set `size` before svf_format_get_traits fills in the rest.
 *
 *   weights      the format that packs the same weights and has the same kernels: s8 for s8-split
 *                and the like, w4 for w84; otherwise the format itself
 *   dense        what dense layers of a model are packed as where this format is asked for: w4 for
 *                w84, which needs a spectrum; otherwise the format itself
 *   weight_bits  bits that are stored for a weight, without scales; in a format with bands, for a
 *                weight of the second band, the tail
 *   *_precision  binary digits that are kept of a weight, of X and of T: of the significand, or of
 *                an integer with its sign
 *   groups       how many weights of a channel may share a scale, the default first; a static
 *                array. If it is empty there are no scales; with one element svf_quant.group has no
 *                choice */
typedef struct svf_format_traits {
  size_t size;      /* sizeof(svf_format_traits) */
  const char *name; /* that of svf_format_name */
  svf_format weights, dense;
  bool integer; /* weights, X and T are integers with scales; otherwise floating point */
  bool hi_lo;   /* T is carried as hi + lo, where `weights` carries hi alone */
  bool bands;   /* the svf_quant.head leading singular vectors have weights of more bits */
  int weight_bits;
  int weight_precision, x_precision, t_precision;
  const size_t *groups; /* [group_count] */
  size_t group_count;
} svf_format_traits;

/* Instruction set of a kernel. The values have gaps for new ones, a thousand for each architecture;
 * their order means nothing. svf/cpu.h says which instruction set is preferred. */
typedef enum svf_isa {
  SVF_ISA_AUTO = 0,          /* the best one here, or the selected one: see svf/cpu.h */
  SVF_ISA_REF = 100,         /* plain C: runs everywhere, slow, the oracle of the tests */
  SVF_ISA_NEON = 1000,       /* Armv8-A Advanced SIMD */
  SVF_ISA_NEONBF16 = 1100,   /* NEON and BFMMLA of Armv8.6-A, for bf16 */
  SVF_ISA_AVX2 = 2000,       /* AVX2 + FMA */
  SVF_ISA_AVX512 = 2100,     /* AVX-512 F, BW, DQ, VL */
  SVF_ISA_AVX512BF16 = 2200, /* AVX-512 and VDPBF16PS, for bf16; on Intel only by name: slower */
  SVF_ISA_AMX = 2300,        /* AVX-512, and AMX tiles for bf16 and integers */
} svf_isa;

/* Bytes of one element; 0 for an unknown type. Thread-safe. */
SVF_API size_t svf_dtype_size(svf_dtype type);

/* "f32", "bf16"; "?" for an unknown value. Static strings. Thread-safe. */
SVF_API const char *svf_dtype_name(svf_dtype type);

/* The type of that name. Errors: NULL; ARGUMENT with the list of known names. Thread-safe. */
SVF_API svf_status svf_dtype_parse(const char *name, svf_dtype *type);

/* The formats of this library, in an order fit for lists. i runs from 0 to svf_format_count() - 1;
 * any other i gives SVF_FORMAT_NONE. Thread-safe. */
SVF_API size_t svf_format_count(void);
SVF_API svf_format svf_format_at(size_t i);

/* The name of a format in options and files, such as "bf16-split"; "?" for an unknown value. Static
 * strings. Thread-safe. */
SVF_API const char *svf_format_name(svf_format format);

/* The format of that name. Errors: NULL; ARGUMENT with the list of known names. Thread-safe. */
SVF_API svf_status svf_format_parse(const char *name, svf_format *format);

/* Fill *traits, whose size the caller has set. Errors: NULL; VERSION (traits->size); ARGUMENT (no
 * format of this library). On error *traits is unchanged. Thread-safe. */
SVF_API svf_status svf_format_get_traits(svf_format format, svf_format_traits *traits);

#ifdef __cplusplus
}
#endif
#endif
