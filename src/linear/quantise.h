/* SPDX-License-Identifier: Apache-2.0
 *
 * Which kernel quantises weights. */
#ifndef SVF_LINEAR_QUANTISE_H
#define SVF_LINEAR_QUANTISE_H

#include <svf/types.h>

#include "kernels/quant.h"

/* The function that quantises a group of the 16 channels of a panel to integers of this format, on
 * the selected ISA. All ISAs give the same, where the caller rounds to nearest. Thread-safe. */
svf_quantise_fn *svf_quantiser(svf_format weights);

#endif
