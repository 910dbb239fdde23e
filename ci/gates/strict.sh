#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# None of the source files of libsvf with arithmetic compiles with -ffast-math, nor with what stands
# for parts of it (kernels/strict.h).
#   strict.sh <source directory> <source...>, which are relative to it     (CC from the caller)
set -euo pipefail
cd "$1"
shift
flags=(-ffast-math -Ofast -ffinite-math-only)
if ! "$CC" --version | grep -q clang; then # which says nothing of them
  flags+=(-funsafe-math-optimizations -freciprocal-math -fno-signed-zeros)
fi
for flag in "${flags[@]}"; do
  if "$CC" "$flag" -I. -include kernels/strict.h -x c -fsyntax-only /dev/null 2> /dev/null; then
    echo "kernels/strict.h says nothing of $flag"
    exit 1
  fi
done
count=0
for source in "$@"; do
  case $source in # those without arithmetic of floats
    src/core/amx.c | src/core/cpu.c | src/core/openmp.c | src/core/wait.c | src/backend/*) continue ;;
  esac
  if "$CC" -std=c11 -ffast-math -I. -Iinclude -fsyntax-only "$source" 2> /dev/null; then
    echo "$source compiles with -ffast-math: it does not include kernels/strict.h"
    exit 1
  fi
  count=$((count + 1))
done
[ "$count" -gt 20 ] || { echo "only $count sources were given"; exit 1; }
echo "$count sources refuse -ffast-math"
