/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

/* --- Errors ------------------------------------------------------------------------------------
 */

static int exit_code(svf_status status)
{
  switch (status) {
    case SVF_OK: return EXIT_OK;
    case SVF_ERR_ARGUMENT:
    case SVF_ERR_UNSUPPORTED: return EXIT_USAGE;
    case SVF_ERR_IO:
    case SVF_ERR_FILE:
    case SVF_ERR_MAGIC:
    case SVF_ERR_VERSION:
    case SVF_ERR_ENDIAN:
    case SVF_ERR_CORRUPT: return EXIT_BAD_FILE;
    case SVF_ERR_STOPPED: return EXIT_INTERRUPTED;
    default: return EXIT_FAILED;
  }
}

int cli_fail(const char *command, svf_status status)
{
  cli_progress_end();
  fprintf(stderr, "svf %s: %s\n", command, svf_last_message());
  return exit_code(status);
}

/* --- Interruption ------------------------------------------------------------------------------
 */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
  (void)number;
  interrupted = 1;
}

void cli_catch_interrupts(void)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = (int)SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void) { return interrupted != 0; }

/* --- Progress ----------------------------------------------------------------------------------
 */

static struct {
  bool drawn;
  double start; /* of the job */
} progress;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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
    const double left = (now() - progress.start) * (1 - share) / share;
    fprintf(stderr, "  %d:%02d left", (int)left / 60, (int)left % 60);
  }
  fprintf(stderr, "  %.40s", what);
  fflush(stderr);
  progress.drawn = true;
}

int cli_progress(void *quiet, size_t done, size_t all, const char *what)
{
  if (done == 0) progress.start = now();
  if (!*(const bool *)quiet && isatty(STDERR_FILENO)) draw(done, all, what);
  return cli_interrupted();
}

void cli_progress_end(void)
{
  if (progress.drawn) fputs("\r\033[K", stderr);
  progress.drawn = false;
}

/* --- Values ------------------------------------------------------------------------------------
 */

void cli_json_string(FILE *to, const char *text, size_t bytes)
{
  json_t *string = json_stringn(text, bytes);
  char *dump = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
  fputs(dump ? dump : "null", to); /* not UTF-8, or no memory */
  free(dump);
  json_decref(string);
}

bool cli_parse_size(const char *text, size_t *out)
{
  char *end = NULL;
  if (*text < '0' || *text > '9') return false;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || *end || value > SIZE_MAX) return false;
  *out = (size_t)value;
  return true;
}

bool cli_parse_float(const char *text, float *out)
{
  char *end = NULL;
  if (!*text || *text == ' ') return false;
  *out = strtof(text, &end);
  return *end == 0 && isfinite(*out);
}
