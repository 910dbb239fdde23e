#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What needs a model of some size: jobs that are interrupted or killed and leave nothing half, and
# the bits of w84. Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

mkdir model
"$tools/make_model" model
cp "$source/tests/cli/bytes.json" model/tokenizer.json

# Start svf with these arguments and send it the signal as soon as it has made `file`. A job that
# was faster than the signal is done again.
interrupted() { # signal, file, wanted code, arguments...
  local signal=$1 file=$2 wanted=$3 job
  shift 3
  for _ in 1 2 3 4 5 6 7 8; do
    rm -rf "$file"
    foreground "$@" > out 2> err < /dev/null &
    job=$!
    until [ -s "$file" ] || [ -d "$file" ] || ! kill -0 $job 2> /dev/null; do :; done
    kill -"$signal" $job 2> /dev/null || true
    code=0
    wait $job 2> /dev/null || code=$?
    [ $code -ne 0 ] || continue
    [ $code -eq "$wanted" ] || die "svf $* after $signal: exit code $code, expected $wanted"
    [ "$signal" = KILL ] || [ ! -d "$file" ] || [ -n "$(ls -A "$file")" ] ||
      die "svf $* after $signal: an empty directory is left"
    return
  done
  die "svf $*: always done before it could be interrupted"
}

no_model() { # directory
  [ ! -e "$1/model.safetensors" ] && [ ! -e "$1/model.safetensors.index.json" ] ||
    die "$1: an interrupted job left a model"
}

no_temporaries() {
  [ -z "$(find . -name '*.tmp')" ] || die "temporary files are left: $(find . -name '*.tmp')"
}

# --- decompose ------------------------------------------------------------------------------------
expect 0 decompose model -o whole --threads 1
[ ! -s err ] || die "progress, but there is no terminal"
# On a terminal, and unless it is to be quiet, a bar that is wiped at the end.
terminal() { # arguments...
  "$PYTHON" -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$svf" "$@" > out 2> err < /dev/null
}
terminal pack whole -o bar --threads 1 || die "pack on a terminal"
grep -q $'\r\033\\[K\\[=* *\\] 7/29 .*model.layers.1.self_attn.q_proj' out || die "no progress"
grep -q $'\r\033\\[Kbar: [0-9.]* MB' out || die "the bar is not wiped before the result"
terminal pack whole -o no-bar --threads 1 -q || die "pack -q on a terminal"
! grep -q $'\033' out || die "progress, but --quiet"
for signal in INT TERM; do
  interrupted $signal part 130 decompose model -o part --threads 1
  no_model part
  no_temporaries
  [ "$(wc -l < err)" -eq 1 ] && grep -q '^svf decompose: stopped' err || die "$signal: the message"
done
interrupted KILL part/factors-00005.safetensors 137 decompose model -o part --threads 1
no_model part
for arguments in "info part" "generate part Hello" "pack part -o never" "merge part -o never" \
  "merge part -o never -e nowhere" "decompose part -o never"; do
  # shellcheck disable=SC2086
  fails 4 "part: this decomposition is not finished|'svf decompose'" $arguments
done
stat -c '%n %Y %i' part/factors-0000[0-5].safetensors > before
expect 0 decompose model -o part --threads 1
stat -c '%n %Y %i' part/factors-0000[0-5].safetensors > after
same before after "finished shards before and after a killed job was resumed"
no_temporaries
for file in whole/*; do
  name=$(basename "$file")
  [ "$name" = decomposition.json ] || same "$file" "part/$name" "$name whole and resumed"
done
expect 0 info part

# --- pack, merge ----------------------------------------------------------------------------------
for bits in 5 10; do
  interrupted INT w84 130 pack whole -o w84 -f w84 --bits $bits
  no_model w84
  no_temporaries
  expect 0 pack whole -o w84 -f w84 --bits $bits --json
  json out 'o["file_bytes"]' > bytes$bits
  rm -r w84
done
[ "$(cat bytes5)" -lt "$(cat bytes10)" ] || die "5 bits are not smaller than 10"
interrupted INT merged 130 merge whole -o merged
no_model merged
no_temporaries

# A job that was killed, or whose disk was full (a limit on files behaves as one), is done again.
expect 0 merge whole -o merged
expect 0 pack whole -o packed -f w8
for arguments in "merge whole -o again-merged" "pack whole -f w8 -o again-packed"; do
  again=${arguments##* }
  # shellcheck disable=SC2086
  interrupted KILL "$again" 137 $arguments
  no_model "$again"
  # shellcheck disable=SC2086
  (trap '' XFSZ && ulimit -f 600 && fails 4 "$again/model.safetensors: cannot write" $arguments)
  no_model "$again"
  no_temporaries
  # shellcheck disable=SC2086
  expect 0 $arguments
  same "${again#again-}/model.safetensors" "$again/model.safetensors" "$arguments once and again"
done
(trap '' XFSZ && ulimit -f 600 &&
  fails 4 "full/factors-00004.safetensors: cannot write" decompose model -o full --threads 1)
no_model full
no_temporaries
expect 0 decompose model -o full --threads 1
for file in whole/*.safetensors; do
  same "$file" "full/$(basename "$file")" "factors after a full disk"
done

# --- generate -------------------------------------------------------------------------------------
expect 0 generate whole --threads 1 -q Hello -n 40 --ignore-end
mv out text
interrupted INT out 130 generate whole --threads 1 Hello -n 60000 --ignore-end
cat out > partial
[ "$(wc -c < partial)" -gt 1 ] || die "no partial text"
"$PYTHON" -c '
text, partial = (open(f, newline="\n").read()[:-1] for f in ("text", "partial"))
n = min(len(text), len(partial))
assert text[:n] == partial[:n]' || die "the partial text is not the beginning of the text"
[ "$(wc -l < err)" -eq 1 ] && grep -q ' tokens in ' err || die "generate: what it says at the end"

# A line of JSON as soon as its text, and those before it, have ended.
printf '{"prompt": "Hi", "tokens": %d}\n' 3 60000 3 > prompts
rm out # of the job before
foreground generate whole --threads 1 --json -q -p prompts --ignore-end > out 2> err &
job=$!
until_writes $job out
kill -0 $job || die "it has ended"
[ "$(json out '[o["index"], o["tokens"]]')" = "[0, 3]" ] || die "the first line while others run"
kill -INT $job
code=0
wait $job || code=$?
[ $code -eq 130 ] || die "generate of three: exit code $code"
[ "$(json out 'o["index"]' | paste -sd ' ')" = "0 1 2" ] || die "the order of lines"

# Each text says why it ended; those that never began have none.
printf '{"prompt": "Hi", "tokens": %d}\n' 3 60000 60000 60000 60000 60000 60000 > prompts
rm out
foreground generate whole --threads 1 --json --sequences 2 -p prompts --ignore-end > out 2> err &
job=$!
until_writes $job out
until_works $job 30
kill -INT $job
code=0
wait $job || code=$?
[ $code -eq 130 ] || die "generate of seven: exit code $code"
[ "$(json out '[o["index"], o["finish"], o["tokens"] > 2]' | paste -sd ' ')" = \
  "[0, 'length', True] [1, 'interrupted', True] [2, 'interrupted', True]" ] ||
  die "what is said of texts that were interrupted"

# A text that has ended is printed although one before it never began: texts begin in an order of
# their own, those with a common prefix one after the other.
printf '{"prompt": "%s", "tokens": %d}\n' 'Hello sea' 3 'moon' 60000 'old' 3 'Hello moon' 3 > prompts
rm out
foreground generate whole --threads 1 --json --sequences 1 -p prompts --ignore-end > out 2> err &
job=$!
until_writes $job out
until_works $job 30
kill -INT $job
code=0
wait $job || code=$?
[ $code -eq 130 ] || die "generate of four: exit code $code"
[ "$(json out '[o["index"], o["finish"]]' | paste -sd ' ')" = \
  "[0, 'length'] [1, 'interrupted'] [3, 'length']" ] ||
  die "a text that had ended after one that never began"

# A long prompt is not read to its end.
printf 'a%.0s' {1..60000} > prompts
for arguments in "generate whole -n 1 -q -p prompts" "logits whole $(cat prompts) -o never"; do
  # shellcheck disable=SC2086
  "$svf" $arguments --threads 1 > out 2> err &
  job=$!
  until_works $job 100
  kill -TERM $job
  code=0
  wait $job || code=$?
  [ $code -eq 130 ] || die "svf ${arguments%% *} of a long prompt: exit code $code"
  [ "$(wc -c < out)" -le 1 ] || die "svf ${arguments%% *}: a text"
  no_temporaries
done
[ ! -e never ] || die "logits of an interrupted job"

# --- perplexity -----------------------------------------------------------------------------------
# Within a window, and while it waits for its input.
head -c 60000 /dev/zero | tr '\0' a > book
foreground perplexity whole book --threads 1 --window 60000 > out 2> err &
job=$!
until_works $job 100
kill -INT $job
code=0
wait $job || code=$?
[ $code -eq 130 ] || die "perplexity interrupted: exit code $code"
[ ! -s out ] && [ "$(cat err)" = "svf perplexity: interrupted" ] || die "perplexity: what it says"
for arguments in "perplexity whole -" "generate whole -p -"; do
  mkfifo input
  # shellcheck disable=SC2086
  "$svf" $arguments < input > out 2> err &
  job=$!
  exec 3> input
  until_waits $job
  kill -TERM $job
  code=0
  wait $job || code=$?
  exec 3>&-
  rm input
  [ $code -eq 143 ] || die "svf $arguments that waits: exit code $code"
done
echo "svf: nothing half is left"
