#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An object that is not a vector kernel runs on every CPU of its architecture: on x86-64 it holds no
# AVX instruction (ymm, zmm, or a VEX-encoded xmm), on AArch64 no SVE.
#   baseline.sh <file that lists the library's objects>    (OBJDUMP from the caller)
set -euo pipefail
status=0 checked=0 vector=0

while read -r object; do
  code=$("$OBJDUMP" -d --no-show-raw-insn "$object")
  case $code in
    *x86-64*) beyond='%[yz]mm|[[:space:]]v[a-z0-9]+[[:space:]].*%xmm' ;;
    *aarch64*) beyond='[[:space:]]z[0-9]+\.[bhsd]|[[:space:]]p[0-9]+/' ;;
    *) echo "$object: of which architecture?"; exit 1 ;;
  esac
  found=$(grep -E "$beyond" <<< "$code" | head -3 || true)
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
[ "$checked" -gt 0 ] || { echo "$1 lists no object"; status=1; }
echo "$checked baseline objects, $vector vector kernels"
exit $status
