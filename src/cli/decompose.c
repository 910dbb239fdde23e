/* SPDX-License-Identifier: Apache-2.0
 *
 * svf decompose: decomposes a model's matrices, once. It is the program svf-decompose, see
 * external.c. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <svf/convert.h>
#include <svf/matmul.h>
#include <svf/svd.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/made.h"

typedef struct options {
  model_options m;
  svf_decompose_options d;
  const char *out;
  float energy;
  bool bf16;
  bool began; /* there was something to do */
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

static bool take_megabytes(const char *value, void *to)
{
  enum { MEGABYTE = 1000000 };
  size_t *bytes = to;
  if (!cli_take_count(value, to) || *bytes > SIZE_MAX / MEGABYTE) return false;
  *bytes *= MEGABYTE;
  return true;
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
    {.name = "memory",
     .value = "MB",
     .take = take_megabytes,
     .at = offsetof(options, d.memory),
     .help = "decompose no more matrices at once than fit (default: half of the machine's memory)",
     .values = "a number of megabytes, 1 or more"},
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
  o->began = true;
  return cli_progress(&o->m.quiet, done, all, what);
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
  svf_status status = svf_model_decompose(dir, o->out, svf_svd, &d);
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
