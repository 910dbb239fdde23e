/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold on an emulated older CPU:  cpu_floor <best isa> <kernels that run> [<isa it
 * lacks>] The program itself reaching its end says that nothing illegal was executed on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

static int failed(const char *what)
{
  fprintf(stderr, "%s (%s)\n", what, svf_last_message());
  return 1;
}

int main(int argc, char **argv)
{
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: %s <best isa> <kernels that run> [<isa it lacks>]\n", argv[0]);
    return 2;
  }
  char text[2048];
  svf_cpu_describe(text, sizeof text);
  fputs(text, stdout);

  const char *best = svf_isa_name(svf_isa_selected());
  if (strcmp(best, argv[1]) != 0) return failed("another instruction set was selected");
  int executed = 0;
  if (svf_selftest(SVF_ISA_AUTO, &executed) != SVF_OK) return failed("the self-test failed");
  if (executed != atoi(argv[2])) return failed("not the expected number of kernels ran");
  if (argc == 4) {
    svf_isa lacking;
    if (svf_isa_parse(argv[3], &lacking) != SVF_OK) return failed("unknown instruction set");
    if (svf_isa_select(lacking) != SVF_ERR_UNSUPPORTED) return failed("it was not refused");
    if (svf_selftest(lacking, NULL) != SVF_ERR_UNSUPPORTED) return failed("it was not refused");
  }
  printf("%d kernels executed\n", executed);
  return 0;
}
