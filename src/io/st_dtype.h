/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SVF_IO_ST_DTYPE_H
#define SVF_IO_ST_DTYPE_H

#include <stdbool.h>

#include <svf/safetensors.h>

/* The dtype of that name, as the files spell it; false if there is none. */
bool svf_st_dtype_parse(const char *name, svf_st_dtype *dtype);

/* Bytes of one element. */
size_t svf_st_dtype_size(svf_st_dtype dtype);

#endif
