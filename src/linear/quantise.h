/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights as integers with a scale. */
#ifndef SVF_LINEAR_QUANTISE_H
#define SVF_LINEAR_QUANTISE_H

#include <stddef.h>
#include <stdint.h>

#include <svf/types.h>

/* Quantises `count` weights, at most 256, that share a scale: writes the integers q for which q *
 * scale comes nearest to them, and returns the scale, which is a bf16 in w8 and w4. The integers
 * are in [-127, 127], in w4 in [-8, 7]. A weight that is not finite makes the scale NaN and all
 * integers 0. */
float svf_quantise(const float *w, size_t count, svf_format format, int8_t *q);

#endif
