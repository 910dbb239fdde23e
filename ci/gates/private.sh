#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What libsvf.so exports for our own libraries alone is one list: that of its version script, of the
# functions marked SVF_PRIVATE_API, of what is exported, and of what those libraries need.
#   private.sh <source directory> <version script> <libsvf.so> <library that uses it>...
#                                                               (CC and NM from the caller)
set -euo pipefail
source=$1 map=$2 shared=$3
shift 3
status=0

listed=$(sed -n '/_PRIVATE {/,/}/p' "$map" | grep -oE 'svf_[a-z0-9_]+' | sort)
marked=$(find "$source/src" "$source/kernels" -name '*.h' ! -name private.h -exec cat {} + |
  grep -vE '^#' | "$CC" -E -P -x c - | tr '\n' ' ' | tr ';{}' '\n' |
  grep -w SVF_PRIVATE_API | grep -oE 'svf_[a-z0-9_]+ *\(' | tr -d ' (' | sort)
exported=$("$NM" -D --defined-only "$shared" |
  awk '$2 != "A" && $3 ~ /_PRIVATE$/ { sub(/@.*/, "", $3); print $3 }' | sort)
needed=$(for user in "$@"; do "$NM" -D --undefined-only "$user"; done |
  awk '$NF ~ /_PRIVATE$/ { sub(/@.*/, "", $NF); print $NF }' | sort -u)

[ -n "$listed" ] || { echo "$map lists nothing: this gate cannot read it"; status=1; }
for other in marked exported needed; do
  if ! diff <(echo "$listed") <(echo "${!other}"); then
    echo "above, < is listed in $(basename "$map") but not $other, > the reverse"
    status=1
  fi
done
echo "$(wc -l <<< "$listed") private functions"
exit $status
