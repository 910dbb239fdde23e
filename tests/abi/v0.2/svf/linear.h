/* SPDX-License-Identifier: Apache-2.0
 *
 * A packed linear layer: the factors of W = U diag(sigma) V^T in the layout that the kernels read.
 * Or a dense layer, W itself, which has the second factor alone: then r is 0 wherever a rank is
 * spoken of, W stands where U would, sigma and V are empty, and k runs over n.
 *
 * The packed block is one position-independent run of bytes: it may be written to a file, mapped
 * back at any address and used without a copy, by any instruction set; on a multiple of 64 bytes
 * its lines are those of the caches, which is faster. The memory is always the caller's.
 *
 *   offset 0      struct svf_linear_header (128 bytes)
 *   sigma_offset  sigma, fp32, r values, zero-padded to a multiple of 16
 *   v_offset      V as panels, one per 16 channels: panel p, step k, lane j = V[k][16p+j]
 *   u_offset      U as panels: panel p, step k, lane j = U[16p+j][k]
 *
 * A panel with K steps is, by format:
 *   f32                [K][16]             fp32
 *   bf16, bf16-split   [K'/2][16][2]       bf16, K' = K rounded up to 32: pairs of steps
 *   s8, s8-split       per span of 256 steps
 *                      [16]                fp32: the scale of a channel
 *                      [k'/4][16][4]       int8
 *   w8                 per span of 256 steps
 *                      [256/group][16]     bf16: the scales
 *                      [k'/4][16][4]       int8
 *   w4                 per span of 256 steps
 *                      [256/group][16]     bf16: the scales
 *                      [k'/8][16][4]       int4 in two's complement: byte i has step i of 8 in its
 *                                          lower half and step i + 4 in its upper half
 *   w84                of V the panels of the first `head` channels as in w8, the others as in w4;
 *                      of U the first `head` steps of each panel as in w8, followed by the others
 *                      as in w4, where spans begin anew
 * k' is 256, and in the last span what is left of K rounded up to 64 (of `head` and of K - `head`
 * in the bands of w84). A weight is its integer times its scale. A weight that is not finite makes
 * its scale NaN.
 *
 * Lanes past r or m, and steps past K, are zero. All integers are in the writer's byte order;
 * `endian` tells which. */
#ifndef SVF_LINEAR_H
#define SVF_LINEAR_H

#include <stdbool.h>

#include <svf/status.h>
#include <svf/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SVF_LINEAR_ALIGNMENT 64 /* bytes: of every section of a block; of its address, for speed */
#define SVF_LINEAR_VERSION 1

typedef struct svf_linear_header {
  unsigned char magic[8]; /* "SVFLIN\r\n" */
  uint32_t endian;        /* 0x01020304 as the writer stores it */
  uint32_t version;       /* SVF_LINEAR_VERSION */
  uint32_t format;        /* svf_format */
  uint32_t group;         /* weights per scale; 0 where there are none, 256 in s8 */
  uint64_t m, n, r;       /* out features, in features, rank */
  uint64_t bytes;         /* of the whole block */
  uint64_t sigma_offset, v_offset, u_offset; /* from the start of the block */
  uint64_t checksum;    /* of the block, with 0 in this place; see svf_linear_check */
  uint64_t head;        /* w84: how many leading singular vectors are int8 */
  uint64_t reserved[4]; /* zero */
} svf_linear_header;

/* Choices in quantising. It has no size member, since it lies inside other structs, but room to
 * grow. */
typedef struct svf_quant {
  size_t group; /* w8, w4, w84: weights of a channel that share a scale: 32, 64, 128, or 0 for 32 */
  size_t head;  /* w84: this many leading singular vectors are int8: a multiple of 64, at most r */
  size_t reserved[6]; /* zero */
} svf_quant;

/* Where to pack from: U [m][r] and V^T [r][n], usually row-major as engines store weights. A slice
 * of the rank is a pointer offset: u + r0, vt + r0 * vt_stride, sigma + r0. A dense layer, r = 0,
 * has u = W [m][n], and vt and sigma are NULL.
 *
 * A transposed array is its steps: of U stored as [r][m], u_stride is 1 and u_step the distance
 * between its rows. The transposed layer, which takes gradients backwards, dX = ((dY U) * D) V^T,
 * is the same two arrays in each other's place, m and n exchanged:
 *
 *   back.u = vt    back.u_stride = 1     back.u_step = vt_stride     (element (j,k) is V^T[k][j])
 *   back.vt = u    back.vt_stride = 1    back.vt_step = u_stride     (element (k,i) is U[i][k])
 *
 * Set to zero first, then fill in; `size` is sizeof(svf_linear_source). */
typedef struct svf_linear_source {
  size_t size;
  size_t m, n, r;     /* m, n >= 1, any value; r = 0: dense */
  svf_format format;  /* of the packed block */
  svf_dtype u_type;   /* element type of u */
  const void *u;      /* element (i,k) at u + i*u_stride + k*u_step; needs only element alignment */
  size_t u_stride;    /* elements between rows */
  size_t u_step;      /* elements between columns; 0 stands for 1 */
  svf_dtype vt_type;  /* element type of vt */
  const void *vt;     /* element (k,j) at vt + k*vt_stride + j*vt_step */
  size_t vt_stride;   /* elements between rows */
  size_t vt_step;     /* elements between columns; 0 stands for 1. Stride and step may be any two
                         with which each row lies whole before the next, or each column does */
  const float *sigma; /* [r]; the gains of the base model. Not checked; svf_gains needs it finite
                         and not negative, and a head of w84 makes sense only if it descends */
  svf_quant quant;    /* for w8, w4 and w84; zero for other formats */
} svf_linear_source;

/* Bytes of the packed block of a source, a multiple of 64. Only m, n, r, format and quant are read:
 * its pointers may be NULL. Errors: NULL, VERSION (size), ARGUMENT (m or n is zero, an unknown
 * format, an impossible quant, a dense layer in w84), OVERFLOW. Thread-safe. */
SVF_API svf_status svf_linear_bytes(const svf_linear_source *source, size_t *bytes);

/* Choose how many of the leading singular vectors of a w84 block are int8 within `budget` bytes of
 * block. Reads from source what packing would, and its quant.group; its format does not matter.
 *
 *   quant  out: for svf_linear_source, the largest head that fits; may be &source->quant
 *   error  out, or NULL: ||W - W'||_F / ||W||_F of that choice, where W' is what the packed block
 *          stands for. It is computed as sqrt(sum over k of sigma_k^2 (|u_k - u'_k|^2 +
 *          |v_k - v'_k|^2) / sum of sigma_k^2), which is exact up to products of two errors if U
 *          and V are orthonormal. Its square is about the NMSE of Y for white X. 0 if sigma is 0,
 *          NaN if sigma or a weight is not finite
 *
 * sigma should descend: int8 helps the leading singular vectors most. Quantises all weights once;
 * allocates nothing. Errors: as svf_linear_pack, and SPACE if not even w4 fits. Thread-safe. */
SVF_API svf_status svf_quant_plan(const svf_linear_source *source, size_t budget, svf_quant *quant,
                                  double *error);

/* Pack into block[0..bytes), at any address, and seal it. Reads no source element beyond those
 * described, writes nothing beyond the size that svf_linear_bytes returns. The same input gives the
 * same bytes on every machine of one endianness, and for every stride and step. Errors: NULL,
 * VERSION (size), ARGUMENT, OVERFLOW, SPACE, ALIGNMENT (of an array of the source); on error the
 * block is untouched. Serial.
 * Thread-safe on distinct blocks. */
SVF_API svf_status svf_linear_pack(const svf_linear_source *source, void *block, size_t bytes);

/* The same, divided: call with every ith in [0, nth), in any order, on any threads, then
 * svf_linear_seal once after all have returned. The bytes do not depend on nth. Share 0 writes the
 * header, unsealed. Where the memory holds an older block, run share 0 first: until it has run,
 * svf_linear_check may take the old seal for that of the new bytes. Errors: those of
 * svf_linear_pack; ARGUMENT (nth = 0, ith >= nth); on error the block is untouched. Thread-safe on
 * distinct blocks, and on distinct shares of one. */
SVF_API svf_status svf_linear_pack_part(const svf_linear_source *source, void *block, size_t bytes,
                                        size_t ith, size_t nth);

/* Compute the checksum of a block whose shares have all been packed and mark it as complete; until
 * then svf_linear_check refuses the block. Reads all of it. Errors: NULL, SPACE, MAGIC, ENDIAN,
 * VERSION, CORRUPT (the header); on error the block is untouched. Thread-safe on distinct
 * blocks. */
SVF_API svf_status svf_linear_seal(void *block, size_t bytes);

/* Check a block that came from a file before using it: magic, byte order, version, and
 * that every size and offset follows from m, n, r and format and fits in `bytes` (the bytes that
 * are really there). With verify_checksum every byte is read and the checksum compared. After
 * OK no function of the library reads outside block[0..bytes). Errors: NULL, SPACE,
 * MAGIC, ENDIAN, VERSION, CORRUPT. Thread-safe. */
SVF_API svf_status svf_linear_check(const void *block, size_t bytes, bool verify_checksum);

/* The weights of a checked block as they are stored, in fp32: u [m][r], or W [m][n] of a dense
 * layer, and vt [r][n], row-major with these strides in elements; either may be NULL. Errors: NULL
 * (block), ARGUMENT (a stride), and those of svf_linear_check; on error nothing was written.
 * Thread-safe. */
SVF_API svf_status svf_linear_unpack(const void *block, size_t bytes, float *u, size_t u_stride,
                                     float *vt, size_t vt_stride);

/* --- Backwards -----------------------------------------------------------------------------------
 *
 * The transposed layer of a checked block, from the weights as the block stores them, has V [n][r]
 * in the place of U, U in that of V, and the same sigma; of a dense layer it is W^T. It takes
 * gradients backwards, as svf_matmul_args.gradients describes, for the very layer that the block
 * stands for. In f32 it is exact; in bf16 and bf16-split it is if the block is in one of these or
 * its weights are bf16, and else each weight is rounded once: of blocks in s8, w8, w4 and w84 by at
 * most 2^-9 of its value. Any format is allowed; integers are quantised anew, in groups of 32. */

/* Bytes of the transposed layer in a format. Errors: NULL, ARGUMENT (format, w84 of a dense layer),
 * OVERFLOW, and those of svf_linear_check without a checksum. Thread-safe. */
SVF_API svf_status svf_linear_transposed_bytes(const void *block, size_t bytes, svf_format format,
                                               size_t *out_bytes);

/* Pack the transposed layer of block[0..bytes) into out[0..out_bytes), at any address, and seal it.
 * The two may not overlap. Errors: those of svf_linear_transposed_bytes, SPACE; on error `out` is
 * untouched. Serial, allocates nothing. Thread-safe on distinct blocks. */
SVF_API svf_status svf_linear_transpose(const void *block, size_t bytes, svf_format format,
                                        void *out, size_t out_bytes);

/* The same, divided as svf_linear_pack_part is, with svf_linear_seal after all shares. Errors:
 * those of svf_linear_transpose; ARGUMENT (nth = 0, ith >= nth). Thread-safe on distinct shares. */
SVF_API svf_status svf_linear_transpose_part(const void *block, size_t bytes, svf_format format,
                                             void *out, size_t out_bytes, size_t ith, size_t nth);

/* The header of a checked or packed block, which is where the block begins; NULL if block is NULL.
 * Nothing is checked. Of a block that is not on a multiple of 8 bytes, copy the header's bytes
 * instead. Thread-safe. */
SVF_API const svf_linear_header *svf_linear_info(const void *block);

/* sigma inside a checked or packed block, r values: the gains of the base model. It stays valid as
 * long as the block. NULL if block is NULL or dense. Nothing is checked. If the block is not on a
 * multiple of 4 bytes, neither is sigma. Thread-safe. */
SVF_API const float *svf_linear_sigma(const void *block);

#ifdef __cplusplus
}
#endif
#endif
