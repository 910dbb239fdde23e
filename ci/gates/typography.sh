#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What clang-format leaves alone in C sources: no line is over 100 columns, no comment ends on a
# line of its own, and a section ruler is one line of exactly 100 columns, which ends its comment
# unless a text follows. Headers that are kept for tests/abi stay as they were.
#   typography.sh <source directory>
set -euo pipefail
cd "$1"
export LC_ALL=C.UTF-8 # columns are characters
mapfile -t files < <(find include kernels src bench tests -path 'tests/abi/v*' -prune \
  -o \( -name '*.[ch]' -o -name '*.cc' \) -print)
[ ${#files[@]} -gt 100 ] || { echo "too few C sources found"; exit 1; }
status=0

# refuse <what the lines are> <Perl regular expression>
refuse() {
  if grep -nP "$2" "${files[@]}"; then
    echo "the lines above $1"
    status=1
  fi
}
refuse 'are over 100 columns' '^.{101}'
refuse 'end a comment and hold nothing else' '^\s*\*/\s*$'
refuse 'are section rulers, but not "/* --- Title --- */" or "/* --- Title ---" of 100 columns' \
  '^(?=\s*/?\*\s*---)(?!(?=.{100}$)/\* --- \S.* -+( \*/)?$)'
echo "${#files[@]} C sources"
exit $status
