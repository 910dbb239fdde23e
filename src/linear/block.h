/* SPDX-License-Identifier: Apache-2.0
 *
 * Where everything stands inside a packed block. */
#ifndef SVF_LINEAR_BLOCK_H
#define SVF_LINEAR_BLOCK_H

#include <svf/linear.h>

#define SVF_LINEAR_ENDIAN UINT32_C(0x01020304)

extern const unsigned char svf_linear_magic[8];

/* The header that follows from the shape; quant may be NULL; checksum 0. ARGUMENT, OVERFLOW. */
svf_status svf_linear_layout(size_t m, size_t n, size_t r, svf_format format,
                             const svf_quant *quant, svf_linear_header *header);

/* A caller's source as this version's, with steps of 1 where they are 0. NULL, VERSION,
 * ARGUMENT (what is reserved). */
svf_status svf_linear_read_source(const svf_linear_source *from, svf_linear_source *to);

/* The pointers, types and strides of a source whose m, n and r are valid. */
svf_status svf_linear_check_source(const svf_linear_source *source);

/* Checksum of a block of header->bytes bytes, taking its checksum field as 0. */
uint64_t svf_linear_checksum(const void *block);

#endif
