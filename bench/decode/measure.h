/* SPDX-License-Identifier: Apache-2.0
 *
 * One model on one kind of pass, and its linear layers alone. */
#ifndef SVF_BENCH_MEASURE_H
#define SVF_BENCH_MEASURE_H

#include "src/transformer/model.h"

typedef struct measurement {
  double pass;        /* seconds, the median */
  double bare;        /* of svf_matmul on the same layers, rows and gains alone; the median */
  double many_to_one; /* time with all experts to that with one, the median; 0: not measured */
} measurement;

/* A pass of one token of each of `sequences` texts that are `context` long, of `experts` experts in
 * turn (0: the base model). All that is compared is measured in turn, so that the machine's moods
 * meet it alike. */
measurement measure_decode(const svf_model *model, size_t sequences, size_t experts, size_t context,
                           size_t threads, size_t repeats);

/* Texts of a common prefix. */
typedef struct prefix_shape {
  size_t texts;
  size_t prefix, own; /* tokens of a prompt: those in common, and then those of its own */
  size_t more;        /* tokens to be generated of each */
} prefix_shape;

typedef struct prefix_measurement {
  double shared; /* seconds, the median */
  double apart;  /* of the same texts, but each with a prefix of its own; the median */
} prefix_measurement;

/* All texts by svf_generate with a cold cache, all at once, with one expert (0: the base model). */
prefix_measurement measure_prefix(const svf_model *model, const prefix_shape *shape, size_t experts,
                                  size_t threads, size_t repeats);

/* A pass of a prompt of `tokens`. */
measurement measure_prefill(const svf_model *model, size_t experts, size_t tokens, size_t threads,
                            size_t repeats);

#endif
