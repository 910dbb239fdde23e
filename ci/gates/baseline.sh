#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An object that is not a vector kernel runs on every CPU of its architecture: on x86-64 it has no
# AVX or AMX instruction (ymm, zmm, a VEX-encoded xmm, tiles), on AArch64 no SVE. Where all files
# are one translation unit, neither has a function whose name does not end in a vector kernel's ISA.
#   baseline.sh <file that lists the library's objects> <the object of all files>
#   (OBJDUMP from the caller)
set -euo pipefail
status=0 checked=0 vector=0

# beyond <disassembly>: the first instructions in it that not every CPU has.
beyond() {
  local pattern
  case $1 in
    *x86-64*) pattern='%[yz]mm|[[:space:]]v[a-z0-9]+[[:space:]].*%xmm|ldtilecfg|tilerelease' ;;
    *aarch64*) pattern='[[:space:]]z[0-9]+\.[bhsd]|[[:space:]]p[0-9]+/' ;;
    *) echo "of which architecture?"; return ;;
  esac
  grep -E "$pattern" <<< "$1" | head -3 || true
}

while read -r object; do
  found=$(beyond "$("$OBJDUMP" -d --no-show-raw-insn "$object")")
  case $object in
    *svf_kernels.dir*/avx*/* | *svf_kernels.dir*/amx/*)
      # The pattern must be able to match: in these objects it has to.
      [ -n "$found" ] || { echo "$object: no vector instruction recognised"; status=1; }
      vector=$((vector + 1))
      ;;
    *)
      [ -z "$found" ] || { printf '%s:\n%s\n' "$object" "$found"; status=1; }
      checked=$((checked + 1))
      ;;
  esac
done < "$1"

code=$("$OBJDUMP" -d --no-show-raw-insn "$2")
portable=$(awk '/^[0-9a-f]+ <.*>:$/ {
                  name = $2
                  gsub(/^<|[.>].*$/, "", name)
                  kernel = name ~ /_(avx[0-9a-z]*|amx)$/
                }
                !kernel' <<< "$code")
found=$(beyond "$portable")
[ -z "$found" ] || { printf '%s, outside of kernels:\n%s\n' "$2" "$found"; status=1; }
grep -q '<svf_matmul_plan>:' <<< "$portable" || { echo "$2 lacks functions"; status=1; }
[ "$checked" -gt 0 ] || { echo "$1 lists no object"; status=1; }
echo "$checked baseline objects, $vector vector kernels"
exit $status
