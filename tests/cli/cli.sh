# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts of this folder share; sourced with their arguments:
#   <script> <svf> <source directory> <directory of make_expert and make_model>
#     <directory of svf.1 and completion.bash>
# Each works in a directory of its own. Standard output and error of the last command are the files
# out and err.
set -euo pipefail
svf=$1 source=$2 tools=$3 documents=$4
PYTHON=${PYTHON:-python3}
export PYTHONUTF8=1 LC_ALL=C
export OMP_WAIT_POLICY=passive # other tests run beside this one: do not wait in loops
unset SVF_ISA SVF_BACKEND
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

die() {
  echo "FAILED (lines ${BASH_LINENO[*]}): $*" >&2
  echo "standard output:" >&2
  head -c 1000 out >&2 || true
  echo "standard error:" >&2
  head -c 1000 err >&2 || true
  exit 1
}

# svf with these arguments exits with that code.
expect() { # code, arguments...
  local wanted=$1 code=0
  shift
  "$svf" "$@" > out 2> err < /dev/null || code=$?
  [ "$code" -eq "$wanted" ] || die "svf $*: exit code $code, expected $wanted"
}

# svf, as the last command of a subshell. For jobs in the background: a shell lets those that it
# starts itself ignore SIGINT.
foreground() { # arguments...
  exec "$PYTHON" -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$svf" "$@"
}

# Ticks of processor time that a process has used; none once it has ended.
ticks() { # process
  sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 12
}

# Waits until a job has computed for some ticks (of 10 ms) more, however long that takes.
until_works() { # process, ticks
  local from
  from=$(ticks "$1")
  while kill -0 "$1" 2> /dev/null && [ "$(ticks "$1")" -lt $((from + $2)) ]; do
    sleep 0.02
  done
}

# Waits until a job sleeps, and has not computed for a while.
until_waits() { # process
  local idle=0 before='' now
  while [ $idle -lt 10 ] && kill -0 "$1" 2> /dev/null; do
    sleep 0.02
    now=$(ticks "$1")$(grep -o ') S ' "/proc/$1/stat" || true)
    case $now in
      "$before") case $now in *S*) idle=$((idle + 1)) ;; esac ;;
      *) idle=0 ;;
    esac
    before=$now
  done
}

# Waits until a job has written to a file, or has ended.
until_writes() { # process, file
  while [ ! -s "$2" ] && kill -0 "$1" 2> /dev/null; do
    sleep 0.02
  done
}

# It fails with that code, nothing on standard output, and one line that holds each of the words.
fails() { # code, words separated by |, arguments...
  local code=$1 words word
  IFS='|' read -ra words <<< "$2"
  shift 2
  expect "$code" "$@"
  [ ! -s out ] || die "svf $*: a failure with a result"
  [ "$(wc -l < err)" -eq 1 ] || die "svf $*: not one line of error"
  for word in "svf $1: " "${words[@]}"; do
    grep -qF -- "$word" err || die "svf $*: the message lacks '$word'"
  done
}

# Wrong usage: code 2, nothing on standard output, and the words in what is said.
misused() { # words, arguments...
  local phrase=$1
  shift
  expect 2 "$@"
  [ ! -s out ] || die "svf $*: a failure with a result"
  grep -qF -- "$phrase" err || die "svf $*: the message lacks '$phrase'"
}

# The file holds lines of JSON; prints the value of a Python expression of each one's object `o`.
json() { # file, expression
  "$PYTHON" -c '
import json, sys
for line in open(sys.argv[1], encoding="utf-8", newline="\n"):
    o = json.loads(line)
    sys.stdout.write(str(eval(sys.argv[2])) + "\n")' "$1" "$2" || die "$1: not the expected JSON"
}

# The help of a command names every key of the JSON in out.
keys_in_help() { # command
  local help
  help=$("$svf" "$1" --help | sed -n '/^--json: /,/^$/p')
  "$PYTHON" -c '
import json, re, sys
known = set(re.findall(r"\w+", sys.argv[1]))
def keys(x):
    for v in x if isinstance(x, list) else x.values() if isinstance(x, dict) else []:
        yield from keys(v)
    if isinstance(x, dict):
        yield from x
text = open("out", encoding="utf-8", newline="\n").read()
at, decoder, seen = 0, json.JSONDecoder(), set()
while at < len(text):
    o, at = decoder.raw_decode(text, at)
    seen |= set(keys(o))
    at += 1
missing = seen - known
assert seen and not missing, missing' "$help" || die "$1 --help: JSON keys"
}

same() { # files, what they are
  cmp "$1" "$2" >&2 || die "$3 differ"
}

differ() {
  ! cmp -s "$1" "$2" || die "$3 are the same"
}

tiny_model() { # directory
  mkdir "$1"
  cp "$source"/tests/golden/smollm/{config.json,model.safetensors} "$1"
  cp "$source"/tests/cli/bytes.json "$1"/tokenizer.json
}
