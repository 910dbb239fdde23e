#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A library needs libc, each of the libraries named here, and nothing else.
#   needed.sh <shared library> <regular expression of a file name>...    (OBJDUMP from the caller)
set -euo pipefail
shared=$1
shift
needed=$("$OBJDUMP" -p "$shared" | awk '$1 == "NEEDED" { print $2 }')
other=$(grep -vE '^(libc\.so\.6|ld-linux.*)$' <<< "$needed")
status=0
echo "$shared needs:" $needed

for name in "$@"; do
  count=$(grep -cxE "$name" <<< "$needed" || true)
  [ "$count" -eq 1 ] || { echo "expected one of $name, found $count"; status=1; }
  other=$(grep -vxE "$name" <<< "$other" || true)
done
[ -z "$other" ] || { echo "not expected:" $other; status=1; }
exit $status
