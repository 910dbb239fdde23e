/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu_floor <isa,isa,...> <kernels>: what must hold on an emulated older CPU. Exactly these
 * instruction sets run, of which the last one is the best, and at least <kernels> kernels, counted
 * once for each instruction set and each format that it has a kernel for. That the program reaches
 * its end shows that it executed no illegal instruction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <svf/svf.h>

static int failed(const char *what)
{
  fprintf(stderr, "%s (%s)\n", what, svf_last_message());
  return 1;
}

static bool listed(const char *list, const char *name)
{
  const size_t length = strlen(name);
  for (const char *at = list; at; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
  }
  return false;
}

/* Those in the list can be selected, the others are refused. */
static int check_isas(const char *list)
{
  for (size_t i = 0; i < svf_isa_count(); ++i) {
    const svf_isa isa = svf_isa_at(i);
    const svf_status expected = listed(list, svf_isa_name(isa)) ? SVF_OK : SVF_ERR_UNSUPPORTED;
    if (svf_isa_select(isa) != expected) return failed(svf_isa_name(isa));
    if (svf_selftest(isa, NULL) != expected) return failed(svf_isa_name(isa));
  }
  return svf_isa_select(SVF_ISA_AUTO) == SVF_OK ? 0 : failed("auto");
}

/* The number of pairs of an instruction set and a format that it has a kernel for. */
static int kernels(void)
{
  int count = 0;
  for (size_t f = 0; f < svf_format_count(); ++f) {
    const svf_format format = svf_format_at(f);
    svf_format_traits t = {.size = sizeof t};
    if (svf_format_get_traits(format, &t) != SVF_OK || t.weights != format) continue;
    for (size_t i = 0; i < svf_isa_count(); ++i) {
      count += svf_isa_serving(svf_isa_at(i), format) == svf_isa_at(i);
    }
  }
  return count;
}

int main(int argc, char **argv)
{
  if (argc != 3) {
    fprintf(stderr, "usage: %s <isa,isa,...> <kernels>\n", argv[0]);
    return 2;
  }
  char text[4096];
  svf_cpu_describe(text, sizeof text);
  fputs(text, stdout);

  const char *last = strrchr(argv[1], ','), *best = last ? last + 1 : argv[1];
  if (strcmp(svf_isa_name(svf_isa_selected()), best) != 0) {
    return failed("another instruction set was selected");
  }
  int executed = 0;
  if (svf_selftest(SVF_ISA_AUTO, &executed) != SVF_OK) return failed("the self-test failed");
  if (executed != kernels() || executed < atoi(argv[2])) {
    return failed("not the expected number of kernels ran");
  }
  if (check_isas(argv[1]) != 0) return 1;
  printf("%d kernels executed\n", executed);
  return 0;
}
