/* SPDX-License-Identifier: Apache-2.0
 *
 * One model on one kind of pass, and its linear layers alone. */
#ifndef SVF_BENCH_MEASURE_H
#define SVF_BENCH_MEASURE_H

#include "src/transformer/model.h"

typedef struct measurement {
  double pass; /* seconds, the median */
  double bare; /* of svf_matmul on the same layers, rows and gains alone; the median */
} measurement;

/* A pass of one token of each of `sequences` texts that are `context` long, of `experts` experts in
 * turn (0: the base model). */
measurement measure_decode(const svf_model *model, size_t sequences, size_t experts, size_t context,
                           size_t threads, size_t repeats);

/* A pass of a prompt of `tokens`. */
measurement measure_prefill(const svf_model *model, size_t experts, size_t tokens, size_t threads,
                            size_t repeats);

/* Two decoding passes in turn, with `experts` and with one, so that the machine's moods meet both:
 * the median of the ratio. */
double measure_experts(const svf_model *model, size_t sequences, size_t experts, size_t context,
                       size_t threads, size_t repeats);

#endif
