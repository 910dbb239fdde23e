/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "bench/options.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

static const struct option known[] = {
    {"model", required_argument, NULL, 'm'},
    {"shape", required_argument, NULL, 's'},
    {"rows", required_argument, NULL, 'r'},
    {"format", required_argument, NULL, 'f'},
    {"isa", required_argument, NULL, 'i'},
    {"threads", required_argument, NULL, 't'},
    {"experts", required_argument, NULL, 'e'},
    {"warm", no_argument, NULL, 'w'},
    {"seconds", required_argument, NULL, 'S'},
    {"peers", required_argument, NULL, 'p'},
    {"weights", required_argument, NULL, 'W'},
    {"tensor", required_argument, NULL, 'T'},
    {"rank", required_argument, NULL, 'R'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void options_help(void)
{
  printf(
      "usage: svf_matmul [options] [Google Benchmark's --benchmark_* flags]\n"
      "Measures Y = ((X V) * D) U^T of svf beside its peers, in interleaved rounds.\n\n"
      "  --model=NAME     all linear layers of one block: %s\n"
      "  --shape=M,N,R    one layer: out, in, rank; may be repeated\n"
      "  --weights=FILE --tensor=NAME [--rank=R]\n"
      "                   a real matrix of a safetensors file: factorised, its accuracy against "
      "the\n"
      "                   dense product reported, then measured\n"
      "  --rows=LIST      rows of the batch (default 1,8,64,512)\n"
      "  --experts=N      distinct gain vectors in the batch (default 1); more are also\n"
      "                   compared with one\n"
      "  --format=NAME    of svf: f32, bf16, bf16-split (default f32); peers compute in the "
      "nearest\n"
      "                   that they have, see their rows' names\n"
      "  --isa=NAME       kernels to use: auto, ref, neon, avx2, avx512, avx512bf16, amx (default: "
      "SVF_ISA or "
      "auto)\n"
      "  --threads=N      for svf and peers, at most four per processor (default: one per "
      "processor)\n"
      "  --peers=LIST     among onednn,openblas,merge (default: all; none: --peers=none)\n"
      "  --warm           use one copy of the weights; by default more than 1 GiB of copies is\n"
      "                   rotated over, so that weights come from memory as in a real model\n"
      "  --seconds=S      of measuring per row of output (default 0.4)\n"
      "  -h, --help       this text\n\n"
      "examples:\n"
      "  svf_matmul\n"
      "  svf_matmul --model=tinyllama-1.1b --rows=1,4,16\n"
      "  svf_matmul --shape=4096,4096,4096 --rows=512 --isa=avx2\n"
      "  svf_matmul --weights=model.safetensors --tensor=model.layers.0.mlp.down_proj.weight\n"
      "  svf_matmul --benchmark_out=results.json --benchmark_out_format=json\n\n"
      "exit status: 0 measured, 1 nothing measured, 2 usage, 4 weights that cannot be used\n",
      model_names());
}

static bool bad(const char *option, const char *value, const char *why)
{
  fprintf(stderr, "svf_matmul: --%s=%s: %s\n", option, value, why);
  return false;
}

/* A list of integers from 1 to NUMBER_MOST; returns how many, 0 if malformed. */
static size_t numbers(const char *text, size_t *out, size_t most)
{
  size_t count = 0;
  while (count < most) {
    char *end;
    if (*text < '0' || *text > '9') return 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (v == 0 || v > NUMBER_MOST || (*end && *end != ',')) return 0;
    out[count++] = (size_t)v;
    if (!*end) return count;
    text = end + 1;
  }
  return 0;
}

static bool number(const char *option, const char *value, size_t most, size_t *out)
{
  if (numbers(value, out, 1) == 1 && *out <= most) return true;
  fprintf(stderr, "svf_matmul: --%s=%s: expected a number from 1 to %zu\n", option, value, most);
  return false;
}

static bool set_format(options *o, const char *value)
{
  for (int f = 0; f < SVF_FORMAT_COUNT; ++f) {
    if (strcmp(value, svf_format_name((svf_format)f)) == 0) {
      o->format = (svf_format)f;
      return true;
    }
  }
  fprintf(stderr, "svf_matmul: --format=%s: known formats:", value);
  for (int f = 0; f < SVF_FORMAT_COUNT; ++f) {
    fprintf(stderr, " %s", svf_format_name((svf_format)f));
  }
  fputc('\n', stderr);
  return false;
}

/* A comma-separated list of names that exist. */
static bool set_peers(options *o, const char *value)
{
  static const char *const names[] = {"onednn", "openblas", "merge", "none"};
  for (const char *p = value;; ++p) {
    const size_t length = strcspn(p, ",");
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
      found = found || (strlen(names[i]) == length && strncmp(p, names[i], length) == 0);
    }
    if (!found) return bad("peers", value, "expected names among onednn,openblas,merge, or none");
    p += length;
    if (!*p) break;
  }
  o->peers = value;
  return true;
}

static bool add_shape(options *o, const char *value)
{
  size_t v[3];
  if (numbers(value, v, 3) != 3)
    return bad("shape", value, "expected M,N,R, each from 1 to 16777216");
  if (o->shape_count == SHAPE_LIST_MAX) return bad("shape", value, "more than 32 shapes");
  shape *s = &o->shapes[o->shape_count++];
  *s = (shape){.m = v[0], .n = v[1], .r = v[2]};
  snprintf(s->name, sizeof s->name, "shape");
  return true;
}

static bool add_model(options *o, const char *value)
{
  shape found[SHAPES_MAX];
  const size_t count = model_shapes(value, found);
  if (count == 0) return bad("model", value, model_names());
  if (o->shape_count + count > SHAPE_LIST_MAX) return bad("model", value, "more than 32 shapes");
  for (size_t i = 0; i < count; ++i) {
    o->shapes[o->shape_count++] = found[i];
  }
  return true;
}

/* The default takes the two kinds of large layers and a small one. */
static void default_shapes(options *o)
{
  static const shape shapes[] = {
      {.name = "llama-3-8b:q,o", .m = 4096, .n = 4096, .r = 4096},
      {.name = "llama-3-8b:down", .m = 4096, .n = 14336, .r = 4096},
      {.name = "toy:q,o", .m = 256, .n = 256, .r = 256},
  };
  memcpy(o->shapes, shapes, sizeof shapes);
  o->shape_count = sizeof shapes / sizeof *shapes;
}

static bool set_isa(options *o, const char *name)
{
  svf_status status = SVF_OK;
  if (name) {
    svf_isa isa;
    status = svf_isa_parse(name, &isa);
    if (status == SVF_OK) status = svf_isa_select(isa);
  } else {
    status = svf_isa_select_env();
  }
  if (status != SVF_OK) {
    fprintf(stderr, "svf_matmul: %s\n", svf_last_message());
    return false;
  }
  o->isa = svf_isa_selected();
  return true;
}

static bool take(options *o, int option, const char *value, const char **isa)
{
  char *end;
  switch (option) {
    case 'm': return add_model(o, value);
    case 's': return add_shape(o, value);
    case 'r':
      o->rows_count = numbers(value, o->rows, ROWS_LIST_MAX);
      return o->rows_count > 0 || bad("rows", value, "expected at most 32 numbers such as 1,8,64");
    case 'f': return set_format(o, value);
    case 'i': *isa = value; return true;
    case 't': return number("threads", value, 4 * svf_max_threads(), &o->threads);
    case 'e': return number("experts", value, NUMBER_MOST, &o->experts);
    case 'w': o->cold_bytes = 0; return true;
    case 'S':
      o->seconds = strtod(value, &end);
      return (end != value && !*end && isfinite(o->seconds) && o->seconds > 0) ||
             bad("seconds", value, "expected a number above 0");
    case 'W': o->weights = value; return true;
    case 'T': o->tensor = value; return true;
    case 'R': return number("rank", value, NUMBER_MOST, &o->rank);
    case 'p': return set_peers(o, value);
    case 'h': o->help = true; return true;
    default: return false;
  }
}

bool options_parse(int argc, char **argv, options *o)
{
  const char *isa = NULL;
  int option;
  *o = (options){.rows = {1, 8, 64, 512},
                 .rows_count = 4,
                 .threads = svf_max_threads(),
                 .experts = 1,
                 .cold_bytes = 1.1e9,
                 .seconds = 0.4};
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    if (!take(o, option, optarg, &isa)) return false;
  }
  if (optind < argc) {
    fprintf(stderr, "svf_matmul: unexpected argument %s\n", argv[optind]);
    return false;
  }
  if (!o->weights != !o->tensor || (o->rank && !o->weights)) {
    fprintf(stderr, "svf_matmul: --weights and --tensor belong together, --rank to them\n");
    return false;
  }
  if (o->weights && o->shape_count == SHAPE_LIST_MAX) {
    return bad("weights", o->weights, "is one more than 32 shapes");
  }
  if (o->shape_count == 0 && !o->weights) default_shapes(o);
  return set_isa(o, isa);
}
