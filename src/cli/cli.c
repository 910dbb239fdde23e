/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "src/cli/cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/core/clock.h"
#include "src/core/status.h"
#include "src/io/checkpoint.h"
#include "src/io/file.h"
#include "src/tokenizer/utf8.h"

/* --- Errors ----------------------------------------------------------------------------------- */

static int exit_code(svf_status status)
{
  switch (status) {
    case SVF_OK: return EXIT_OK;
    case SVF_ERR_ARGUMENT: return EXIT_USAGE;
    case SVF_ERR_IO:
    case SVF_ERR_FILE:
    case SVF_ERR_UNSUPPORTED: /* a model's architecture, a tokenizer's rule, a tensor's type */
    case SVF_ERR_NUMERIC:     /* NaN among its weights */
    case SVF_ERR_OVERFLOW:    /* more of it than can be counted */
    case SVF_ERR_MAGIC:
    case SVF_ERR_VERSION:
    case SVF_ERR_ENDIAN:
    case SVF_ERR_CORRUPT: return EXIT_BAD_FILE;
    case SVF_ERR_STOPPED: return EXIT_INTERRUPTED;
    default: return EXIT_FAILED;
  }
}

int cli_end(const svf_command *command, svf_status status)
{
  cli_progress_end();
  if (status != SVF_OK) fprintf(stderr, "svf %s: %s\n", command->name, svf_last_message());
  return exit_code(status);
}

/* --- Standard output -------------------------------------------------------------------------- */

/* An exit handler, as argp ends the process behind --help. */
static void check_output(void)
{
  const bool failed = ferror(stdout) != 0;
  if (fflush(stdout) == 0 && !failed) return;
  fputs("svf: standard output cannot be written\n", stderr);
  _exit(EXIT_FAILED);
}

/* A descriptor that is closed would be that of the next file: it becomes one whose every use fails,
 * as it would have. */
static void keep_closed(int fd)
{
  if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

bool cli_guard_output(void)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) keep_closed(fd);
  return atexit(check_output) == 0;
}

/* --- Interruption ----------------------------------------------------------------------------- */

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

/* --- Progress --------------------------------------------------------------------------------- */

static struct {
  bool drawn;
  double start; /* of the job */
} progress;

static void draw(size_t done, size_t all, const char *what)
{
  enum { WIDTH = 24 };
  char bar[WIDTH + 1];
  const double share = all > 0 ? (double)done / (double)all : 1;
  for (int i = 0; i < WIDTH; ++i) bar[i] = i < share * WIDTH ? '=' : ' ';
  bar[WIDTH] = 0;
  fprintf(stderr, "\r\033[K[%s] %zu/%zu", bar, done, all);
  if (done > 0) {
    const double left = (svf_now() - progress.start) * (1 - share) / share;
    fprintf(stderr, "  %d:%02d left", (int)left / 60, (int)left % 60);
  }
  fprintf(stderr, "  %.40s", what);
  fflush(stderr);
  progress.drawn = true;
}

bool cli_progress(void *quiet, size_t done, size_t all, const char *what)
{
  if (done == 0) progress.start = svf_now();
  if (!*(const bool *)quiet && isatty(STDERR_FILENO)) draw(done, all, what);
  return cli_interrupted();
}

void cli_progress_end(void)
{
  if (progress.drawn) fputs("\r\033[K", stderr);
  progress.drawn = false;
}

/* --- Input ------------------------------------------------------------------------------------ */

static svf_status read_all(FILE *f, char **text, size_t *bytes)
{
  enum { PIECE = 1 << 16 };
  *text = NULL;
  *bytes = 0;
  do {
    char *more = realloc(*text, *bytes + PIECE);
    if (!more) return svf_fail(SVF_ERR_MEMORY, "no memory for more than %zu bytes", *bytes);
    *text = more;
    *bytes += fread(more + *bytes, 1, PIECE, f);
  } while (!feof(f) && !ferror(f));
  return ferror(f) ? svf_file_error("cannot read") : SVF_OK;
}

svf_status cli_read(const char *path, char **text, size_t *bytes)
{
  if (strcmp(path, "-") != 0) return svf_file_read(path, SIZE_MAX / 4, text, bytes);
  const svf_status status = read_all(stdin, text, bytes);
  if (status == SVF_OK) return SVF_OK;
  free(*text);
  *text = NULL;
  return svf_file_at_path(status, "standard input");
}

/* --- Results ---------------------------------------------------------------------------------- */

static void put_character(FILE *to, const char *at, size_t bytes)
{
  const unsigned char c = (unsigned char)*at;
  if (c == '"' || c == '\\') {
    fprintf(to, "\\%c", c);
  } else if (c < 0x20 || c == 0x7f) {
    fprintf(to, "\\u%04x", c);
  } else {
    fwrite(at, 1, bytes, to);
  }
}

/* Not by jansson, which has no string for what is not UTF-8, and none without memory. */
void cli_json_string(FILE *to, const char *text, size_t bytes)
{
  fputc('"', to);
  for (size_t i = 0, n = 0; i < bytes; i += n) {
    if (svf_tok_utf8_next(text + i, bytes - i, &n) == SVF_TOK_CHARACTER) {
      put_character(to, text + i, n);
    } else {
      fputs(SVF_TOK_REPLACEMENT, to);
    }
  }
  fputc('"', to);
}

static intmax_t bytes_of(const char *dir)
{
  svf_checkpoint *files = NULL;
  struct stat info;
  intmax_t bytes = 0;
  if (svf_checkpoint_open(dir, 0, &files) != SVF_OK) return 0;
  const char *path;
  for (size_t i = 0; (path = svf_checkpoint_path(files, i)) != NULL; ++i) {
    if (stat(path, &info) == 0) bytes += info.st_size;
  }
  svf_checkpoint_close(files);
  return bytes;
}

void cli_print_made(const char *dir, bool json)
{
  const intmax_t bytes = bytes_of(dir);
  cli_progress_end();
  if (!json) {
    printf("%s: %.1f MB\n", dir, (double)bytes / 1e6);
    return;
  }
  printf("{\"schema\": %d, \"kind\": \"model\", \"path\": ", JSON_SCHEMA);
  cli_json_string(stdout, dir, strlen(dir));
  printf(", \"file_bytes\": %jd}\n", bytes);
}
