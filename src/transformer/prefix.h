/* SPDX-License-Identifier: Apache-2.0
 *
 * What texts have in common at their beginnings, and an order in which it is read once. */
#ifndef SVF_TRANSFORMER_PREFIX_H
#define SVF_TRANSFORMER_PREFIX_H

#include <stddef.h>
#include <stdint.h>

#include <svf/status.h>

#define SVF_NONE SIZE_MAX /* no text, no sequence */

typedef struct svf_prefix {
  const int32_t *tokens; /* [count]; may be NULL if count is 0 */
  size_t count;
  uint64_t hash; /* of the gains: texts have nothing in common unless they are equal */
  /* out: the first of the texts before this one with which it has the longest beginning in common,
   * of `shared` tokens; SVF_NONE and 0 if it has none with any of them. */
  size_t leader, shared;
} svf_prefix;

/* Find each text's leader, and order[count]: a permutation in which a text comes after its leader,
 * so that one text at a time would have to read only what differs from the text before. Texts
 * without a leader keep their order. MEMORY. */
svf_status svf_prefix_order(svf_prefix *texts, size_t count, size_t *order);

#endif
