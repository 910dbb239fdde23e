/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/isa.h"

#include <stddef.h>

#include "src/core/names.h"
#include "src/core/status.h"

typedef enum architecture { ANY, ARM, X86 } architecture;

/* A higher rank is preferred, within an architecture; ranks have gaps as values have. */
typedef struct row {
  svf_isa isa;
  const char *name;
  architecture architecture;
  int rank;
} row;

/* AUTO, and then all that svf_isa_at tells of. */
static const row rows[] = {
    {SVF_ISA_AUTO, "auto", ANY, 0},
    {SVF_ISA_REF, "ref", ANY, 0},
    {SVF_ISA_NEON, "neon", ARM, 100},
    {SVF_ISA_NEONBF16, "neonbf16", ARM, 200},
    {SVF_ISA_AVX2, "avx2", X86, 100},
    {SVF_ISA_AVX512, "avx512", X86, 200},
    {SVF_ISA_AVX512BF16, "avx512bf16", X86, 300},
    {SVF_ISA_AMX, "amx", X86, 400},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const row *find(svf_isa isa)
{
  for (size_t i = 0; i < ROWS; ++i) {
    if (rows[i].isa == isa) return &rows[i];
  }
  return NULL;
}

bool svf_isa_known(svf_isa isa) { return find(isa) != NULL; }

size_t svf_isa_count(void) { return ROWS - 1; }

svf_isa svf_isa_at(size_t i) { return i < ROWS - 1 ? rows[i + 1].isa : SVF_ISA_AUTO; }

const char *svf_isa_name(svf_isa isa)
{
  const row *r = find(isa);
  return r ? r->name : "?";
}

static const char *name_at(size_t i) { return i < ROWS ? rows[i].name : NULL; }

svf_status svf_isa_parse_from(const char *what, const char *name, svf_isa *isa)
{
  size_t i = 0;
  if (!isa) return svf_fail(SVF_ERR_NULL, "isa is NULL");
  const svf_status status = svf_name_find(what, name, "instruction set", name_at, &i);
  if (status == SVF_OK) *isa = rows[i].isa;
  return status;
}

svf_status svf_isa_parse(const char *name, svf_isa *isa)
{
  return svf_isa_parse_from("name", name, isa);
}

bool svf_isa_within(svf_isa isa, svf_isa limit)
{
  if (isa == limit) return true;
  const row *lower = find(isa), *upper = find(limit);
  if (!lower || !upper) return false;
  return lower->architecture == ANY ||
         (lower->architecture == upper->architecture && lower->rank < upper->rank);
}
