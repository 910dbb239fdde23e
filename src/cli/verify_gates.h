/* SPDX-License-Identifier: Apache-2.0
 *
 * The measurements of svf-verify: gates of accuracy for one format, ISA, spectrum and shape,
 * through the public API only. */
#ifndef SVF_CLI_VERIFY_GATES_H
#define SVF_CLI_VERIFY_GATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <svf/svf.h>

typedef enum spectrum { SPECTRUM_FLAT, SPECTRUM_POWER_LAW, SPECTRUM_OUTLIER, SPECTRA } spectrum;

const char *spectrum_name(spectrum s);

typedef struct verify_case {
  svf_format format;
  svf_isa isa;
  spectrum spectrum;
  size_t m, n, r, rows;
  uint64_t seed;
} verify_case;

enum { DELTAS = 3 };
extern const double verify_stds[DELTAS]; /* standard deviations of z - 1, for the deltas */

typedef struct verify_result {
  double nmse, nmse_limit;                   /* B: against fp64 on the same stored inputs */
  double format, format_limit;               /* C: against fp64 on the original weights and X */
  double delta[DELTAS], delta_limit[DELTAS]; /* D: ||dy - ref|| / ||ref|| */
  bool base_identity;  /* E: gains = sigma equals the base model, to the bit */
  bool batch_identity; /* E: a row alone equals the row in the batch */
  bool scale_identity; /* E: z and 2z, to the bit */
  uint64_t digest;     /* of Y's bits: equal across ISAs for f32 */
} verify_result;

/* Make random orthonormal factors with the case's spectrum, and measure. Errors: those of the
 * library, MEMORY. */
svf_status verify_measure(const verify_case *c, verify_result *result);

/* True if every gate holds. */
bool verify_passes(const verify_result *result);

#endif
