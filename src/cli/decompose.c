/* SPDX-License-Identifier: Apache-2.0
 *
 * svf decompose: decomposes a model's matrices, once. It is the program svf-decompose, see
 * external.c. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include <svf/convert.h>
#include <svf/matmul.h>
#include <svf/svd.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/made.h"
#include "src/cli/threads.h"

typedef struct options {
  model_options m;
  svf_decompose_options d;
  const char *out;
  float energy;
  bool bf16;
  bool began;     /* there was something to do */
  size_t threads; /* of the decomposition that is there already; 0: none */
} options;

static bool take_layers(const char *value, void *to)
{
  unsigned *layers = to;
  *layers = strcmp(value, "mlp") == 0    ? SVF_DECOMPOSE_MLP
            : strcmp(value, "attn") == 0 ? SVF_DECOMPOSE_ATTENTION
                                         : SVF_DECOMPOSE_MLP | SVF_DECOMPOSE_ATTENTION;
  return *layers != (SVF_DECOMPOSE_MLP | SVF_DECOMPOSE_ATTENTION) || strcmp(value, "all") == 0;
}

static bool take_energy(const char *value, void *to)
{
  const float *energy = to;
  return cli_take_float(value, to) && *energy > 0 && *energy <= 1;
}

static const cli_option table[] = {
    CLI_OUTPUT_OPTION(options),
    {.name = "layers",
     .value = "WHICH",
     .take = take_layers,
     .at = offsetof(options, d.layers),
     .help = "mlp, attn or all (default)",
     .values = "must be mlp, attn or all"},
    {.name = "rank",
     .value = "R",
     .take = cli_take_count,
     .at = offsetof(options, d.rank),
     .help = "keep the R largest singular values",
     .values = "must be 1 or more"},
    {.name = "energy",
     .value = "E",
     .take = take_energy,
     .at = offsetof(options, energy),
     .help = "keep the fewest whose squares add up to this share of the sum, such as 0.99",
     .values = "must be more than 0, at most 1"},
    {.name = "bf16",
     .take = cli_take_flag,
     .at = offsetof(options, bf16),
     .help = "U and V in bf16 instead of fp32"},
    {0}};

/* --- What it says ----------------------------------------------------------------------------- */

static svf_status read_report(const char *out, char **text, size_t *bytes)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/decomposition.json", out);
  return cli_read(path, text, bytes);
}

/* The report that the library wrote. */
static svf_status print_report(const char *out)
{
  char *text = NULL;
  size_t bytes = 0;
  const svf_status status = read_report(out, &text, &bytes);
  if (status == SVF_OK) {
    fwrite(text, 1, bytes, stdout);
    fputc('\n', stdout);
  }
  free(text);
  return status;
}

/* The number of threads that a decomposition in `out` began with; 0 if there is none. */
static size_t threads_of(const char *out)
{
  char *text = NULL;
  size_t bytes = 0;
  if (read_report(out, &text, &bytes) != SVF_OK) return 0;
  json_t *report = json_loadb(text, bytes, 0, NULL);
  const json_int_t threads = json_integer_value(json_object_get(report, "threads"));
  json_decref(report);
  free(text);
  return threads > 0 ? (size_t)threads : 0;
}

static int run(int argc, char **argv);

static const svf_command command = {
    "decompose", NULL, "MODEL",
    "Decompose a model's linear layers, W = U diag(sigma) V^T: what experts apply to. An "
    "interrupted run continues where it stopped when it is called again.\v"
    "--json: the report, decomposition.json: an object of schema, source, threads and matrices, a "
    "list with the name, m, n, r, residual, dropped, orthogonality_u, orthogonality_v, seconds and "
    "svd_seconds of each.\n\n"
    "example: svf decompose TinyLlama -o tinyllama-svf --layers mlp",
    run};

/* How to go on, for a person. */
static void print_next(const options *o, const char *out)
{
  if (o->m.quiet || !isatty(STDERR_FILENO)) return;
  if (!o->began) {
    fprintf(stderr, "%s: is there already, made from this model with these options\n", out);
    return;
  }
  fprintf(stderr,
          "%s: the model in factors. Go on with\n"
          "  svf generate %s 'What is 12 * 7?'\n"
          "or first make it a quarter as large, so that it starts at once:\n"
          "  svf pack %s -o %s-w8 --format w8\n",
          out, out, out, out);
}

/* Whether there is anything to do is known once the first step begins. */
static bool show_progress(void *context, size_t done, size_t all, const char *what)
{
  options *o = context;
  if (!o->began && o->threads > 0 && o->m.threads > 0 && o->threads != o->m.threads &&
      !o->m.quiet) {
    fprintf(stderr, "svf decompose: --threads has no effect: %s was begun with %zu\n", o->out,
            o->threads);
  }
  o->began = true;
  return cli_progress(&o->m.quiet, done, all, what);
}

/* --- Limits ----------------------------------------------------------------------------------- */

/* OpenBLAS maps a buffer of 128 MB for each thread, and tries for ever where it gets none; stacks
 * come on top. */
static svf_status check_address_space(size_t threads)
{
  const size_t buffer = (size_t)160 << 20, bytes = threads * buffer;
  void *map = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (map != MAP_FAILED) {
    munmap(map, bytes);
    return SVF_OK;
  }
  return cli_fail(SVF_ERR_MEMORY,
                  "%zu MB of address space are not there: it is limited (ulimit -v). Each thread "
                  "takes %zu, so use fewer --threads",
                  bytes >> 20, buffer >> 20);
}

/* The threads of OpenMP and of OpenBLAS. */
static svf_status check_limits(size_t threads)
{
  if (threads == 0) threads = svf_max_threads();
  const svf_status status = cli_check_threads(threads, 2);
  return status == SVF_OK ? check_address_space(threads) : status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static svf_status work(options *o, const char *dir)
{
  svf_decompose_options d = o->d;
  d.progress = show_progress;
  d.progress_context = o;
  d.threads = o->m.threads;
  d.energy = (double)o->energy;
  d.dtype = o->bf16 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32;
  o->threads = threads_of(o->out);
  svf_status status = check_limits(o->m.threads);
  if (status == SVF_OK) status = svf_model_decompose(dir, o->out, svf_svd, &d);
  cli_progress_end();
  if (status == SVF_OK && o->m.json) status = print_report(o->out);
  if (status != SVF_OK) return status;
  if (o->began && !o->m.quiet) cli_remark_files(&command, dir, o->out);
  print_next(o, o->out);
  return SVF_OK;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults(), .d = {.size = sizeof o.d}};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {{table, &o}, {cli_run_options, &o.m}, {0}};
  cli_parse(command.arguments, command.help, groups, argc, argv, &words);
  cli_catch_interrupts(&command, "stopped; the same command continues", o.out);
  return cli_end(&command, work(&o, words.word[0]));
}

int main(int argc, char **argv)
{
  return cli_begin() ? cli_run(&command, argc, argv) : EXIT_FAILED;
}
