/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/svf_decode: whole models with random weights, tokens per second, beside what their linear
 * layers take alone and what reading their weights takes. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

#include "bench/decode/measure.h"
#include "bench/decode/synthetic.h"
#include "bench/list.h"
#include "bench/roofs/roofs.h"

typedef struct options {
  const char *models, *forms, *formats, *sequences, *json;
  size_t context, prompt, threads, repeats, group;
} options;

typedef struct bench {
  const options *o;
  FILE *json;
  size_t results;
  size_t threads;
} bench;

static int usage(FILE *to, int code)
{
  char formats[256] = "";
  for (size_t i = 0; i < svf_format_count(); ++i) {
    list_add(formats, sizeof formats, svf_format_name(svf_format_at(i)));
  }
  fprintf(to,
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
      "  --help\n"
      "example: svf_decode --model=tinyllama-1.1b --form=svf-mlp --format=w4\n"
      "roof: time to read the weights at the bandwidth measured just before; outside: share "
      "of\n"
      "the pass that its linear layers alone, called one by one, do not take\n",
      to);
  return code;
}

static bool read_size(const char *text, size_t most, size_t *out)
{
  char *end = NULL;
  if (*text < '0' || *text > '9') return false;
  *out = strtoull(text, &end, 10);
  return *end == '\0' && *out >= 1 && *out <= most;
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

static int bad(const char *name, const char *value)
{
  fprintf(stderr, "svf_decode: --%s=%s is not understood; see --help\n", name, value);
  return 2;
}

/* Exit status, or -1 to go on. */
static int parse(int argc, char **argv, options *o)
{
  static const struct option known[] = {{"model", required_argument, 0, 'm'},
                                        {"form", required_argument, 0, 'f'},
                                        {"format", required_argument, 0, 'w'},
                                        {"group", required_argument, 0, 'g'},
                                        {"sequences", required_argument, 0, 's'},
                                        {"context", required_argument, 0, 'c'},
                                        {"prompt", required_argument, 0, 'p'},
                                        {"repeats", required_argument, 0, 'r'},
                                        {"threads", required_argument, 0, 't'},
                                        {"json", required_argument, 0, 'j'},
                                        {"help", no_argument, 0, 'h'},
                                        {0}};
  *o = (options){.models = "smollm-135m,tinyllama-1.1b",
                 .forms = "dense,svf-mlp,svf-all",
                 .formats = "bf16,w8,w4",
                 .sequences = "1,8,32",
                 .context = 256,
                 .prompt = 512,
                 .repeats = 9,
                 .group = 32};
  for (int c; (c = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
    switch (c) {
      case 'm': o->models = optarg; break;
      case 'f':
        if (!are_forms(optarg)) return bad("form", optarg);
        o->forms = optarg;
        break;
      case 'w': o->formats = optarg; break;
      case 'g':
        if (!read_size(optarg, 128, &o->group) ||
            (o->group != 32 && o->group != 64 && o->group != 128)) {
          return bad("group", optarg);
        }
        break;
      case 's': o->sequences = optarg; break;
      case 'c':
        if (!read_size(optarg, 1024, &o->context)) return bad("context", optarg);
        break;
      case 'p':
        if (!read_size(optarg, 512, &o->prompt)) return bad("prompt", optarg);
        break;
      case 'r':
        if (!read_size(optarg, 200, &o->repeats)) return bad("repeats", optarg);
        break;
      case 't':
        if (!read_size(optarg, 1024, &o->threads)) return bad("threads", optarg);
        break;
      case 'j': o->json = optarg; break;
      case 'h': return usage(stdout, 0);
      default: return usage(stderr, 2);
    }
  }
  return optind < argc ? usage(stderr, 2) : -1;
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

static void measure_model(bench *b, const char *name, form f, const char *format,
                          const svf_model *model)
{
  const options *o = b->o;
  result r = {.model = name, .form = form_names[f], .format = format};
  for (size_t i = 0; i < model->linear_count; ++i) r.weight_bytes += model->linears[i].bytes;
  const char *list = o->sequences;
  r.pass = "decode";
  for (char text[16]; list_next(&list, text, sizeof text);) {
    if (!read_size(text, 512, &r.rows)) exit(bad("sequences", text));
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
    if (!synthetic_config(name, &config)) exit(bad("model", name));
    for (char text[16]; list_next(&formats, text, sizeof text);) {
      svf_format format;
      if (svf_format_parse(text, &format) != SVF_OK) exit(bad("format", text));
      for (int f = 0; f < FORMS; ++f) {
        if (!list_has(b->o->forms, form_names[f])) continue;
        svf_model *model = synthetic_model(&config, (form)f, format, b->o->group);
        measure_model(b, name, (form)f, text, model);
        svf_model_close(model);
      }
    }
  }
}

int main(int argc, char **argv)
{
  options o;
  const int code = parse(argc, argv, &o);
  if (code >= 0) return code;
  if (svf_isa_select_env() != SVF_OK) {
    fprintf(stderr, "svf_decode: %s\n", svf_last_message());
    return 2;
  }
  bench b = {.o = &o, .threads = o.threads ? o.threads : svf_max_threads()};
  if (o.json && !(b.json = fopen(o.json, "w"))) {
    perror(o.json);
    return 2;
  }
  printf("%zu threads, %s, texts of %zu tokens\n", b.threads, svf_isa_name(svf_isa_selected()),
         o.context);
  printf("%-15s %-8s %-10s %-8s %5s %7s %9s %10s %8s %9s   many/one\n", "model", "form", "format",
         "pass", "rows", "experts", "ms", "tokens/s", "of roof", "outside");
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
