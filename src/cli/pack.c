/* SPDX-License-Identifier: Apache-2.0
 *
 * svf pack: a model that starts at once. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>

#include <svf/convert.h>
#include <svf/linear.h>

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

/* --- Before packing --------------------------------------------------------------------------- */

/* --bits, in words of the options, where it would have no effect. */
static svf_status check_bits(const options *o)
{
  svf_format_traits t = {.size = sizeof t};
  const svf_status status = svf_format_get_traits(o->m.format.value, &t);
  if (status != SVF_OK || o->bits <= 0 || t.bands) return status;
  return cli_fail(SVF_ERR_ARGUMENT,
                  "--bits=%g has no effect in the format %s: it is for --format %s",
                  (double)o->bits, t.name, cli_banded_formats());
}

/* The bits of a weight of a layer in factors if all of it has those of the head, which is w8. */
static double most_bits_of(const options *o, const svf_layer_info *l)
{
  const svf_linear_source whole = {.size = sizeof whole,
                                   .m = l->m,
                                   .n = l->n,
                                   .r = l->r,
                                   .format = SVF_FORMAT_W8,
                                   .quant = {.group = o->m.group}};
  size_t bytes = 0;
  if (svf_linear_bytes(&whole, &bytes) != SVF_OK) return 0;
  return 8 * (double)bytes / ((double)l->r * (double)(l->m + l->n));
}

static void remark_bits(const options *o, const svf_model *model)
{
  svf_layer_info l = {.size = sizeof l};
  double most = 0;
  for (size_t i = 0; svf_model_layer_at(model, i, &l) == SVF_OK; ++i) {
    if (l.r > 0) most = fmax(most, most_bits_of(o, &l));
  }
  if (o->m.quiet || (double)o->bits <= most) return;
  fprintf(stderr, "svf pack: --bits=%g is more than any layer can use, which is %.2f\n",
          (double)o->bits, most);
}

static svf_status check_model(const options *o, const char *dir)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  svf_model *model = NULL;
  svf_status status = svf_model_open(dir, &outline, &model);
  if (status == SVF_OK && o->bits > 0 && svf_model_modules(model)->count == 0) {
    status = cli_fail_at(cli_fail(SVF_ERR_ARGUMENT, "--bits has no effect: no layer is in factors"),
                         "%s", dir);
  }
  if (status == SVF_OK && o->bits > 0) remark_bits(o, model);
  svf_model_close(model);
  return status;
}

/* --- Packing ---------------------------------------------------------------------------------- */

static svf_status work(options *o, const char *dir)
{
  const svf_model_options model = cli_library_options(&o->m, 0);
  const svf_pack_options how = {.size = sizeof how, .model = &model, .bits = (double)o->bits};
  svf_status status = check_bits(o);
  if (status == SVF_OK) status = cli_check_group(&o->m);
  if (status == SVF_OK) status = check_model(o, dir);
  return status == SVF_OK ? svf_model_pack(dir, o->out, &how) : status;
}

static bool has_dense_layers(const svf_model *model)
{
  svf_layer_info l = {.size = sizeof l};
  for (size_t i = 0; svf_model_layer_at(model, i, &l) == SVF_OK; ++i) {
    if (l.r == 0) return true;
  }
  return false;
}

/* What the new model's weights came to. */
static void remark_result(const options *o)
{
  const svf_model_options outline = {.size = sizeof outline, .flags = SVF_MODEL_OUTLINE};
  const svf_format format = o->m.format.value;
  svf_format_traits t = {.size = sizeof t};
  svf_model_info info = {.size = sizeof info};
  svf_model *model = NULL;
  if (!o->m.quiet && svf_format_get_traits(format, &t) == SVF_OK &&
      svf_model_open(o->out, &outline, &model) == SVF_OK &&
      svf_model_get_info(model, &info) == SVF_OK) {
    fprintf(stderr, "svf pack: packed as %s, %.2f bits a weight", t.name, info.bits);
    if (t.dense != format && has_dense_layers(model)) {
      fprintf(stderr, "; dense layers are %s", svf_format_name(t.dense));
    }
    fputs(o->m.format.given ? "\n" : ": see --format\n", stderr);
    cli_remark_format(&command_pack, model, &o->m);
  }
  svf_model_close(model);
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
  if (status == SVF_OK) {
    cli_made(&command_pack, words.word[0], o.out, &o.m);
    remark_result(&o);
  }
  return cli_end(&command_pack, status);
}

const svf_command command_pack = {
    "pack", "a model that starts at once, in any format", "MODEL",
    "Pack a model's linear layers, dense or in factors, into one file that is mapped and "
    "run in place.\v" CLI_MADE_KEYS
    "example: svf pack tinyllama-svf -o tinyllama-w4 --format w4 --group 64",
    run};
