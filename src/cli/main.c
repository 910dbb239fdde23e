/* SPDX-License-Identifier: Apache-2.0
 *
 * svf: the table of commands. Each is a file of its own. */
#include <stdio.h>
#include <string.h>

#include <svf/svf.h>

#include "src/cli/cli.h"
#include "src/cli/fail.h"
#include "src/cli/options.h"

static const svf_command *const commands[] = {
    &command_info,       &command_decompose, &command_pack,  &command_generate,
    &command_perplexity, &command_logits,    &command_merge,
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void list_commands(FILE *to)
{
  for (int i = 0; i < COMMANDS; ++i) {
    fprintf(to, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
  }
}

static int usage(FILE *to, int code)
{
  fputs("usage: svf COMMAND [OPTION...] ...\n\n", to);
  list_commands(to);
  fputs(
      "\n'svf help COMMAND' describes a command, 'svf --version' prints the version. SVF_ISA=avx2\n"
      "and the like restrict the instruction set.\n"
      "Exit status: 0 done, 1 failed, 2 usage, 4 a file cannot be read, written or\n"
      "used, 130 interrupted.\n\n"
      "example:\n"
      "  svf decompose TinyLlama -o tinyllama-svf\n"
      "  svf generate tinyllama-svf --expert math.safetensors 'What is 12 * 7?'\n",
      to);
  return code;
}

static const svf_command *find(const char *name)
{
  for (int i = 0; i < COMMANDS; ++i) {
    if (strcmp(name, commands[i]->name) == 0) return commands[i];
  }
  return NULL;
}

/* The command that may have been meant: one that begins like this, or has at most two wrong
 * characters. NULL: none. */
static const svf_command *meant(const char *name)
{
  const svf_command *best = NULL;
  size_t least = 3;
  for (int i = 0; i < COMMANDS; ++i) {
    const bool begins = strlen(name) > 1 && strncmp(name, commands[i]->name, strlen(name)) == 0;
    const size_t n = begins ? 0 : cli_edits(name, commands[i]->name);
    if (n >= least) continue;
    least = n;
    best = commands[i];
  }
  return best;
}

static int unknown(const char *name)
{
  const svf_command *best = meant(name);
  if (best) {
    fprintf(stderr, "svf: there is no command '%.60s'; is '%s' meant? There are\n", name,
            best->name);
  } else {
    fprintf(stderr, "svf: there is no command '%.60s'; there are\n", name);
  }
  list_commands(stderr);
  return EXIT_USAGE;
}

static int help(int argc, char **argv)
{
  char option[] = "--help", *arguments[] = {NULL, option, NULL};
  if (argc < 2) return usage(stdout, EXIT_OK);
  if (argc > 2) {
    fprintf(stderr, "svf: 'help' is for one command: '%.60s' has no effect\n", argv[2]);
    return EXIT_USAGE;
  }
  if (strcmp(argv[1], "help") == 0) return usage(stdout, EXIT_OK);
  const svf_command *command = find(argv[1]);
  return command ? cli_run(command, 2, arguments) : unknown(argv[1]);
}

static bool is_version(const char *word)
{
  return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "version") == 0;
}

int main(int argc, char **argv)
{
  if (!cli_begin()) return EXIT_FAILED;
  if (argc < 2) return usage(stderr, EXIT_USAGE);
  const char *first = argv[1];
  if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) return usage(stdout, EXIT_OK);
  if (is_version(first)) {
    printf("svf %s\n", svf_version());
    return EXIT_OK;
  }
  if (strcmp(first, "help") == 0) return help(argc - 1, argv + 1);
  const svf_command *command = find(first);
  return command ? cli_run(command, argc - 1, argv + 1) : unknown(first);
}
