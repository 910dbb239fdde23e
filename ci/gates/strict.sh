#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# None of the source files of libsvf with arithmetic compiles with -ffast-math (kernels/strict.h).
#   strict.sh <source directory> <source...>, which are relative to it     (CC from the caller)
set -euo pipefail
cd "$1"
shift
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
