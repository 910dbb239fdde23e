#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# libsvf needs libc, libm and, unless it was left out, one OpenMP runtime: no other library.
#   needed.sh <shared library> <1 if built with OpenMP, else 0>    (OBJDUMP from the caller)
set -euo pipefail
needed=$("$OBJDUMP" -p "$1" | awk '$1 == "NEEDED" { print $2 }')
openmp=$(grep -cE '^lib(gomp|omp|iomp5)\.so' <<< "$needed" || true)
other=$(grep -vE '^(lib(c|m)\.so\.6|ld-linux.*|lib(gomp|omp|iomp5)\.so.*)$' <<< "$needed" || true)
echo "$1 needs:" $needed
[ -z "$other" ] || { echo "not allowed:" $other; exit 1; }
[ "$openmp" -eq "$2" ] || { echo "OpenMP runtimes: $openmp, expected $2"; exit 1; }
