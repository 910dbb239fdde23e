/* SPDX-License-Identifier: Apache-2.0
 *
 * The panels of a factor in bands: a head may have another format than the tail. It is the first
 * panels, or the first steps of every panel. A format of one band has everything in the tail. */
#ifndef SVF_LINEAR_BANDS_H
#define SVF_LINEAR_BANDS_H

#include <svf/linear.h>

#include "kernels/format.h"

/* Arrays have the head at [0], the tail at [1]. */
typedef struct svf_bands {
  svf_format format[2]; /* of the weights */
  svf_panel_layout layout[2];
  size_t group;
  size_t cut_panel, cut_k; /* where the tail begins; one of them is 0 */
  size_t stride[2];        /* bytes from panel to panel */
} svf_bands;

/* The reduction of product 0, with V, or of product 1, with U or with a dense W. */
static inline size_t svf_product_k(const svf_linear_header *h, int product)
{
  return (size_t)(product == 1 && h->r > 0 ? h->r : h->n);
}

/* Its outputs. Product 0 of a dense layer has none. */
static inline size_t svf_product_channels(const svf_linear_header *h, int product)
{
  return (size_t)(product == 1 ? h->m : h->r);
}

/* The bands of V, the weights of product 0, or of U or W, those of product 1. Reads format, group,
 * head, n and r of the header: the format must exist, and n and r be small enough that the size of
 * a panel does not wrap. */
static inline svf_bands svf_bands_of(const svf_linear_header *h, int product)
{
  const svf_format_row *row = svf_format_of((svf_format)h->format);
  svf_bands p = {.format = {row->head, row->traits.weights}, .group = h->group};
  p.layout[0] = p.layout[1] = svf_panel_layout_of(row->traits.weights, p.group);
  if (row->traits.bands) p.layout[0] = svf_panel_layout_of(row->head, p.group);
  const size_t head = (size_t)h->head, k = svf_product_k(h, product);
  if (product == 0) {
    p.cut_panel = head / SVF_PANEL;
    for (int i = 0; i < 2; ++i) p.stride[i] = svf_panel_bytes(&p.layout[i], k);
  } else {
    p.cut_k = head;
    p.stride[1] = svf_panel_bytes(&p.layout[1], k - head);
    if (head > 0) p.stride[1] += svf_panel_bytes(&p.layout[0], head);
    p.stride[0] = p.stride[1];
  }
  return p;
}

/* The band of step k of a panel: 0 is the head, 1 the tail. */
static inline int svf_band_at(const svf_bands *p, size_t panel, size_t k)
{
  return panel >= p->cut_panel && k >= p->cut_k;
}

/* The first step of the span that holds step k. Spans begin anew at the cut. */
static inline size_t svf_span_begin(const svf_bands *p, size_t k)
{
  return k < p->cut_k ? k / SVF_SPAN * SVF_SPAN : k - (k - p->cut_k) % SVF_SPAN;
}

/* One past the last step of the span that holds step k, of `all` steps. */
static inline size_t svf_span_end(const svf_bands *p, size_t k, size_t all)
{
  const size_t begin = svf_span_begin(p, k), end = k < p->cut_k ? p->cut_k : all;
  return end - begin < SVF_SPAN ? end : begin + SVF_SPAN;
}

/* Bytes from the first panel to step k of a panel, for a k that a slice may begin with. */
static inline size_t svf_bands_offset(const svf_bands *p, size_t panel, size_t k)
{
  if (!svf_band_at(p, panel, k)) {
    return panel * p->stride[0] + svf_panel_offset(&p->layout[0], k);
  }
  const size_t head = p->cut_k ? svf_panel_bytes(&p->layout[0], p->cut_k) : 0;
  return p->cut_panel * p->stride[0] + (panel - p->cut_panel) * p->stride[1] + head +
         svf_panel_offset(&p->layout[1], k - p->cut_k);
}

#endif
