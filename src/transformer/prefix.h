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
  uint64_t hash; /* of the gains: texts with different hashes have nothing in common */
  /* out: of the texts before this one, the first with which it has the longest beginning in common;
   * SVF_NONE if it has none in common with any of them */
  size_t leader;
  size_t shared; /* out: tokens of that beginning; 0 without a leader */
} svf_prefix;

/* Find each text's leader, and order[count], a permutation in which a text comes after its leader,
 * so that texts read one at a time would read only what differs from the text before. Texts without
 * a leader keep their order. Errors: MEMORY. */
svf_status svf_prefix_order(svf_prefix *texts, size_t count, size_t *order);

#endif
