/* SPDX-License-Identifier: Apache-2.0
 *
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101) for one vector of parameters, as PyTorch computes
 * it, but each element in double precision and rounded to fp32 once. */
#ifndef SVF_TRAIN_ADAMW_H
#define SVF_TRAIN_ADAMW_H

#include <stddef.h>
#include <stdint.h>

typedef struct svf_adamw_options {
  double rate;         /* of learning, at its height */
  double beta1, beta2; /* of the moments */
  double eps;
  double decay; /* weight decay, decoupled, towards `centre` */
  double clip;  /* the largest norm of the gradient; 0: any */
  float centre; /* 1 for z, whose base model it is; 0 for other parameters */
} svf_adamw_options;

/* 2e-3, 0.9, 0.999, 1e-8, 0, 1, 1. */
svf_adamw_options svf_adamw_defaults(void);

/* What a step changes. Vectors have n elements; `mean` and `square` are zero before step 0. */
typedef struct svf_adamw {
  float *p, *mean, *square;
  size_t n;
  uint64_t step; /* steps done */
} svf_adamw;

/* One step along -gradient with a rate of `factor` times options->rate. Returns the norm of the
 * gradient before it is clipped; a gradient that is not finite changes nothing. */
double svf_adamw_step(svf_adamw *a, const svf_adamw_options *options, double factor,
                      const float *gradient);

/* How the rate changes over the steps of a training. */
typedef struct svf_schedule {
  uint64_t steps;   /* of the whole training; 0: unknown, the rate stays */
  uint64_t warm_up; /* steps in which it grows linearly to its height */
  double last;      /* the fraction of it that is left at the end, along a cosine */
} svf_schedule;

/* The factor of step `step`, the first one being 0. */
double svf_schedule_at(const svf_schedule *schedule, uint64_t step);

#endif
