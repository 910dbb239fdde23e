/* SPDX-License-Identifier: Apache-2.0
 *
 * The differences between the APIs of oneDNN 2.x and 3.x: 2.x has operation descriptors, and its
 * memory descriptors are structs. */
#ifndef SVF_BACKEND_ONEDNN_API_H
#define SVF_BACKEND_ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t desc; /* a handle */
typedef const_dnnl_memory_desc_t desc_view;

static inline desc_view view(const desc *d) { return *d; }

static inline void desc_free(desc *d)
{
  if (*d) dnnl_memory_desc_destroy(*d);
  *d = NULL;
}

static inline dnnl_status_t desc_init(desc *d, size_t rows, size_t columns, dnnl_data_type_t type,
                                      dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  return dnnl_memory_desc_create_with_tag(d, 2, dims, type, tag);
}

static inline dnnl_status_t desc_clone(desc *d, desc_view v)
{
  return dnnl_memory_desc_clone(d, v);
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

static inline dnnl_status_t desc_init(desc *d, size_t rows, size_t columns, dnnl_data_type_t type,
                                      dnnl_format_tag_t tag)
{
  const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  return dnnl_memory_desc_init_by_tag(d, 2, dims, type, tag);
}

static inline dnnl_status_t desc_clone(desc *d, desc_view v)
{
  *d = *v;
  return dnnl_success;
}

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
