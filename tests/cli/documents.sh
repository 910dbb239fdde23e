#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The completion and the manual page know the commands and options that --help knows, no more and no
# less. Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"
page=$documents/svf.1

commands() {
  expect 0 --help
  sed -n 's/^  \([a-z]\+\)  .*/\1/p' out
}

# The long options of a command.
options() { # command
  expect 0 "$1" --help
  grep -oE '^ +(-., )?--[a-z0-9-]+' out | grep -oE -- '--[a-z0-9-]+' | sort
}

# --- Completion -----------------------------------------------------------------------------------
# What the shell offers after these words, the last of which is being written.
offered() { # words...
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _svf
  printf '%s\n' "${COMPREPLY[@]}" | sort
}

# shellcheck source=/dev/null
source "$documents/completion.bash"
complete -p svf | grep -q -- '-F _svf' || die "svf has no completion"
mapfile -t all < <(commands)
[ ${#all[@]} -eq 7 ] || die "--help lists ${#all[@]} commands"
{ printf '%s\n' "${all[@]}" help version --help --version -h -V; } | sort > wanted
offered svf '' > completed
same wanted completed "the commands and those that are completed"
{ printf '%s\n' "${all[@]}" help; } | sort > wanted
[ "$(offered svf -V)" = -V ] && [ "$(offered svf ver)" = version ] &&
  [ "$(offered svf --v)" = --version ] || die "the words that print the version"
for word in version --version -V -h --help; do expect 0 $word; done
offered svf help '' > completed
same wanted completed "the commands and those after svf help"
for command in "${all[@]}"; do
  options "$command" > wanted
  [ "$(wc -l < wanted)" -ge 5 ] || die "$command --help has no options"
  offered svf "$command" -- > completed
  diff wanted completed >&2 || die "options of $command in --help and completed"
done

# Every format that is offered is one, and each that the command knows is offered.
expect 2 info nothing --format none
sed -n 's/.*known are //p' err | tr -d ' ' | tr , '\n' | sort > wanted
offered svf info --format '' > completed
same wanted completed "formats"
offered svf info --format = > completed
same wanted completed "formats after --format="
[ "$(offered svf info --format = w8 | paste -sd ' ')" = "w8 w84" ] || die "--format=w8"
[ "$(offered svf generate -f bf | paste -sd ' ')" = "bf16 bf16-split" ] || die "-f bf"
mkdir models
mkdir models/one
touch models/two
[ "$(offered svf generate models/ | paste -sd ' ')" = "models/one models/two" ] || die "files"
[ "$(offered svf pack models/one -o models/)" = models/one ] || die "-o takes directories"
[ "$(offered svf generate x -e models/t)" = models/two ] || die "-e takes files"
[ -z "$(offered svf generate x --tokens '')" ] || die "a number is completed"

# --- Manual ---------------------------------------------------------------------------------------
# Options in the page: long ones, and short ones that begin an item.
grep -oE '^\.It .*' "$page" | grep -oE 'Fl -[a-z0-9-]+' | sed 's/Fl /-/' | sort -u > in_page
for command in "${all[@]}"; do options "$command"; done | sort -u > in_help
diff in_help in_page >&2 || die "options in --help and in the manual page"
for command in "${all[@]}"; do
  grep -q "^\.It Cm $command " "$page" || die "the manual page lacks the command $command"
  expect 0 "$command" --help
  grep -oE '^ +-[a-z], --[a-z0-9-]+' out | tr -d ' ' | sort -u > short
  while IFS=, read -r letter name; do
    grep -qE "^\.It Fl ${letter#-} , Fl -${name#--}( |\$)" "$page" ||
      die "the manual page lacks $letter, $name"
  done < short
done
# The formats that the command knows, in its order.
expect 2 info nothing --format none
sed -n 's/.*known are //p' err | tr -d ' ' > wanted
sed -n '/as one of$/{n; s/^\.Cm \(.*\) ;$/\1/p;}' "$page" | tr -d ' ' > in_page
same wanted in_page "formats in --help and in the manual page"
for code in 0 1 2 4 130; do
  grep -q "^\.It $code\$" "$page" || die "the manual page lacks exit status $code"
done
for variable in SVF_ISA SVF_BACKEND; do
  grep -q "^\.It Ev $variable\$" "$page" || die "the manual page lacks $variable"
done
if command -v mandoc > /dev/null; then
  mandoc -Tlint -Wstyle "$page" > out 2> err || die "mandoc"
fi
echo "svf: completion and manual page complete"
