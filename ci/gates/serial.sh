#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every source file of libsvf compiles without OpenMP, and without a warning.
#   serial.sh <source directory> <source...>, which are relative to it     (CC from the caller)
set -euo pipefail
cd "$1"
shift
count=0
for source in "$@"; do
  case $source in src/core/* | src/matmul/* | src/forms/* | src/linear/*) ;; *) continue ;; esac
  "$CC" -std=c11 -Wall -Wextra -Werror -I. -Iinclude -fsyntax-only "$source"
  count=$((count + 1))
done
[ "$count" -gt 20 ] || { echo "only $count sources were given"; exit 1; }
echo "$count sources compile without OpenMP"
