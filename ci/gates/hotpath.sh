#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The matmul and the arithmetic of experts never allocate, print, abort or start a thread: their
# objects refer to nothing but each other, string.h's block functions and libm's roundings, roots and
# exp. No object of the library has a constructor.
#   hotpath.sh <file that lists the library's objects>    (NM and OBJDUMP from the caller)
set -euo pipefail
linker='_GLOBAL_OFFSET_TABLE_|__stack_chk_fail'
allowed="^(svf_[a-z0-9_]+|mem(cpy|set|move|cmp)|fmaf|sqrtf|exp|$linker)\$"
status=0 checked=0

while read -r object; do
  sections=$("$OBJDUMP" -h "$object")
  needs=$("$NM" -u "$object")
  if grep -E '\.(preinit_array|init_array|ctors)' <<< "$sections"; then
    echo "$object has a constructor"
    status=1
  fi
  case $object in
    *svf_objects.dir*/selftest.c.o | *svf_objects.dir*/core/* | *svf_objects.dir*/linear/*)
      continue ;; # they may format a message; not the hot path
  esac
  checked=$((checked + 1))
  if awk 'NF { print $NF }' <<< "$needs" | grep -vE "$allowed"; then
    echo "$object needs the symbols above"
    status=1
  fi
done < "$1"
[ "$checked" -gt 4 ] || { echo "$1 lists only $checked objects of the hot path"; status=1; }
echo "$checked objects of the hot path"
exit $status
