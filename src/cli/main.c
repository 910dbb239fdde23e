/* SPDX-License-Identifier: Apache-2.0
 *
 * svf: one command a file. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include <svf/svf.h>

#include "src/cli/cli.h"

static const svf_command *const commands[] = {
    &command_info,       &command_decompose, &command_pack,  &command_generate,
    &command_perplexity, &command_logits,    &command_merge,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to, int code)
{
  fputs("usage: svf COMMAND [OPTION...] ...\n\n", to);
  for (int i = 0; i < COMMANDS; ++i) {
    fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
  }
  fputs(
      "\n'svf COMMAND --help' says more. SVF_ISA=avx2 and the like restrict the instruction set.\n"
      "Exit status: 0 done, 1 failed, 2 usage, 4 a file cannot be read or used, 130 "
      "interrupted.\n\n"
      "example:\n"
      "  svf decompose TinyLlama -o tinyllama-svf\n"
      "  svf generate tinyllama-svf --expert math.safetensors 'What is 12 * 7?'\n",
      to);
  return code;
}

int main(int argc, char **argv)
{
  argp_err_exit_status = EXIT_USAGE;
  char name[64];
  if (argc < 2) return usage(stderr, EXIT_USAGE);
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return usage(stdout, EXIT_OK);
  if (strcmp(argv[1], "--version") == 0) {
    printf("svf %s\n", svf_version());
    return EXIT_OK;
  }
  for (int i = 0; i < COMMANDS; ++i) {
    if (strcmp(argv[1], commands[i]->name) != 0) continue;
    if (svf_isa_select_env() != SVF_OK || svf_backend_select_env() != SVF_OK) {
      return cli_fail(argv[1], SVF_ERR_ARGUMENT);
    }
    snprintf(name, sizeof name, "svf %s", argv[1]);
    argv[1] = name;
    return commands[i]->run(argc - 1, argv + 1);
  }
  fprintf(stderr, "svf: there is no command '%s'\n", argv[1]);
  return usage(stderr, EXIT_USAGE);
}
