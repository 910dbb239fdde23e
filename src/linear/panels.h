/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights in the panels of a packed block, which may lie at any address. */
#ifndef SVF_LINEAR_PANELS_H
#define SVF_LINEAR_PANELS_H

#include "src/linear/bands.h"

/* The weight of a channel at step k, as it is stored. */
float svf_weight_at(const char *panels, const svf_bands *bands, size_t channel, size_t k);

#endif
