#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every public header compiles alone, first and twice, as C11 and as C++11.
#   headers.sh <include directory>    (CC from the caller)
set -euo pipefail
status=0 count=0

for header in "$1"/svf/*.h; do
  line="#include <svf/$(basename "$header")>"
  for language in 'c -std=c11' 'c++ -std=c++11'; do
    printf '%s\n%s\nextern int not_empty;\n' "$line" "$line" |
      "$CC" -x $language -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$1" - || status=1
  done
  count=$((count + 1))
done
echo "$count headers"
[ $count -gt 0 ] && exit $status
