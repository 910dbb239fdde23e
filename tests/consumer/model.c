/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that uses the installed model library. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <svf/cpu.h>
#include <svf/score.h>
#include <svf/safetensors.h>

int main(void)
{
  static const float even[4] = {5, 5, 5, 5};
  double p;
  if (svf_log_probability(even, 4, 2, 1, &p) != SVF_OK || fabs(p + log(4)) > 1e-6) {
    fprintf(stderr, "svf_log_probability: %s\n", svf_last_message());
    return 1;
  }
  svf_safetensors *file;
  if (svf_safetensors_open("there is no such file", 0, &file) != SVF_ERR_IO ||
      !strstr(svf_last_message(), "there is no such file")) {
    fprintf(stderr, "a missing file gives the message '%s'\n", svf_last_message());
    return 1;
  }
  /* Both libraries keep one message. */
  if (svf_isa_parse("abacus", NULL) != SVF_ERR_NULL || strstr(svf_last_message(), "no such file")) {
    fprintf(stderr, "the message is still '%s'\n", svf_last_message());
    return 1;
  }
  puts("svf_model: messages as expected");
  return 0;
}
