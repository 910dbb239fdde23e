/* SPDX-License-Identifier: Apache-2.0
 *
 * The header of a safetensors file as a pure function of its bytes. It needs no file and no
 * mapping, so tests and fuzzers feed it directly. */
#ifndef SVF_IO_SAFETENSORS_HEADER_H
#define SVF_IO_SAFETENSORS_HEADER_H

#include <jansson.h>

#include <svf/safetensors.h>

#define SVF_SAFETENSORS_PREFIX 8             /* bytes before the JSON: its length, little-endian */
#define SVF_SAFETENSORS_MAX_HEADER 100000000 /* bytes of JSON, the limit of the reference reader */
#define SVF_SAFETENSORS_MAX_TENSORS \
  (1u << 18)                          /* twice what the largest models have in all their shards */
#define SVF_SAFETENSORS_MAX_NAME 1024 /* bytes of a tensor's name */
#define SVF_SAFETENSORS_ALIGNMENT 64  /* where the data of our own files begins */
#define SVF_SAFETENSORS_METADATA "__metadata__"

typedef struct svf_safetensors_header {
  size_t count;
  svf_tensor *tensors;        /* [count], in file order: each begins where the one before it ends */
  const svf_tensor **by_name; /* [count], the same sorted by strcmp */
  char *names;                /* the tensors' names point into it */
  json_t *metadata;           /* an object of strings, or NULL */
} svf_safetensors_header;

/* *length becomes the bytes of JSON after the prefix, in a file of file_bytes. Errors: FILE. */
svf_status svf_safetensors_header_length(const unsigned char prefix[SVF_SAFETENSORS_PREFIX],
                                         size_t file_bytes, size_t *length);

/* Parse and check the JSON of a file with data_bytes of data. On OK *header must be freed; its
 * tensors do not point to data yet. Errors: FILE, MEMORY; messages do not name the file. */
svf_status svf_safetensors_header_parse(const char *json, size_t length, size_t data_bytes,
                                        svf_safetensors_header *header);

/* Point the tensors at their data. */
void svf_safetensors_header_bind(svf_safetensors_header *header, const void *data);

void svf_safetensors_header_free(svf_safetensors_header *header);

#endif
