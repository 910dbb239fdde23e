/* SPDX-License-Identifier: Apache-2.0
 *
 * svf decompose: decomposes a model's matrices, once. It is the program svf-decompose, see
 * external.c. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <svf/convert.h>
#include <svf/svd.h>

#include "src/cli/fail.h"
#include "src/cli/model_options.h"

typedef struct options {
  model_options m;
  svf_decompose_options d;
  const char *out;
  float energy;
  bool bf16;
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
     .values = "mlp, attn or all"},
    {.name = "rank",
     .value = "R",
     .take = cli_take_count,
     .at = offsetof(options, d.rank),
     .help = "keep the R largest singular values",
     .values = "1 or more"},
    {.name = "energy",
     .value = "E",
     .take = take_energy,
     .at = offsetof(options, energy),
     .help = "keep the fewest whose squares add up to this share of the sum, such as 0.99",
     .values = "more than 0, at most 1"},
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

/* The report that the library wrote. */
static svf_status print_report(const char *out)
{
  char path[4096], *text = NULL;
  size_t bytes = 0;
  snprintf(path, sizeof path, "%s/decomposition.json", out);
  const svf_status status = cli_read(path, &text, &bytes);
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

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults(), .d = {.size = sizeof o.d, .progress = cli_progress}};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {{table, &o}, {cli_run_options, &o.m}, {0}};
  cli_parse(command.arguments, command.help, groups, argc, argv, &words);
  cli_catch_interrupts();
  o.d.progress_context = &o.m.quiet;
  o.d.threads = o.m.threads;
  o.d.energy = (double)o.energy;
  o.d.dtype = o.bf16 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32;
  svf_status status = svf_model_decompose(words.word[0], o.out, svf_svd, &o.d);
  cli_progress_end();
  if (status == SVF_OK && o.m.json) status = print_report(o.out);
  return cli_end(&command, status);
}

int main(int argc, char **argv)
{
  return cli_begin() ? cli_run(&command, argc, argv) : EXIT_FAILED;
}
