#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Programs that were compiled with the headers of this minor version's first release, kept in
# v<version>/, run with the libraries of today: nothing that they know has moved, every function is
# there as they declare it, and program.c works. So does a program of tomorrow, with longer structs.
#   run.sh <source directory> <directory of the shared libraries> <python3> [<flags>...]
#                                                                      (CC from the caller)
set -euo pipefail
source=$1 libraries=$2 python=$3
shift 3
here=$source/tests/abi
number() { sed -nE "s/^#define SVF_VERSION_$1 ([0-9]+)$/\1/p" "$source/include/svf/version.h"; }
frozen=$here/v$(number MAJOR).$(number MINOR)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compile <headers> <source> <program> [<flags>...]
compile() {
  local include=$1 from=$2 to=$3
  shift 3
  "$CC" -std=c11 -Wall -Wextra -Werror "$@" -I "$include" "$from" -o "$to" -L "$libraries" \
    -lsvf_model -lsvf_svd -lsvf -Wl,-rpath,"$libraries"
}

# Where members lie, and what constants are.
for which in frozen now; do
  include=$source/include
  [ $which = now ] || include=$frozen
  "$python" "$here/headers.py" layout "$include" > "$work/$which.c"
  compile "$include" "$work/$which.c" "$work/$which" "$@"
  "$work/$which" > "$work/$which.txt"
done
"$python" "$here/headers.py" compare "$work/frozen.txt" "$work/now.txt"

# The functions of then, declared once more after the headers of now, and linked.
"$python" "$here/headers.py" signatures "$frozen" > "$work/signatures.c"
compile "$source/include" "$work/signatures.c" "$work/signatures" "$@"
"$work/signatures"

"$python" "$here/headers.py" unused "$source/include" "$here/program.c"
run() { # name
  mkdir "$work/$1.files"
  "$work/$1.program" "$source/tests/golden/smollm" "$source/tests/cli/bytes.json" "$work/$1.files"
}
compile "$frozen" "$here/program.c" "$work/then.program" "$@"
run then
"$python" "$here/headers.py" future "$source/include" "$work/future"
compile "$work/future" "$here/program.c" "$work/future.program" -DSVF_FUTURE "$@"
run future
