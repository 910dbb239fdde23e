#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The commands are guests of the public API: their sources include <svf/*.h>, system headers and each
# other, their objects call only what those headers declare, and svf loads neither LAPACK nor OpenBLAS.
#   cli.sh <source directory> <svf> <file that lists the commands' objects>
#                                                               (CC, NM and OBJDUMP from the caller)
set -euo pipefail
source=$1 svf=$2
mapfile -t objects < "$3"
status=0

if grep -nE '^ *# *include *"' "$source"/src/cli/*.[ch] | grep -vE '"src/cli/[a-z_]+\.h"$'; then
  echo "the headers above are private"
  status=1
fi

declared=$(grep -hvE '^#(include|define SVF_API)' "$source"/include/svf/*.h | "$CC" -E -P -x c - |
  tr '\n' ' ' | tr ';{}' '\n' | grep -w SVF_API | grep -oE 'svf_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
called=$("$NM" -u "${objects[@]}" | awk '$1 == "U" && $2 ~ /^svf_/ { print $2 }' | sort -u)
[ "$(wc -l <<< "$called")" -ge 20 ] || { echo "too few calls found in the objects of $3"; status=1; }
private=$(comm -13 <(echo "$declared") <(echo "$called"))
[ -z "$private" ] || { echo "called, but not public:" $private; status=1; }

needed=$("$OBJDUMP" -p "$svf" | awk '$1 == "NEEDED" { print $2 }')
if grep -iE 'lapack|blas' <<< "$needed"; then
  echo "$svf needs the libraries above"
  status=1
fi
echo "$(wc -l <<< "$called") public functions called"
exit $status
