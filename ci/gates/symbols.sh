#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Two libraries of one program must not collide: every global symbol of the archive is svf_*, and
# the shared library exports, beside what private.sh looks at, exactly the functions that its public
# headers declare.
#   symbols.sh <archive> <shared library or 'none'> <public header>...  (CC and NM from the caller)
set -euo pipefail
archive=$1 shared=$2
shift 2
status=0

foreign=$("$NM" -g --defined-only "$archive" | awk 'NF == 3 && $3 !~ /^svf_/ { print $3 }')
if [ -n "$foreign" ]; then
  printf '%s defines symbols without the prefix svf_:\n%s\n' "$archive" "$foreign"
  status=1
fi
[ "$shared" != none ] || exit $status

# Without comments and without what they include, so that SVF_API stays as it is.
declared=$(grep -hvE '^#(include|define SVF_API)' "$@" | "$CC" -E -P -x c - |
  tr '\n' ' ' | tr ';{}' '\n' | grep -w SVF_API | grep -oE 'svf_[a-z0-9_]+ *\(' | tr -d ' (' | sort)
exported=$("$NM" -D --defined-only "$shared" |
  awk '$2 != "A" && $3 !~ /_PRIVATE$/ { sub(/@.*/, "", $3); print $3 }' | sort)
if [ "$(wc -l <<< "$declared")" -lt $# ] || [ -z "$declared" ]; then
  echo "only $(wc -w <<< "$declared") functions found in $# headers: this gate cannot read them"
  status=1
fi
if ! diff <(echo "$declared") <(echo "$exported"); then
  echo "$shared: above, < is declared in the headers but not exported, > the reverse"
  status=1
fi
echo "$(wc -l <<< "$exported") functions exported"
exit $status
