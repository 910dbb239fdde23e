/* SPDX-License-Identifier: Apache-2.0
 *
 * The checker: every kernel of the registry that this CPU can execute, through every gate. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/format.h"
#include "src/core/dispatch.h"
#include "tests/kernels/features.h"
#include "tests/kernels/gates.h"

static const gate gates[] = {
    {"small", "all small shapes around the block sizes, exact integers", gate_small},
    {"random", "random shapes, types, strides, values, threads", gate_random},
    {"large", "several chunks, passes and slices", gate_large},
    {"batch", "a row alone equals the row in any batch", gate_batch},
    {"identities", "base, one-hot, scaling, zero", gate_identities},
    {"accuracy", "NMSE and delta fidelity against double precision", gate_accuracy},
#ifdef SVF_WITH_ONEDNN
    {"onednn", "the back end oneDNN against double precision", gate_onednn},
#endif
};

enum { GATES = sizeof gates / sizeof *gates, FAILURES_SHOWN = 10 };

void gate_case(run *r, bool passed, const char *format, ...)
{
  ++r->cases;
  if (passed) return;
  if (++r->failures > FAILURES_SHOWN) return;
  va_list list;
  va_start(list, format);
  printf("FAIL %s %s %s (seed %llu): ", svf_isa_name(r->isa), svf_format_name(r->format), r->gate,
         (unsigned long long)r->seed);
  vprintf(format, list);
  printf("\n");
  va_end(list);
}

typedef struct options {
  const char *filter, *require;
  bool quick, full, integers, bench;
  uint64_t seed;
} options;

static int usage(FILE *to, int code)
{
  fprintf(to,
          "usage: svf-check [--quick|--full] [--bench] [--filter=ISA|GATE] [--seed=N]\n"
          "                 [--require=ISA|KERNEL,...] [--without=FEATURE,...] [--integers]\n"
          "  --quick    a tenth of the cases; formats with integers have no more without --full\n"
          "  --full     all of them, three times as many random ones\n"
          "  --integers only formats with integers\n"
          "  --require  fail unless each of these kernels, and one of each ISA, was executed\n"
          "  --without  as on a CPU that lacks these\n"
          "gates:\n");
  for (int i = 0; i < GATES; ++i) fprintf(to, "  %-12s%s\n", gates[i].name, gates[i].what);
  return code;
}

static bool filter_known(const char *filter)
{
  svf_isa isa;
  for (int i = 0; i < GATES; ++i) {
    if (strcmp(filter, gates[i].name) == 0) return true;
  }
  return svf_isa_parse(filter, &isa) == SVF_OK && isa != SVF_ISA_AUTO;
}

static bool parse(int argc, char **argv, options *o)
{
  *o = (options){.seed = 20261123};
  for (int i = 1; i < argc; ++i) {
    const char *a = argv[i];
    if (strcmp(a, "--quick") == 0) {
      o->quick = true;
    } else if (strcmp(a, "--full") == 0) {
      o->full = true;
    } else if (strcmp(a, "--integers") == 0) {
      o->integers = true;
    } else if (strcmp(a, "--bench") == 0) {
      o->bench = true;
    } else if (strncmp(a, "--filter=", 9) == 0) {
      o->filter = a + 9;
      if (!filter_known(o->filter)) {
        fprintf(stderr, "--filter=%s names neither an instruction set nor a gate\n", o->filter);
        return false;
      }
    } else if (strncmp(a, "--require=", 10) == 0) {
      o->require = a + 10;
    } else if (strncmp(a, "--without=", 10) == 0) {
      if (!features_remove(a + 10)) return false;
    } else if (strncmp(a, "--seed=", 7) == 0) {
      o->seed = strtoull(a + 7, NULL, 0);
    } else {
      return false;
    }
  }
  return o->seed != 0;
}

/* A filter names an ISA or a gate; the other dimension is then unrestricted. */
static bool filtered(const char *filter, const char *isa, const char *gate_name)
{
  return filter && strcmp(filter, isa) != 0 && strcmp(filter, gate_name) != 0;
}

/* Returns failures and adds to *cases. */
static size_t check_kernel(const svf_kernel *kernel, svf_format format, const options *o,
                           size_t *cases)
{
  size_t failures = 0;
  for (int g = 0; g < GATES; ++g) {
    if (filtered(o->filter, svf_isa_name(kernel->isa), gates[g].name)) continue;
    run r = {.isa = kernel->isa,
             .format = format,
             .quick = o->quick || (gate_traits(format).integer && !o->full),
             .full = o->full,
             .seed = o->seed,
             .state = o->seed,
             .gate = gates[g].name};
    gates[g].fn(&r);
    printf("%-26s %-10s %-12s %7zu cases, %zu failed\n", kernel->name, svf_format_name(format),
           gates[g].name, r.cases, r.failures);
    fflush(stdout);
    failures += r.failures;
    *cases += r.cases;
  }
  return failures;
}

enum { KERNELS_MAX = 64 };

/* What ran, by place in the registry. */
typedef struct executed {
  bool kernel[KERNELS_MAX];
} executed;

static bool has_run(const char *name, const executed *ran)
{
  for (size_t i = 0; i < svf_kernel_count(); ++i) {
    const svf_kernel *kernel = svf_kernel_at(i);
    const bool named =
        strcmp(kernel->name, name) == 0 || strcmp(svf_isa_name(kernel->isa), name) == 0;
    if (named && ran->kernel[i]) return true;
  }
  return false;
}

/* Every ISA and kernel in the list must be among those that ran. */
static bool all_required_ran(const char *list, const executed *ran)
{
  bool ok = true;
  while (list && *list) {
    const size_t length = strcspn(list, ",");
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)length, list);
    if (!has_run(name, ran)) {
      printf("FAIL %s was required and did not run\n", name);
      ok = false;
    }
    list += length + (list[length] == ',');
  }
  return ok;
}

int main(int argc, char **argv)
{
  options o;
  executed ran = {0};
  size_t failures = 0, count = 0;
  if (svf_kernel_count() > KERNELS_MAX || !parse(argc, argv, &o)) return usage(stderr, 2);
  for (size_t i = 0; i < svf_kernel_count(); ++i) {
    const svf_kernel *kernel = svf_kernel_at(i);
    const svf_kernel *serving;
    if (svf_dispatch(kernel->isa, kernel->format, 0, SIZE_MAX, &serving) != SVF_OK ||
        serving != kernel) {
      printf("%-26s not executed: %s\n", kernel->name,
             svf_isa_supported(kernel->isa) ? "another kernel serves here" : svf_last_message());
      continue;
    }
    size_t cases = 0;
    for (size_t f = 0; f < svf_format_count(); ++f) {
      const svf_format format = svf_format_at(f);
      const svf_format_traits t = gate_traits(format);
      if (t.weights != kernel->format || (o.integers && !t.integer)) continue;
      if (o.bench) {
        bench_kernel(kernel->isa, format);
      } else {
        failures += check_kernel(kernel, format, &o, &cases);
      }
    }
    count += cases > 0;
    ran.kernel[i] = cases > 0;
  }
  if (o.bench) return 0;
  printf("%zu of %zu kernels executed\n", count, svf_kernel_count());
  return all_required_ran(o.require, &ran) && failures == 0 && count > 0 ? 0 : 1;
}
