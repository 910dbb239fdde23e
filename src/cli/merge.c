/* SPDX-License-Identifier: Apache-2.0
 *
 * svf merge: makes a dense model of an expert. */
#define _GNU_SOURCE
#include <stdlib.h>

#include <svf/convert.h>

#include "src/cli/interrupt.h"
#include "src/cli/made.h"

typedef struct options {
  model_options m;
  const char *out;
  bool bf16;
} options;

static const cli_option table[] = {CLI_OUTPUT_OPTION(options),
                                   {.name = "bf16",
                                    .take = cli_take_flag,
                                    .at = offsetof(options, bf16),
                                    .help = "weights in bf16 instead of fp32"},
                                   {0}};

static svf_status load_gains(const char *dir, model_options *m, float **gains)
{
  svf_model *model = NULL;
  if (!m->expert && !m->mix) return SVF_OK;
  svf_status status = cli_open_model(dir, m, SVF_MODEL_OUTLINE, &model);
  if (status == SVF_OK) {
    status = cli_load_gains(svf_model_modules(model), m->expert, m->mix, m->scale.value,
                            m->unpaired, gains);
  }
  svf_model_close(model);
  return status;
}

static int run(int argc, char **argv)
{
  options o = {.m = cli_model_defaults()};
  cli_words words = {.least = 1, .most = 1};
  const cli_group groups[] = {
      {table, &o}, {cli_run_options, &o.m}, {cli_expert_options, &o.m}, {0}};
  float *gains = NULL;
  cli_parse(command_merge.arguments, command_merge.help, groups, argc, argv, &words);
  cli_catch_interrupts(&command_merge, "stopped", o.out);
  const svf_merge_options how = {.size = sizeof how,
                                 .dtype = o.bf16 ? SVF_DTYPE_BF16 : SVF_DTYPE_F32,
                                 .threads = o.m.threads,
                                 .progress = cli_progress,
                                 .progress_context = &o.m.quiet};
  svf_status status = cli_check_expert(&o.m);
  if (status == SVF_OK) status = load_gains(words.word[0], &o.m, &gains);
  if (status == SVF_OK) status = svf_model_merge(words.word[0], o.out, gains, &how);
  free(gains);
  if (status == SVF_OK) cli_made(&command_merge, words.word[0], o.out, &o.m);
  return cli_end(&command_merge, status);
}

const svf_command command_merge = {
    "merge", "an expert as a dense model of its own", "MODEL",
    "Multiply an expert or a mixture into dense weights: a Hugging Face directory for any program. "
    "Without either, the base model is multiplied out. In bf16 a good part of a small expert is "
    "lost.\v" CLI_MADE_KEYS
    "example: svf merge tinyllama-svf --expert math.safetensors -o tinyllama-math",
    run};
