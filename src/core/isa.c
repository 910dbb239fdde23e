/* SPDX-License-Identifier: Apache-2.0 */
#include "src/core/isa.h"

#include <stddef.h>

#include "src/core/names.h"
#include "src/core/status.h"

typedef enum architecture { ANY_ARCHITECTURE, ARM, X86 } architecture;

/* A higher rank is preferred, within an architecture; ranks have gaps as values have. */
typedef struct isa_row {
  svf_isa isa;
  const char *name;
  architecture architecture;
  int rank;
} isa_row;

/* AUTO, and then all that svf_isa_at tells of. */
static const isa_row isa_rows[] = {
    {SVF_ISA_AUTO, "auto", ANY_ARCHITECTURE, 0},
    {SVF_ISA_REF, "ref", ANY_ARCHITECTURE, 0},
    {SVF_ISA_NEON, "neon", ARM, 100},
    {SVF_ISA_NEONBF16, "neonbf16", ARM, 200},
    {SVF_ISA_AVX2, "avx2", X86, 100},
    {SVF_ISA_AVX512, "avx512", X86, 200},
    {SVF_ISA_AVX512BF16, "avx512bf16", X86, 300},
    {SVF_ISA_AMX, "amx", X86, 400},
};

enum { ISA_ROWS = sizeof isa_rows / sizeof *isa_rows };

static const isa_row *find_isa(svf_isa isa)
{
  for (size_t i = 0; i < ISA_ROWS; ++i) {
    if (isa_rows[i].isa == isa) return &isa_rows[i];
  }
  return NULL;
}

bool svf_isa_known(svf_isa isa) { return find_isa(isa) != NULL; }

size_t svf_isa_count(void) { return ISA_ROWS - 1; }

svf_isa svf_isa_at(size_t i) { return i < ISA_ROWS - 1 ? isa_rows[i + 1].isa : SVF_ISA_AUTO; }

const char *svf_isa_name(svf_isa isa)
{
  const isa_row *r = find_isa(isa);
  return r ? r->name : "?";
}

static const char *isa_name_at(size_t i) { return i < ISA_ROWS ? isa_rows[i].name : NULL; }

svf_status svf_isa_parse_from(const char *what, const char *name, svf_isa *isa)
{
  size_t i = 0;
  if (!isa) return svf_fail(SVF_ERR_NULL, "isa is NULL");
  const svf_status status = svf_name_find(what, name, "instruction set", isa_name_at, &i);
  if (status == SVF_OK) *isa = isa_rows[i].isa;
  return status;
}

svf_status svf_isa_parse(const char *name, svf_isa *isa)
{
  return svf_isa_parse_from("name", name, isa);
}

bool svf_isa_within(svf_isa isa, svf_isa limit)
{
  if (isa == limit) return true;
  const isa_row *lower = find_isa(isa), *upper = find_isa(limit);
  if (!lower || !upper) return false;
  return lower->architecture == ANY_ARCHITECTURE ||
         (lower->architecture == upper->architecture && lower->rank < upper->rank);
}
