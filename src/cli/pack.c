/* SPDX-License-Identifier: Apache-2.0
 *
 * svf pack: a model that starts at once. */
#define _GNU_SOURCE
#include <svf/convert.h>

#include "src/cli/model_options.h"

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
                                    .values = "a number such as 4.9, of ",
                                    .list = cli_banded_formats},
                                   {0}};

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {
      {table, &o}, {cli_format_options, &o.m}, {cli_run_options, &o.m}, {0}};
  cli_parse(command_pack.arguments, command_pack.help, groups, argc, argv, &words);
  cli_catch_interrupts();
  const svf_model_options model = cli_library_options(&o.m, 0);
  const svf_pack_options how = {.size = sizeof how, .model = &model, .bits = (double)o.bits};
  const svf_status status = svf_model_pack(words.word[0], o.out, &how);
  if (status == SVF_OK) cli_print_made(o.out, o.m.json);
  return cli_end(&command_pack, status);
}

const svf_command command_pack = {
    "pack", "a model that starts at once, in any format", "MODEL",
    "Pack a model's linear layers, dense or in factors, into one file that is mapped and "
    "run in place.\v" CLI_MADE_KEYS
    "example: svf pack tinyllama-svf -o tinyllama-w4 --format w4 --group 64",
    run};
