/* SPDX-License-Identifier: Apache-2.0
 *
 * The panels of a factor, of which a first part may have another format than the rest: some of the
 * panels, or of the steps of every panel. A format of one band has all in the second part. */
#ifndef SVF_LINEAR_PARTS_H
#define SVF_LINEAR_PARTS_H

#include <svf/linear.h>

#include "kernels/format.h"

typedef struct svf_parts {
  svf_format format[2]; /* of the weights */
  svf_panel_layout layout[2];
  size_t group;
  size_t split_panel, split_k; /* where the second part begins; one of them is 0 */
  size_t stride[2];            /* bytes from panel to panel */
} svf_parts;

/* The reduction of product 0, with V, or of product 1, with U or with a dense W. */
static inline size_t svf_product_k(const svf_linear_header *h, int product)
{
  return (size_t)(product == 1 && h->r > 0 ? h->r : h->n);
}

/* Its outputs. A dense layer has none of product 0. */
static inline size_t svf_product_channels(const svf_linear_header *h, int product)
{
  return (size_t)(product == 1 ? h->m : h->r);
}

/* Of V, the weights of product 0, or of U or W, those of product 1. Needs format, one that there
 * is, group, head, n and r of the header; n and r are small enough that a panel does not wrap. */
static inline svf_parts svf_parts_of(const svf_linear_header *h, int product)
{
  const svf_format_row *row = svf_format_of((svf_format)h->format);
  svf_parts p = {.format = {row->head, row->traits.weights}, .group = h->group};
  p.layout[0] = p.layout[1] = svf_panel_layout_of(row->traits.weights, p.group);
  if (row->traits.bands) p.layout[0] = svf_panel_layout_of(row->head, p.group);
  const size_t head = (size_t)h->head, k = svf_product_k(h, product);
  if (product == 0) {
    p.split_panel = head / SVF_PANEL;
    for (int i = 0; i < 2; ++i) p.stride[i] = svf_panel_bytes(&p.layout[i], k);
  } else {
    p.split_k = head;
    p.stride[1] = svf_panel_bytes(&p.layout[1], k - head);
    if (head > 0) p.stride[1] += svf_panel_bytes(&p.layout[0], head);
    p.stride[0] = p.stride[1];
  }
  return p;
}

static inline int svf_part_at(const svf_parts *p, size_t panel, size_t k)
{
  return panel >= p->split_panel && k >= p->split_k;
}

/* The first step of the block of integers that holds step k: blocks begin anew where the second
 * part does. */
static inline size_t svf_block_begin(const svf_parts *p, size_t k)
{
  return k < p->split_k ? k / SVF_BLOCK * SVF_BLOCK : k - (k - p->split_k) % SVF_BLOCK;
}

/* The step behind it, of `all`. */
static inline size_t svf_block_end(const svf_parts *p, size_t k, size_t all)
{
  const size_t begin = svf_block_begin(p, k), end = k < p->split_k ? p->split_k : all;
  return end - begin < SVF_BLOCK ? end : begin + SVF_BLOCK;
}

/* Where step k of a panel begins, for a k that a slice may begin with. */
static inline size_t svf_parts_offset(const svf_parts *p, size_t panel, size_t k)
{
  if (!svf_part_at(p, panel, k)) {
    return panel * p->stride[0] + svf_panel_offset(&p->layout[0], k);
  }
  const size_t head = p->split_k ? svf_panel_bytes(&p->layout[0], p->split_k) : 0;
  return p->split_panel * p->stride[0] + (panel - p->split_panel) * p->stride[1] + head +
         svf_panel_offset(&p->layout[1], k - p->split_k);
}

#endif
