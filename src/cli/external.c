/* SPDX-License-Identifier: Apache-2.0
 *
 * svf decompose is a program of its own, svf-decompose, so that the other commands load neither
 * LAPACK nor OpenBLAS. It is looked for beside svf and, only if it is not there, in PATH. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/cli.h"
#include "src/cli/fail.h"

#define PROGRAM "svf-decompose"

/* Run the program beside this one. Returns only if it cannot be run. */
static void run_beside(char **argv)
{
  char path[PATH_MAX + sizeof PROGRAM];
  const ssize_t bytes = readlink("/proc/self/exe", path, PATH_MAX);
  if (bytes <= 0 || bytes == PATH_MAX) return;
  path[bytes] = 0;
  char *slash = strrchr(path, '/');
  if (!slash) return;
  memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
  execv(path, argv);
}

static int run(int argc, char **argv)
{
  (void)argc;
  /* OpenBLAS starts a thread per processor when it is loaded, and where that fails it sends the
   * process SIGINT, before main. The threads that are asked for are started later. */
  (void)setenv("OPENBLAS_NUM_THREADS", "1", 0);
  errno = ENOENT;
  run_beside(argv);
  if (errno == ENOENT) execvp(PROGRAM, argv);
  return cli_end(&command_decompose,
                 cli_fail(SVF_ERR_FAILED,
                          "the program " PROGRAM ", which does this, cannot be run: %s. It is "
                          "installed with svf's component svd, beside svf or in PATH",
                          strerror(errno)));
}

const svf_command command_decompose = {"decompose", "a model's matrices in factors, once", NULL,
                                       NULL, run};
