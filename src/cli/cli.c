/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/cli.h"

#include <argp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <svf/backend.h>
#include <svf/cpu.h>

#include "src/cli/fail.h"

static struct {
  const char *command;
  volatile sig_atomic_t drawn;
  double start;   /* of the job */
  double printed; /* the last line that is no drawing, or the start */
  size_t tenths;  /* of the job, in that line */
} progress_line;

/* --- Standard output -------------------------------------------------------------------------- */

/* An exit handler, because argp ends the process after --help. */
static void check_output(void)
{
  const bool failed = ferror(stdout) != 0;
  if (fflush(stdout) == 0 && !failed) return;
  fputs("svf: standard output cannot be written\n", stderr);
  _exit(EXIT_FAILED);
}

/* The next file to be opened would get a closed descriptor. It is opened in a way that lets every
 * use fail, as it would have failed. */
static void keep_closed(int fd)
{
  if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

bool cli_begin(void)
{
  argp_err_exit_status = EXIT_USAGE;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) keep_closed(fd);
  return atexit(check_output) == 0;
}

/* --- Running ---------------------------------------------------------------------------------- */

int cli_end(const svf_command *command, svf_status status)
{
  cli_progress_end();
  if (status != SVF_OK) fprintf(stderr, "svf %s: %s\n", command->name, svf_last_message());
  return cli_exit_code(status);
}

/* argv[0] becomes the command's full name, for its messages. */
int cli_run(const svf_command *command, int argc, char **argv)
{
  char name[64];
  if (svf_isa_select_env() != SVF_OK || svf_backend_select_env() != SVF_OK) {
    return cli_end(command, SVF_ERR_ARGUMENT);
  }
  snprintf(name, sizeof name, "svf %s", command->name);
  argv[0] = name;
  progress_line.command = command->name;
  return command->run(argc, argv);
}

/* --- Progress --------------------------------------------------------------------------------- */

double cli_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* In minutes and seconds. */
static void print_left(double share)
{
  const double left = (cli_now() - progress_line.start) * (1 - share) / share;
  fprintf(stderr, "%d:%02d left", (int)left / 60, (int)left % 60);
}

static void draw(size_t done, size_t all, const char *what)
{
  enum { WIDTH = 24 };
  char bar[WIDTH + 1];
  const double share = all > 0 ? (double)done / (double)all : 1;
  for (int i = 0; i < WIDTH; ++i) bar[i] = i < share * WIDTH ? '=' : ' ';
  bar[WIDTH] = 0;
  fprintf(stderr, "\r\033[K[%s] %zu/%zu", bar, done, all);
  if (done > 0) {
    fputs("  ", stderr);
    print_left(share);
  }
  fprintf(stderr, "  %.40s", what);
  fflush(stderr);
  progress_line.drawn = 1;
}

/* For a file or a pipe: short jobs print nothing, long ones at most nine lines. */
static void print_tenth(size_t done, size_t all)
{
  enum { PAUSE = 10 /* seconds */ };
  const double now = cli_now(), share = (double)done / (double)all;
  const size_t tenths = (size_t)(10 * share);
  if (tenths == progress_line.tenths || done == all || now - progress_line.printed < PAUSE) return;
  progress_line.printed = now;
  progress_line.tenths = tenths;
  fprintf(stderr, "svf %s: %zu of %zu done, ", progress_line.command, done, all);
  print_left(share);
  fputc('\n', stderr);
}

bool cli_progress(void *quiet, size_t done, size_t all, const char *what)
{
  if (done == 0) {
    progress_line.start = progress_line.printed = cli_now();
    progress_line.tenths = 0;
  }
  if (*(const bool *)quiet) return false;
  if (isatty(STDERR_FILENO)) {
    draw(done, all, what);
  } else if (done > 0) {
    print_tenth(done, all);
  }
  return false;
}

static const char wipe[] = "\r\033[K";

void cli_progress_end(void)
{
  if (progress_line.drawn) fputs(wipe, stderr);
  progress_line.drawn = 0;
}

void cli_progress_wipe(void)
{
  if (progress_line.drawn) (void)!write(STDERR_FILENO, wipe, sizeof wipe - 1);
}

/* --- Input ------------------------------------------------------------------------------------ */

static svf_status read_all(FILE *f, char **text, size_t *bytes)
{
  enum { PIECE = 1 << 16 };
  *text = NULL;
  *bytes = 0;
  do {
    char *more = realloc(*text, *bytes + PIECE);
    if (!more) return cli_fail(SVF_ERR_MEMORY, "no memory for more than %zu bytes", *bytes);
    *text = more;
    *bytes += fread(more + *bytes, 1, PIECE, f);
  } while (!feof(f) && !ferror(f));
  return ferror(f) ? cli_fail_errno("cannot read") : SVF_OK;
}

svf_status cli_read(const char *path, char **text, size_t *bytes)
{
  const bool input = strcmp(path, "-") == 0;
  const char *name = input ? "standard input" : path;
  *text = NULL;
  FILE *f = input ? stdin : fopen(path, "re");
  if (!f) return cli_fail_at(cli_fail_errno("cannot open"), "%s", name);
  const svf_status status = cli_fail_at(read_all(f, text, bytes), "%s", name);
  if (!input) fclose(f);
  if (status == SVF_OK) return SVF_OK;
  free(*text);
  *text = NULL;
  return status;
}
