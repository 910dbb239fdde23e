#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# No circles between files: a source file and its header count as one, and what a file includes does
# not lead back to it. Public headers, <svf/...>, are files of the directory include.
#   circles.sh <source directory> <directory>...
set -euo pipefail
cd "$1"
shift
edges=$(find "$@" -name '*.[ch]' -exec grep -HoE '^#include ("[^"]+"|<svf/[^>]+>)' {} + |
  sed -E 's/\.[ch]:#include ("|<svf\/)(.*)\.h[">]$/ \1\2/; s/ "/ /; s/ </ include\//' |
  awk '$1 != $2' | sort -u)
[ "$(wc -l <<< "$edges")" -gt 50 ] || { echo "too few includes found"; exit 1; }
if ! circles=$(tsort <<< "$edges" 2>&1 > /dev/null); then
  printf 'files that include each other in a circle:\n%s\n' "$circles"
  exit 1
fi
echo "$(wc -l <<< "$edges") includes, no circle"
