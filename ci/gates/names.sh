#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Names of libsvf tell where they come from, and all of its files fit into one translation unit: no
# name of file scope is defined in two files, no macro of a kernel's file or of a template header
# outlives the file, and every function of a kernel's object ends in its instruction set.
#   names.sh <source directory> <file that lists the library's objects>  (CC and NM from the caller)
set -euo pipefail
cd "$1"
objects=$2 status=0
files=$(find kernels src/{core,linear,matmul,forms,backend} -name '*.[ch]' | sort)

# Functions, types, enumerators, variables and macros by ctags: "name kind file".
names() {
  # shellcheck disable=SC2086 # a list
  ctags -x --languages=C --langmap=C:.c.h --kinds-C=defgstuv --_xformat='%N %K %F' $files |
    grep -v '^__anon' | sort -u
}

# Macros that may be defined in several files: a unit's parameters, and what asks for libc's names.
allowed() { sed -n 's/^#undef //p' kernels/unit_end.h; echo _GNU_SOURCE; }

if command -v ctags > /dev/null; then
  all=$(names)
  twice=$(awk 'NR == FNR { allowed[$1] = 1; next }
               !(($1, $3) in seen) { seen[$1, $3] = 1; files[$1] = files[$1] " " $3; ++count[$1] }
               $2 != "macro" { plain[$1] = 1 }
               END { for (n in count) if (count[n] > 1 && (plain[n] || !(n in allowed)))
                       print n ":" files[n] }' <(allowed) - <<< "$all" | sort)
  [ -z "$twice" ] || { printf 'defined in two files:\n%s\n' "$twice"; status=1; }
  [ "$(wc -l <<< "$all")" -gt 500 ] || { echo "ctags finds too few names"; status=1; }

  # Template headers are those whose guard unit_end.h undefines.
  templates=$(grep -lF "$(sed -n 's/^#undef \(SVF_KERNELS_\)/#ifndef \1/p' kernels/unit_end.h)" \
    kernels/*.h kernels/*/*.h)
  own=$(awk -v templates="$templates" '
    BEGIN { split(templates, list, "\n"); for (i in list) template[list[i]] = 1 }
    $2 == "macro" && ($3 in template || $3 ~ /^kernels\/.*\.c$/) { print $1 }' <<< "$all" | sort -u)
  [ "$(wc -l <<< "$own")" -gt 100 ] || { echo "too few macros of template headers"; status=1; }
else
  echo "ctags is not installed: names of file scope are not checked"
  own=""
fi

checked=0
while read -r object; do
  [[ $object =~ svf_kernels\.dir/(\./)?(([a-z0-9]+)/.*\.c)\.o$ ]] || continue
  source=kernels/${BASH_REMATCH[2]} isa=${BASH_REMATCH[3]}
  checked=$((checked + 1))
  left=$("$CC" -std=c11 -I include -I . -dM -E "$source" | awk '{ sub(/\(.*/, "", $2); print $2 }' |
    sort -u | comm -12 - <(echo "$own"))
  [ -z "$left" ] || { printf '%s leaves macros defined:\n%s\n' "$source" "$left"; status=1; }
  foreign=$("$NM" "$object" | awk '$2 == "t" || $2 == "T" { sub(/\..*/, "", $3); print $3 }' |
    grep -v "_$isa\$" || true)
  [ -z "$foreign" ] || {
    printf '%s has functions whose names do not end in _%s:\n%s\n' "$source" "$isa" "$foreign"
    status=1
  }
done < "$objects"
[ "$checked" -gt 5 ] || { echo "$objects lists only $checked kernels"; status=1; }
echo "$(wc -l <<< "$files") files, $checked kernels"
exit $status
