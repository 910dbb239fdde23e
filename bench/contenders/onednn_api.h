/* SPDX-License-Identifier: Apache-2.0
 *
 * What differs between the APIs of oneDNN 2.x, with operation descriptors and memory descriptors
 * that are structs, and 3.x. */
#ifndef SVF_BENCH_CONTENDERS_ONEDNN_API_H
#define SVF_BENCH_CONTENDERS_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(call) must(call, #call)

static inline void must(dnnl_status_t status, const char *call)
{
  if (status == dnnl_success) return;
  fprintf(stderr, "oneDNN: %s gives status %d\n", call, (int)status);
  exit(1);
}

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t desc; /* a handle */
typedef const_dnnl_memory_desc_t desc_view;

static inline desc_view view(const desc *d) { return *d; }

static inline void desc_free(desc *d)
{
  if (*d) dnnl_memory_desc_destroy(*d);
  *d = NULL;
}

static inline desc desc_make(size_t rows, size_t columns, dnnl_data_type_t type,
                             dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  desc d;
  MUST(dnnl_memory_desc_create_with_tag(&d, 2, dims, type, tag));
  return d;
}

static inline desc desc_copy(desc_view v)
{
  desc d;
  MUST(dnnl_memory_desc_clone(&d, v));
  return d;
}

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                        const desc *src, const desc *weights, const desc *dst,
                                        dnnl_primitive_attr_t attr)
{
  return dnnl_matmul_primitive_desc_create(pd, engine, *src, *weights, NULL, *dst, attr);
}

#else

typedef dnnl_memory_desc_t desc; /* a struct */
typedef const dnnl_memory_desc_t *desc_view;

static inline desc_view view(const desc *d) { return d; }

static inline void desc_free(desc *d) { (void)d; }

static inline desc desc_make(size_t rows, size_t columns, dnnl_data_type_t type,
                             dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  desc d;
  MUST(dnnl_memory_desc_init_by_tag(&d, 2, dims, type, tag));
  return d;
}

static inline desc desc_copy(desc_view v) { return *v; }

static inline dnnl_status_t matmul_desc(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                        const desc *src, const desc *weights, const desc *dst,
                                        dnnl_primitive_attr_t attr)
{
  dnnl_matmul_desc_t op;
  const dnnl_status_t status = dnnl_matmul_desc_init(&op, src, weights, NULL, dst);
  return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, NULL) : status;
}

#endif

#endif
