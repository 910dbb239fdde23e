/* SPDX-License-Identifier: Apache-2.0
 *
 * svf pack: a model that starts at once. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include "src/cli/fail.h"
#include "src/cli/interrupt.h"
#include "src/cli/made.h"

typedef struct options {
  model_options m;
  const char *out;
  float bits;
} options;

static bool take_bits(const char *value, void *to)
{
  return cli_take_float(value, to) && *(const float *)to > 0;
}

static const cli_option table[] = {CLI_OUTPUT_OPTION(options),
                                   {.name = "bits",
                                    .value = "B",
                                    .take = take_bits,
                                    .at = offsetof(options, bits),
                                    .help = "average bits per weight of factored layers, in ",
                                    .values = "must be a number such as 4.9, of ",
                                    .list = cli_banded_formats},
                                   {0}};

/* --bits, in words of the options, where it would have no effect. */
static svf_status check_bits(const options *o, const char *dir)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_format_traits t = {.size = sizeof t};
  svf_model *model = NULL;
  svf_status status = svf_format_get_traits(o->m.format.value, &t);
  if (status != SVF_OK || o->bits <= 0) return status;
  if (!t.bands) {
    return cli_fail(SVF_ERR_ARGUMENT,
                    "--bits=%g has no effect in the format %s: it is for --format %s",
                    (double)o->bits, t.name, cli_banded_formats());
  }
  status = svf_model_open(dir, &outline, &model);
  if (status == SVF_OK && svf_model_modules(model)->count == 0) {
    status = cli_fail_at(cli_fail(SVF_ERR_ARGUMENT, "--bits has no effect: no layer is in factors"),
                         "%s", dir);
  }
  svf_model_close(model);
  return status;
}

static svf_status work(options *o, const char *dir)
{
  const svf_model_options model = cli_library_options(&o->m, 0);
  const svf_pack_options how = {.size = sizeof how, .model = &model, .bits = (double)o->bits};
  svf_status status = check_bits(o, dir);
  if (status == SVF_OK) status = cli_check_group(&o->m);
  return status == SVF_OK ? svf_model_pack(dir, o->out, &how) : status;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {
      {table, &o}, {cli_format_options, &o.m}, {cli_run_options, &o.m}, {0}};
  cli_parse(command_pack.arguments, command_pack.help, groups, argc, argv, &words);
  cli_catch_interrupts(&command_pack, "stopped", o.out);
  const svf_status status = work(&o, words.word[0]);
  if (status == SVF_OK) cli_made(&command_pack, words.word[0], o.out, &o.m);
  return cli_end(&command_pack, status);
}

const svf_command command_pack = {
    "pack", "a model that starts at once, in any format", "MODEL",
    "Pack a model's linear layers, dense or in factors, into one file that is mapped and "
    "run in place.\v" CLI_MADE_KEYS
    "example: svf pack tinyllama-svf -o tinyllama-w4 --format w4 --group 64",
    run};
