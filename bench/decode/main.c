/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/svf_decode: whole models with random weights, tokens per second, beside what their linear
 * layers take alone and what reading their weights takes. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "bench/decode/measure.h"
#include "bench/decode/synthetic.h"
#include "bench/flags.h"
#include "bench/list.h"
#include "bench/roofs/roofs.h"

struct options {
  const char *models, *forms, *formats, *sequences, *json;
  size_t context, prompt, threads, repeats, group;
  prefix_shape prefix; /* prefix = 0: passes are measured instead */
  bool help;
};

typedef struct bench {
  const options *o;
  FILE *json;
  size_t results;
  size_t threads;
} bench;

static void print_help(void)
{
  char formats[256] = "";
  for (size_t i = 0; i < svf_format_count(); ++i) {
    list_add(formats, sizeof formats, svf_format_name(svf_format_at(i)));
  }
  printf(
      "usage: svf_decode [options]\n"
      "  --model=LIST      smollm-135m,tinyllama-1.1b (default: both)\n"
      "  --form=LIST       dense,svf-mlp,svf-all (default: all)\n"
      "  --format=LIST     of weights: %s\n"
      "                    (default: bf16,w8,w4)\n",
      formats);
  fputs(
      "  --group=N         weights per scale, in formats with a choice: 32,64,128 (default: 32)\n"
      "  --sequences=LIST  texts at once (default: 1,8,32)\n"
      "  --context=N       positions that a text has when it is measured (default: 256)\n"
      "  --prompt=N        tokens of a prompt, at most 512 (default: 512)\n"
      "  --repeats=N       passes, of which the median counts, at most 200 (default: 9)\n"
      "  --threads=N       (default: OpenMP's)\n"
      "  --json=FILE       results as JSON too\n"
      "  --prefix=N        instead of passes: whole texts whose prompts begin with N tokens in\n"
      "                    common, and the same texts with prefixes of their own\n"
      "  --texts=N         of them, at most 512 (default: 128)\n"
      "  --own=N           tokens of each prompt after its prefix (default: 4)\n"
      "  --new=N           tokens to be generated of each (default: 16)\n"
      "  --help\n"
      "example: svf_decode --model=tinyllama-1.1b --form=svf-mlp --format=w4\n"
      "roof: time to read the weights at the bandwidth measured just before; outside: share "
      "of\n"
      "the pass that its linear layers alone, called one by one, do not take\n",
      stdout);
}

/* True if every element of the list is one of the forms. */
static bool are_forms(const char *list)
{
  for (char text[16]; list_next(&list, text, sizeof text);) {
    bool known = false;
    for (int f = 0; f < FORMS; ++f) known = known || strcmp(text, form_names[f]) == 0;
    if (!known) return false;
  }
  return true;
}

static bool take_forms(options *o, const flag *f, const char *value)
{
  o->forms = value;
  return are_forms(value) || flag_refuse(f->name, value, "not a list of forms");
}

static bool take_group(options *o, const flag *f, const char *value)
{
  o->group = 0;
  if (strcmp(value, "32") == 0 || strcmp(value, "64") == 0 || strcmp(value, "128") == 0) {
    o->group = strtoul(value, NULL, 10);
  }
  return o->group > 0 || flag_refuse(f->name, value, "expected 32, 64 or 128");
}

#define NUMBER(name, preset, member, most)                                      \
  {                                                                             \
    name, "N", preset, flag_number, offsetof(options, member), most, NULL, NULL \
  }

static const flag flags[] = {
    {"model", "LIST", "smollm-135m,tinyllama-1.1b", flag_text, .at = offsetof(options, models)},
    {"form", "LIST", "dense,svf-mlp,svf-all", take_forms, .at = 0},
    {"format", "LIST", "bf16,w8,w4", flag_text, .at = offsetof(options, formats)},
    {"group", "N", "32", take_group, .at = 0},
    {"sequences", "LIST", "1,8,32", flag_text, .at = offsetof(options, sequences)},
    NUMBER("context", "256", context, 1024),
    NUMBER("prompt", "512", prompt, 512),
    NUMBER("repeats", "9", repeats, 200),
    NUMBER("threads", NULL, threads, 1024),
    {"json", "FILE", NULL, flag_text, .at = offsetof(options, json)},
    NUMBER("prefix", NULL, prefix.prefix, 1024),
    NUMBER("texts", "128", prefix.texts, 512),
    NUMBER("own", "4", prefix.own, 512),
    NUMBER("new", "16", prefix.more, 512),
    {"help", .take = flag_true, .at = offsetof(options, help)},
};

/* For values that are looked at while they are used. */
_Noreturn static void give_up(const char *name, const char *value)
{
  flag_refuse(name, value, "not understood; see --help");
  exit(2);
}

/* --- Results ---------------------------------------------------------------------------------- */

typedef struct result {
  const char *model, *form, *format, *pass; /* pass: "decode", "prefill" */
  size_t rows, experts, weight_bytes;
  double bandwidth; /* bytes per second, read just before */
  measurement m;
} result;

static void print(bench *b, const result *r)
{
  const double roof = (double)r->weight_bytes / r->bandwidth;
  printf("%-15s %-8s %-10s %-8s %5zu %7zu %9.2f %10.1f %7.1f%% %8.1f%%", r->model, r->form,
         r->format, r->pass, r->rows, r->experts, r->m.pass * 1e3, (double)r->rows / r->m.pass,
         100 * roof / r->m.pass, 100 * (1 - r->m.bare / r->m.pass));
  if (r->m.many_to_one > 0) printf("   %.3f", r->m.many_to_one);
  printf("\n");
  fflush(stdout);
  if (!b->json) return;
  fprintf(
      b->json,
      "%s\n    {\"model\": \"%s\", \"form\": \"%s\", \"format\": \"%s\", \"pass\": \"%s\", "
      "\"rows\": %zu, \"experts\": %zu, \"weight_bytes\": %zu, \"seconds\": %.6g, "
      "\"bare_seconds\": %.6g, \"bandwidth\": %.6g, \"roof_seconds\": %.6g, \"many_to_one\": %.4g}",
      b->results++ ? "," : "", r->model, r->form, r->format, r->pass, r->rows, r->experts,
      r->weight_bytes, r->m.pass, r->m.bare, r->bandwidth, roof, r->m.many_to_one);
}

static void print_head(const options *o)
{
  printf("texts of %zu tokens\n", o->context);
  printf("%-15s %-8s %-10s %-8s %5s %7s %9s %10s %8s %9s   many/one\n", "model", "form", "format",
         "pass", "rows", "experts", "ms", "tokens/s", "of roof", "outside");
}

static void print_prefix_head(const options *o)
{
  printf("texts of %zu tokens in common and %zu of their own, %zu new ones\n", o->prefix.prefix,
         o->prefix.own, o->prefix.more);
  printf("%-15s %-8s %-10s %5s %9s %9s %7s %10s\n", "model", "form", "format", "texts", "ms",
         "ms apart", "ratio", "tokens/s");
}

/* Whole texts; new tokens per second. */
static void measure_texts(bench *b, const char *name, form f, const char *format,
                          const svf_model *model)
{
  const prefix_shape *shape = &b->o->prefix;
  const prefix_measurement m =
      measure_prefix(model, shape, f == FORM_DENSE ? 0 : 1, b->threads, b->o->repeats);
  const double tokens = (double)(shape->texts * shape->more);
  printf("%-15s %-8s %-10s %5zu %9.1f %9.1f %7.2f %10.1f\n", name, form_names[f], format,
         shape->texts, m.shared * 1e3, m.apart * 1e3, m.apart / m.shared, tokens / m.shared);
  fflush(stdout);
  if (!b->json) return;
  fprintf(
      b->json,
      "%s\n    {\"model\": \"%s\", \"form\": \"%s\", \"format\": \"%s\", \"texts\": %zu, "
      "\"prefix\": %zu, \"own\": %zu, \"new\": %zu, \"seconds\": %.6g, \"apart_seconds\": %.6g}",
      b->results++ ? "," : "", name, form_names[f], format, shape->texts, shape->prefix, shape->own,
      shape->more, m.shared, m.apart);
}

static void measure_passes(bench *b, const char *name, form f, const char *format,
                           const svf_model *model)
{
  const options *o = b->o;
  result r = {.model = name, .form = form_names[f], .format = format};
  for (size_t i = 0; i < model->linear_count; ++i) r.weight_bytes += model->linears[i].bytes;
  const char *list = o->sequences;
  r.pass = "decode";
  for (char text[16]; list_next(&list, text, sizeof text);) {
    if (!flag_read_number(text, 512, &r.rows)) give_up("sequences", text);
    r.experts = f == FORM_DENSE ? 0 : r.rows;
    r.bandwidth = roofs_measure(NULL, b->threads).bytes;
    r.m = measure_decode(model, r.rows, r.experts, o->context, b->threads, o->repeats);
    print(b, &r);
  }
  r.pass = "prefill";
  r.rows = o->prompt;
  r.experts = f == FORM_DENSE ? 0 : 1;
  r.bandwidth = roofs_measure(NULL, b->threads).bytes;
  r.m = measure_prefill(model, r.experts, r.rows, b->threads, (o->repeats + 2) / 3);
  print(b, &r);
}

static void run(bench *b)
{
  const char *models = b->o->models;
  for (char name[32]; list_next(&models, name, sizeof name);) {
    svf_config config;
    const char *formats = b->o->formats;
    if (!synthetic_config(name, &config)) give_up("model", name);
    for (char text[16]; list_next(&formats, text, sizeof text);) {
      svf_format format;
      if (svf_format_parse(text, &format) != SVF_OK) give_up("format", text);
      for (int f = 0; f < FORMS; ++f) {
        if (!list_has(b->o->forms, form_names[f])) continue;
        svf_model *model = synthetic_model(&config, (form)f, format, b->o->group);
        (b->o->prefix.prefix > 0 ? measure_texts : measure_passes)(b, name, (form)f, text, model);
        svf_model_close(model);
      }
    }
  }
}

int main(int argc, char **argv)
{
  options o = {0};
  if (!flags_parse(flags, sizeof flags / sizeof *flags, argc, argv, &o, NULL, 0)) return 2;
  if (o.help) {
    print_help();
    return 0;
  }
  if (svf_isa_select_env() != SVF_OK) {
    fprintf(stderr, "svf_decode: %s\n", svf_last_message());
    return 2;
  }
  bench b = {.o = &o, .threads = o.threads ? o.threads : svf_max_threads()};
  if (o.json && !(b.json = fopen(o.json, "w"))) {
    perror(o.json);
    return 2;
  }
  printf("%zu threads, %s, ", b.threads, svf_isa_name(svf_isa_selected()));
  (o.prefix.prefix > 0 ? print_prefix_head : print_head)(&o);
  if (b.json) {
    fprintf(b.json,
            "{\n  \"schema\": 1, \"threads\": %zu, \"isa\": \"%s\", "
            "\"context\": %zu, \"group\": %zu,\n  \"results\": [",
            b.threads, svf_isa_name(svf_isa_selected()), o.context, o.group);
  }
  run(&b);
  if (b.json) fputs("\n  ]\n}\n", b.json);
  if (b.json && (ferror(b.json) || fclose(b.json) != 0)) {
    perror(o.json);
    return 1;
  }
  return 0;
}
