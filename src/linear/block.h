/* SPDX-License-Identifier: Apache-2.0
 *
 * Where everything is inside a packed block. */
#ifndef SVF_LINEAR_BLOCK_H
#define SVF_LINEAR_BLOCK_H

#include <svf/linear.h>

#define SVF_LINEAR_ENDIAN UINT32_C(0x01020304)

extern const unsigned char svf_linear_magic[8];

/* Makes the header that follows from the shape, with checksum 0. quant may be NULL. Errors:
 * ARGUMENT, OVERFLOW. */
svf_status svf_linear_layout(size_t m, size_t n, size_t r, svf_format format,
                             const svf_quant *quant, svf_linear_header *header);

/* Reads a caller's source as this version's, with steps of 1 where they are 0. Errors: NULL,
 * VERSION, ARGUMENT (a reserved member is not 0). */
svf_status svf_linear_read_source(const svf_linear_source *from, svf_linear_source *to);

/* Checks the pointers, types and strides of a source whose m, n and r are valid. */
svf_status svf_linear_check_source(const svf_linear_source *source);

/* The header of a block, which may lie at any address, after the checks of svf_linear_check without
 * the checksum. Errors: those of svf_linear_check. */
svf_status svf_linear_read_header(const void *block, size_t bytes, svf_linear_header *header);

/* The checksum of a block of header->bytes bytes, with its checksum field taken as 0. */
uint64_t svf_linear_checksum(const void *block);

#endif
