/* SPDX-License-Identifier: Apache-2.0
 *
 * MODEL OUT: a model in factors, by the components model and svd. */
#include <stdio.h>

#include <svf/convert.h>
#include <svf/svd.h>

int main(int argc, char **argv)
{
  if (argc != 3) return 2;
  if (svf_model_decompose(argv[1], argv[2], svf_svd, NULL) == SVF_OK) return 0;
  fprintf(stderr, "%s\n", svf_last_message());
  return 1;
}
