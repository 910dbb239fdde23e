#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every command and option that `svf` knows is in its man page, and bash completes it.
#   documents.sh <svf> <source directory>
set -euo pipefail
svf=$1 cli=$2/src/cli
PATH=$(dirname "$svf"):$PATH
status=0 checked=0
# shellcheck source=/dev/null
source "$cli/completion.bash"

# complete <words...>: what bash offers for the last one.
complete_words() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _svf
  printf '%s\n' "${COMPREPLY[@]}"
}

need() { # what, text, where
  checked=$((checked + 1))
  grep -qxF -e "$1" <<< "$2" || { echo "$1 is missing in $3"; status=1; }
}

man=$(sed -E 's/ Ns = Ns .*//; s/\\//g' "$cli/svf.1" | tr ' ,' '\n\n' | paste -sd ' ' |
  sed -E 's/Fl Fl /--/g; s/Cm //g' | tr ' ' '\n')
commands=$("$svf" --help | sed -nE 's/^  ([a-z]+)  +[a-z].*/\1/p')
[ "$(wc -l <<< "$commands")" -ge 7 ] || { echo "only these commands: $commands"; exit 1; }
for command in $commands; do
  need "$command" "$(complete_words svf '')" completion
  need "$command" "$man" svf.1
  options=$("$svf" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z0-9-]+' | grep -oE '\-\-[a-z0-9-]+' || true)
  for option in $options; do
    need "$option" "$man" svf.1
    need "$option" "$(complete_words svf "$command" --)" "completion of $command"
  done
done
need w4 "$(complete_words svf pack --format w)" 'completion of formats'
[ "$checked" -gt 80 ] || { echo "checked only $checked names"; status=1; }
echo "$checked commands and options are documented and completed"
exit $status
