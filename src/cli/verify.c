/* SPDX-License-Identifier: Apache-2.0
 *
 * svf-verify: the accuracy of every format and instruction set of the machine it runs on, for
 * people and for CI. */
#define _GNU_SOURCE
#include <argp.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <svf/svf.h>

#include "src/cli/options.h"
#include "src/cli/verify_gates.h"

enum { EXIT_VIOLATION = 1, EXIT_USAGE = 2, JSON_SCHEMA = 1 };

typedef struct options {
  bool json;
  svf_isa isa; /* AUTO: all */
  uint64_t seed;
} options;

/* Counts over the whole run. */
typedef struct tally {
  size_t cases, violations;
  int executed; /* pairs of format and instruction set */
  int skipped;  /* instruction sets */
} tally;

static const size_t shapes[][4] = {
    {64, 48, 48, 5}, {200, 256, 200, 9}, {333, 129, 100, 17}, {300, 320, 288, 5}};

const char *argp_program_version = NULL;

static bool take_isa(const char *value, void *to)
{
  svf_isa *isa = to;
  return svf_isa_parse(value, isa) == SVF_OK && svf_isa_select(*isa) == SVF_OK;
}

static bool take_seed(const char *value, void *to)
{
  char *end;
  *(uint64_t *)to = strtoull(value, &end, 0);
  return *value && !*end;
}

static const cli_option table[] = {{.name = "json",
                                    .letter = 'j',
                                    .take = cli_take_flag,
                                    .at = offsetof(options, json),
                                    .help = "Print JSON instead of a table"},
                                   {.name = "isa",
                                    .letter = 'i',
                                    .value = "NAME",
                                    .take = take_isa,
                                    .at = offsetof(options, isa),
                                    .help = "Only this instruction set (default: SVF_ISA, or all)"},
                                   {.name = "seed",
                                    .letter = 's',
                                    .value = "N",
                                    .take = take_seed,
                                    .at = offsetof(options, seed),
                                    .help = "Seed of the random data (default 1)",
                                    .values = "a number"},
                                   {0}};

static void print_header(const options *o)
{
  char text[1024];
  svf_cpu_describe(text, sizeof text);
  if (o->json) {
    printf("{\"schema\": %d, \"version\": \"%s\", \"seed\": %" PRIu64 ", \"cases\": [", JSON_SCHEMA,
           svf_version(), o->seed);
    return;
  }
  printf("svf %s\n%s\n", svf_version(), text);
  printf("%-10s %-7s %-10s %-16s %9s %9s %9s  %9s %9s %9s  %-18s %s\n", "format", "isa", "spectrum",
         "m,n,r,rows", "NMSE", "limit", "original", "delta.5%", "2%", "10%", "identities", "");
}

static void print_case(const options *o, const tally *t, const verify_case *c,
                       const verify_result *r, bool passed, bool same_bits)
{
  if (o->json) {
    printf(
        "%s\n  {\"format\": \"%s\", \"isa\": \"%s\", \"spectrum\": \"%s\", \"m\": %zu, \"n\": %zu, "
        "\"r\": %zu, \"rows\": %zu, \"nmse\": %.6g, \"nmse_limit\": %.6g, "
        "\"format_nmse\": %.6g, \"format_nmse_limit\": %.6g, "
        "\"delta\": [%.6g, %.6g, %.6g], \"delta_limit\": [%.6g, %.6g, %.6g], "
        "\"base_identity\": %s, \"batch_identity\": %s, \"scale_identity\": %s, "
        "\"same_bits_as_ref\": %s, \"passed\": %s}",
        t->cases ? "," : "", svf_format_name(c->format), svf_isa_name(c->isa),
        spectrum_name(c->spectrum), c->m, c->n, c->r, c->rows, r->nmse, r->nmse_limit, r->format,
        r->format_limit, r->delta[0], r->delta[1], r->delta[2], r->delta_limit[0],
        r->delta_limit[1], r->delta_limit[2], r->base_identity ? "true" : "false",
        r->batch_identity ? "true" : "false", r->scale_identity ? "true" : "false",
        same_bits ? "true" : "false", passed ? "true" : "false");
    return;
  }
  char dims[48], identities[32];
  snprintf(dims, sizeof dims, "%zu,%zu,%zu,%zu", c->m, c->n, c->r, c->rows);
  snprintf(identities, sizeof identities, "%s%s%s%s", r->base_identity ? "base " : "",
           r->batch_identity ? "batch " : "", r->scale_identity ? "scale " : "",
           same_bits ? "ref" : "");
  printf("%-10s %-7s %-10s %-16s %9.2e %9.2e %9.2e  %9.2e %9.2e %9.2e  %-18s %s\n",
         svf_format_name(c->format), svf_isa_name(c->isa), spectrum_name(c->spectrum), dims,
         r->nmse, r->nmse_limit, r->format, r->delta[0], r->delta[1], r->delta[2], identities,
         passed ? "ok" : "VIOLATION");
}

/* Instruction sets that add up in an order of their own; all others must have the bits of ref. */
static const svf_isa own_orders[] = {SVF_ISA_NEONBF16, SVF_ISA_AVX512BF16, SVF_ISA_AMX};

enum { OWN_ORDER = sizeof own_orders / sizeof *own_orders };

static void print_legend(void)
{
  printf(
      "\n"
      "NMSE        mean square error over mean square of Y, against double precision on the "
      "factors as packed\n"
      "limit       the largest NMSE that passes\n"
      "original    the same NMSE against the factors before packing\n"
      "delta       relative error of what an expert changes in Y, for gains that differ by 0.5, 2 "
      "and 10 %% from\n"
      "            those of the base model; limits are in --json\n"
      "identities  base: gains = sigma gives the base model's bits; batch: a row's bits do not "
      "depend on its batch;\n"
      "            scale: gains * 2 gives Y * 2; ref: the bits of plain C, expected of all but\n"
      "            ");
  for (size_t i = 0; i < OWN_ORDER; ++i) {
    printf("%s%s", i > 0 ? ", " : "", svf_isa_name(own_orders[i]));
  }
  printf("\n\n");
}

static int fail(const char *what)
{
  fprintf(stderr, "svf-verify: %s: %s\n", what, svf_last_message());
  return EXIT_VIOLATION;
}

static bool own_order(svf_isa isa)
{
  size_t i = 0;
  while (i < OWN_ORDER && own_orders[i] != isa) ++i;
  return i < OWN_ORDER;
}

/* Every spectrum and shape on one ISA. */
static int verify_isa(const options *o, svf_isa isa, svf_format format, tally *t)
{
  for (int s = 0; s < SPECTRA; ++s) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      verify_case c = {.format = format,
                       .isa = SVF_ISA_REF,
                       .spectrum = (spectrum)s,
                       .m = shapes[i][0],
                       .n = shapes[i][1],
                       .r = shapes[i][2],
                       .rows = shapes[i][3],
                       .seed = o->seed};
      verify_result ref, own;
      if (verify_measure(&c, &ref) != SVF_OK) return fail("ref");
      c.isa = isa;
      if (verify_measure(&c, &own) != SVF_OK) return fail(svf_isa_name(isa));
      const bool same = own.digest == ref.digest,
                 passed = verify_passes(&own) && (same || own_order(isa));
      print_case(o, t, &c, &own, passed, same);
      ++t->cases;
      t->violations += !passed;
    }
  }
  return 0;
}

static int verify_all(const options *o, tally *t)
{
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    const svf_isa isa = svf_isa_at(i);
    const bool wanted = o->isa == SVF_ISA_AUTO || o->isa == isa;
    if (!wanted || !svf_isa_supported(isa)) {
      if (!o->json) {
        printf("%-10s %-7s skipped: %s\n", "all", svf_isa_name(isa),
               wanted ? "cannot run here, see above" : "not asked for");
      }
      ++t->skipped;
      continue;
    }
    if (svf_selftest(isa, NULL) != SVF_OK) return fail("self-test");
    for (size_t f = 0; f < svf_format_count(); ++f) {
      const svf_format format = svf_format_at(f);
      if (svf_isa_serving(isa, format) != isa) continue; /* another ISA's kernel */
      ++t->executed;
      const int code = verify_isa(o, isa, format, t);
      if (code != 0) return code;
    }
  }
  return 0;
}

/* SVF_ISA counts as if it had been given by --isa. */
static bool read_environment(options *o)
{
  const char *name = getenv("SVF_ISA");
  if (!name || !*name) return true;
  if (svf_isa_select_env() != SVF_OK) return false;
  svf_isa_parse(name, &o->isa);
  svf_isa_select(SVF_ISA_AUTO);
  return true;
}

static void print_footer(const options *o, const tally *t)
{
  if (o->json) {
    printf("\n], \"executed\": %d, \"skipped_isas\": %d, \"violations\": %zu}\n", t->executed,
           t->skipped, t->violations);
    return;
  }
  print_legend();
  printf(
      "%d pairs of format and instruction set executed, %d instruction sets skipped, %zu cases, "
      "%zu violations\n",
      t->executed, t->skipped, t->cases, t->violations);
}

int main(int argc, char **argv)
{
  static const char help[] =
      "Compares every format and instruction set of this machine with double precision.\v"
      "Exit status: 0 all gates hold, 1 a violation, 2 usage.\n\n"
      "example: svf-verify --json > accuracy.json";
  options o = {.isa = SVF_ISA_AUTO, .seed = 1};
  const cli_group groups[] = {{table, &o}, {0}};
  cli_words none = {0};
  tally t = {0};
  char version[64];
  snprintf(version, sizeof version, "svf-verify %s", svf_version());
  argp_program_version = version;
  argp_err_exit_status = EXIT_USAGE;
  if (!read_environment(&o)) {
    fprintf(stderr, "svf-verify: %s\n", svf_last_message());
    return EXIT_USAGE;
  }
  cli_parse(NULL, help, groups, argc, argv, &none);
  print_header(&o);
  const int code = verify_all(&o, &t);
  print_footer(&o, &t);
  return code != 0 ? code : t.violations > 0 ? EXIT_VIOLATION : 0;
}
