#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every command of svf and its options, by what they print and write, on a model of 75,000 weights.
# Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model

# The text of a prompt, in the file $1; one thread, where two would only wait for each other.
text() { # file, arguments...
  local file=$1
  shift
  expect 0 generate --threads 1 -q "$@"
  [ ! -s err ] || die "svf generate $*: something on standard error"
  mv out "$file"
}

# The text of a prompt is, or is not, that in the file $1.
same_text() { # file, what they are, arguments...
  text other "${@:3}"
  same "$1" other "$2"
}

other_text() { # file, what they are, arguments...
  text other "${@:3}"
  differ "$1" other "$2"
}

# A file of prompts is refused.
refuses_prompts() { # words, format of printf
  # shellcheck disable=SC2059
  printf "$2" > bad
  fails 4 "$1" generate svf -p bad
}

# --- decompose, info ------------------------------------------------------------------------------
expect 0 decompose model -o svf --json --threads 1
keys_in_help decompose
mv out report
"$PYTHON" -m json.tool report > /dev/null || die "decompose --json is no JSON"
"$PYTHON" -c '
import json
m = json.load(open("report"))["matrices"]
assert len(m) == 14 and all(x["residual"] < 1e-5 and x["r"] == min(x["m"], x["n"]) for x in m)
' || die "decompose: the report"
expect 0 decompose model -o svf
[ ! -s out ] || die "a decomposition that is there already prints something"
expect 0 decompose model -o mlp --layers mlp
expect 0 decompose model -o attn --layers attn
expect 0 decompose model -o rank --rank 7 --bf16
expect 0 decompose model -o energy --energy 0.5
# It is a program of its own, beside svf or in PATH; all else works without it.
mkdir alone
cp "$svf" alone/svf
cp "$(dirname "$svf")/svf-decompose" .
code=0
PATH=/nowhere alone/svf decompose model -o never0 > out 2> err || code=$?
[ $code -eq 1 ] && [ ! -s out ] && [ "$(wc -l < err)" -eq 1 ] && [ ! -e never0 ] &&
  grep -q '^svf decompose: .*svf-decompose.* cannot be run: No such file' err ||
  die "decompose without svf-decompose: exit code $code"
PATH=/nowhere alone/svf info svf > out 2> err || die "info without svf-decompose"
PATH=$PWD alone/svf decompose model -o svf > out 2> err || die "svf-decompose in PATH"
mv svf-decompose alone
PATH=/nowhere alone/svf decompose svf -o never0 > out 2> err || code=$?
[ $code -eq 4 ] && grep -q '^svf decompose: svf: .*only dense' err || die "svf-decompose beside svf"
alone/svf-decompose --help > direct || die "svf-decompose --help"
expect 0 decompose --help
same direct out "svf-decompose --help and svf decompose --help"
for name in model svf mlp attn rank energy; do
  expect 0 info "$name" --json
  keys_in_help info
  mv out "$name.info"
done
[ "$(json model.info '[o["kind"], o["factored"], o["gains"]]')" = "['model', 0, 0]" ] || die "model"
[ "$(json svf.info '[o["schema"], o["factored"], o["gains"]]')" = "[1, 14, 544]" ] || die "svf"
[ "$(json mlp.info 'o["factored"]')" = 6 ] || die "--layers mlp"
[ "$(json attn.info 'o["factored"]')" = 8 ] || die "--layers attn"
[ "$(json rank.info 'o["gains"]')" = $((14 * 7)) ] || die "--rank 7"
gains=$(json energy.info 'o["gains"]')
[ "$gains" -gt 14 ] && [ "$gains" -lt 544 ] || die "--energy 0.5 keeps $gains values"
f32=$(stat -c %s svf/factors-00000.safetensors) bf16=$(stat -c %s rank/factors-00000.safetensors)
[ "$bf16" -lt $((f32 / 4)) ] || die "--rank 7 --bf16 is not smaller"
fingerprint=$(json svf.info 'o["fingerprint"]')
expect 0 info svf
grep -q "fingerprint $fingerprint" out || die "info without the fingerprint"

for i in 1 2; do "$tools/make_expert" svf "e$i" $i; done
"$tools/make_expert" mlp foreign 3
expect 0 info e1
grep -q "belongs to *$fingerprint" out || die "info of an expert"
grep -qxF 'trained        today\x1b[2J\x0az \u202e' out || die "info shows controls of a terminal"
expect 0 info e1 --json
keys_in_help info
[ "$(json out '[o["kind"], o["modules"], o["values"], o["task"]]')" = \
  "['expert', 14, 544, 'a test']" ] || die "info --json of an expert"
[ "$(json out 'o["fingerprint"]')" = "$fingerprint" ] || die "the expert's fingerprint"

# --- generate: the same text however it is made ---------------------------------------------------
text base svf Hello -n 24
[ "$(wc -c < base)" -gt 24 ] || die "no text"
text one svf -e e1 Hello -n 24
text two svf -e e2 Hello -n 24
differ base one "the base model's text and the expert's"
differ one two "the texts of two experts"
same_text one "texts with and without mmap" svf -e e1 Hello -n 24 --no-mmap
same_text base "the base model's text and that of scale 0" svf -e e1 --scale 0 Hello -n 24
other_text one "the texts of scale 1 and 0.5" svf -e e1 --scale 0.5 Hello -n 24
same_text one "an expert's text and that of a mixture of nothing else" svf --mix e1=1,e2=0 \
  Hello -n 24
same_text base "the base model's text and that of the mixture base=1" svf --mix base=1 Hello -n 24
other_text one "the texts of an expert and a mixture" svf --mix e1=0.5,e2=0.5 Hello -n 24
expect 0 generate --threads 2 svf -q -e e1 Hello -n 24
same one out "texts of one and two threads"

# Among others, each line with its own expert; at most two at once.
cat > prompts <<'END'
{"prompt": "Hello", "expert": "e1"}
Hello
{"prompt": "Hello", "mix": "e2=1"}

{"prompt": "Hello", "expert": "e1", "scale": 0, "tokens": 24}
{"prompt": "Hello", "tokens": 3}
END
text short svf Hello -n 3
cat one base two base short > wanted
for sequences in 1 2 8; do
  expect 0 generate --threads 1 svf -p prompts --json -n 24 --sequences $sequences
  json out 'o["text"]' > texts
  same wanted texts "texts alone and $sequences at once"
done
keys_in_help generate
[ "$(json out 'o["finish"]' | sort -u)" = length ] || die "finish"
[ "$(json out 'o["tokens"]' | paste -sd ' ')" = "24 24 24 24 3" ] || die "tokens"
[ "$(json out '[o["schema"], o["prompt"], o["prompt_tokens"]]' | sort -u)" = "[1, 'Hello', 5]" ] ||
  die "the prompt in --json"
[ "$(json out '[o["index"], o["seed"]]' | paste -sd ' ')" = "[0, 0] [1, 0] [2, 0] [3, 0] [4, 0]" ] ||
  die "index and seed"
[ "$(json out '[o["expert"], o["mix"], o["scale"]]' | paste -sd ' ')" = "['e1', None, 1] [None, \
None, 1] [None, 'e2=1', 1] ['e1', None, 0] [None, None, 1]" ] || die "the expert in --json"
grep -q ' tokens in ' err || die "no summary"
"$svf" generate svf -p - -q --threads 1 --json -n 24 < prompts > out 2> err || die "--prompts -"
json out 'o["text"]' > texts
same wanted texts "texts of prompts from a file and from standard input"
expect 0 generate --threads 1 svf -q Hello Hello -n 24
{ echo "== Hello =="; cat base; echo; echo "== Hello =="; cat base; } > wanted
same wanted out "two prompts"
refuses_prompts 'bad: line 1|exclude' '{"prompt": "a", "expert": "e1", "mix": "e2=1"}\n'
refuses_prompts 'bad: line 2|prompt' 'ok\n{"prompt": 1}\n'
refuses_prompts 'bad: line 1|tokens' '{"prompt": "a", "tokens": -1}\n'
refuses_prompts 'bad: line 1|top' '{"prompt": "a", "top": 1}\n'
refuses_prompts 'bad: line 1|JSON' '{"prompt"\n'
: > bad
fails 4 'bad: there is no prompt' generate svf -p bad

refuses_prompts 'bad: line 3: "scale"|"expert"' 'ok\n\n{"prompt": "a", "mix": "e1=1", "scale": 2}\n'
# What only the model can tell.
refuses_prompts 'bad: line 3: |600|512' 'ok\n\n{"prompt": "a", "tokens": 600}\n'
refuses_prompts 'bad: line 1: temperature' '{"prompt": "a", "temperature": -1}\n'
refuses_prompts 'bad: line 2: nowhere' 'a\n{"prompt": "a", "expert": "nowhere"}\n'
refuses_prompts "bad: line 2: foreign: |$fingerprint" 'a\n{"prompt": "a", "expert": "foreign"}\n'
refuses_prompts "bad: line 2: 'e1' is not FILE=NUMBER" 'a\n{"prompt": "a", "mix": "e1"}\n'
refuses_prompts 'bad: line 2: an empty prompt' 'a\n{"prompt": ""}\n'
code=0
"$svf" generate svf -p - < bad > out 2> err || code=$?
[ $code -eq 4 ] && grep -q 'standard input: line 2: ' err || die "an error of standard input"
fails 2 'prompt 2: an empty prompt' generate svf a ''
fails 2 'generate: an empty prompt' generate svf ''

# What has no effect is refused, and named.
fails 2 '--scale|without --expert' generate svf Hello --scale 0.5
fails 2 '--scale|--mix' generate svf Hello --scale 0.5 --mix e1=1
fails 2 '--scale|without --expert' perplexity svf prompts --scale 0.5
fails 2 '--scale|without --expert' logits svf Hello --scale 0.5
fails 2 '--scale|without --expert' merge svf -o never --scale 0.5
fails 2 '--unpaired|without --expert' merge svf -o never --unpaired
fails 2 '--top' logits svf Hello --top 3 -o never
for option in --top-k=3 --top-p=0.5 --min-p=0.5; do
  fails 2 "${option%=*} has no effect|--temperature" generate svf Hello $option
done
for option in --format=f32 --group=32 --no-mmap --verify; do
  fails 2 "e1 is a file|${option%=*}" info e1 $option
done
echo Hello > plain
fails 2 '--scale|without --expert' generate svf -p plain --scale 0.5
expect 0 generate svf --threads 1 -q -p prompts -n 1 --scale 0.5 # some lines have an expert
printf '{"prompt": "Hello", "temperature": 1}\n' > drawn
expect 0 generate svf --threads 1 -q -p drawn -n 1 --top-k 3
misused '--prompts is given twice' generate svf -p prompts -p plain
misused '--expert is given twice' generate svf Hello -e e1 --expert=e2
misused '--mix is given twice' generate svf Hello --mix e1=1 --mix e1=1
expect 0 generate svf Hello -q -q --json --json -n 9 -n 1 --seed 1 --seed 2 -f w8 --format=f32
[ "$(json out '[o["tokens"], o["seed"]]')" = "[1, 2]" ] || die "not the last value"
misused '--tokens=x' generate svf Hello -n x -n 1
expect 0 logits svf Hello -o never -o twice.st
[ -s twice.st ] && [ ! -e never ] || die "not the last --output"

# Sampling: by the seed alone.
text cold svf Hello -n 24 -t 0.9 --seed 5
same_text cold "texts of one seed" svf Hello -n 24 -t 0.9 --seed 5
other_text cold "texts of two seeds" svf Hello -n 24 -t 0.9 --seed 6
expect 0 generate --threads 1 svf -q --json Hi Hello -n 24 -t 0.9 --seed 4
[ "$(json out 'o["seed"]' | paste -sd ' ')" = "4 5" ] || die "seeds of two prompts"
json out 'o["text"]' | tail -n +2 > other
same cold other "the text of a seed, alone and second"
for option in "--top-k 1" "--top-p 0.000001" "--min-p 1"; do
  # shellcheck disable=SC2086
  same_text base "the likeliest text and that of $option" svf Hello -n 24 -t 0.9 --seed 5 $option
done

# The largest seed, which is no integer of JSON, is one as a string.
expect 0 generate --threads 1 svf -q --json Hello -n 24 -t 0.9 --seed 18446744073709551615
mv out wanted
printf '{"prompt": "Hello", "seed": "18446744073709551615"}\n' > large
expect 0 generate --threads 1 svf -q --json -p large -n 24 -t 0.9
same wanted out "texts of the largest seed, as an option and in a file"
for seed in 18446744073709551615 '"18446744073709551616"' '"x"' '""' -1; do
  printf '{"prompt": "Hello", "seed": %s}\n' "$seed" > bad
  fails 4 'bad: line 1|' generate svf -p bad
done

# Where a text ends.
text other svf Hello -n 0
[ "$(wc -c < other)" -eq 1 ] || die "--tokens 0 is not an empty line"
expect 0 generate --threads 1 svf --json -q Hello -n 24
stop=$("$PYTHON" -c '
import json
t = json.load(open("out"))["text"]
print(next(c for c in t if c.isascii() and c.isprintable() and c != " "))') || die "nothing to stop at"
expect 0 generate --threads 1 svf --json -q Hello -n 24 --stop nowhere --stop "$stop"
json out 'o["text"]' > stopped
[ "$(json out '[o["finish"], o["tokens"] < 24]')" = "['stop', True]" ] || die "--stop does not stop"
"$PYTHON" -c '
import sys
whole, stopped = (open(f, newline="\n").read()[:-1] for f in ("base", "stopped"))
assert stopped == whole.split(sys.argv[1])[0]' "$stop" || die "--stop: not the text before it"
# The same where it is a special token, which is not printed but stops the text.
cp -r svf special
"$PYTHON" -c '
import json, sys
t = json.load(open("special/tokenizer.json"))
t["added_tokens"].append({**t["added_tokens"][0], "id": t["model"]["vocab"][sys.argv[1]], "content": sys.argv[1]})
json.dump(t, open("special/tokenizer.json", "w"))' "$stop"
expect 0 generate --threads 1 special --json -q Hello -n 24
json out 'o["text"]' > unstopped
grep -qF -- "$stop" unstopped && die "a special token is printed"
expect 0 generate --threads 1 special --json -q Hello -n 24 --stop "$stop"
[ "$(json out '[o["finish"], o["tokens"] < 24]')" = "['stop', True]" ] || die "--stop: a special token"
json out 'o["text"]' > other
same stopped other "--stop with a special token"
# A tied model with another lm_head: one line says that it is used.
cp -r model untied
"$PYTHON" -c '
import json, struct
data = open("untied/model.safetensors", "rb").read()
n, = struct.unpack("<Q", data[:8])
header, data = json.loads(data[8:8 + n]), data[8 + n:]
shape = header["model.embed_tokens.weight"]["shape"]
size = 4 * shape[0] * shape[1]
header["lm_head.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + size]}
header = json.dumps(header).encode()
open("untied/model.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + data + bytes(size))'
expect 0 generate --threads 1 untied -q Hello -n 4
[ "$(wc -l < err)" -eq 1 ] && grep -q '^svf: untied: .*another lm_head.weight, which is used$' err ||
  die "another lm_head: not a line on standard error"
cp -r svf ends # where the first token of the text is an end token
expect 0 logits svf Hello --top 1 --json
"$PYTHON" - <<'END'
import json
config = json.load(open("ends/config.json"))
config["eos_token_id"] = json.load(open("out"))["positions"][-1]["top"][0]["id"]
json.dump(config, open("ends/config.json", "w"))
END
expect 0 generate --threads 1 ends --json -q Hello -n 24
[ "$(json out '[o["text"], o["tokens"], o["finish"]]')" = "['', 0, 'end']" ] || die "an end token"
expect 0 generate --threads 1 ends --json Hello -n 24
! grep -q 'at once' err || die "a remark on an empty text beside --json"
expect 0 generate --threads 1 ends Hello -n 24
grep -q '^svf generate: the model ended the text at once; .*template' err || die "no word on an empty text"
for prompts in "Hello Hello" "other Hello" "-p plain"; do
  # shellcheck disable=SC2086
  expect 0 generate --threads 1 ends $prompts -n 24
  [ "$(grep -c 'ended the text at once' err)" -eq 1 ] || die "not one word on an empty text: $prompts"
done
expect 0 generate --threads 1 ends Hello -n 24 -q
[ ! -s err ] || die "a remark on an empty text although -q"
expect 0 generate --threads 1 ends Hello -n 0
! grep -q 'at once' err || die "a remark on an empty text that was asked for"
same_text base "texts without an end token and with --ignore-end" ends Hello -n 24 --ignore-end

# Special tokens that are spelled out: one token, or text.
expect 0 generate --threads 1 svf --json -q 'a<|end|>' -n 1
[ "$(json out 'o["prompt_tokens"]')" = 2 ] || die "a special token is not one token"
expect 0 generate --threads 1 svf --json -q 'a<|end|>' -n 1 --plain
[ "$(json out 'o["prompt_tokens"]')" = 8 ] || die "--plain does not spell out"
# JSON whatever a prompt holds.
expect 0 generate --threads 1 svf --json -q $'"\\\n\x01' -n 1
[ "$(json out 'ascii(o["prompt"])')" = "'\"\\\\\\n\\x01'" ] || die "escapes"
cp e1 $'\xff"\\\n\x01\xe2\x82' # the name of a file need not be UTF-8
expect 0 generate --threads 1 svf --json -q Hello -n 1 -e $'\xff"\\\n\x01\xe2\x82'
[ "$(json out 'ascii(o["expert"])')" = "'\\ufffd\"\\\\\\n\\x01\\ufffd'" ] || die "escapes of a name"

# --- Wrong pairs ----------------------------------------------------------------------------------
other=$(json mlp.info 'o["fingerprint"]')
for expert in "-e foreign" "--mix base=0.5,foreign=0.5"; do
  # shellcheck disable=SC2086
  fails 2 "foreign: |$fingerprint|$other" generate svf $expert Hello
done
fails 2 "foreign: |$fingerprint|$other" perplexity svf prompts -e foreign
fails 2 "foreign: |$fingerprint|$other" logits svf Hello -e foreign
fails 2 "foreign: |$fingerprint|$other" merge svf -o never -e foreign
[ ! -e never ] || die "a refused merge made something"
other_text base "the base model's text and that of another model's expert" svf -e foreign \
  --unpaired Hello -n 24
fails 2 'dense|svf decompose' generate model -e e1 Hello

# --- pack -----------------------------------------------------------------------------------------
expect 2 info nothing --format none
IFS=', ' read -ra formats <<< "$(sed -n 's/.*known are //p' err)"
[ ${#formats[@]} -ge 8 ] || die "only ${#formats[@]} formats are known"
for format in "${formats[@]}"; do
  expect 0 pack svf -o "$format" -f $format --threads 1
  grep -qE "^$format: [0-9.]+ MB\$" out || die "pack does not say what it made"
  expect 0 info "$format" --json
  [ "$(json out '[o["packed"], o["format"]]')" = "[15, '$format']" ] || die "info: $format"
  text packed "$format" -e e1 Hello -n 24
  same_text packed "texts of a $format model packed and not" svf -f $format -e e1 Hello -n 24
done
text packed f32 -e e1 Hello -n 24
same one packed "texts of the model and its f32 pack"
for group in 32 64 128; do
  expect 0 pack svf -o "g$group" -f w4 --group $group --json
  keys_in_help pack
  json out 'o["file_bytes"]' > "g$group.bytes"
  [ "$(json out '[o["schema"], o["path"]]')" = "[1, 'g$group']" ] || die "pack --json"
  [ "$(stat -c %s "g$group/model.safetensors")" = "$(cat "g$group.bytes")" ] || die "file_bytes"
  text packed "g$group" Hello -n 24
  same_text packed "texts of groups of $group packed and not" svf -f w4 --group $group Hello -n 24
done
[ "$(cat g32.bytes)" -gt "$(cat g128.bytes)" ] || die "groups of 32 are not larger"
expect 0 pack model -o dense -f f32
text packed dense Hello -n 24
same_text packed "texts of the dense model packed and not" model Hello -n 24
# Checksums: of damaged weights each tensor is named, of whole ones their number.
expect 0 info w4 --verify
grep -qxE 'verified +all 15 packed layers' out || die "--verify does not say what it did"
for format in "${formats[@]}"; do
  expect 0 info $format --verify --json
  [ "$(json out 'o["verified"]')" = 15 ] || die "--verify --json of $format"
done
keys_in_help info
damaged() { # format, place in the tensor from 0 to 1, layers...
  rm -rf damaged
  cp -r "$1" damaged
  "$PYTHON" - "${@:2}" <<'END'
import json, sys
data = bytearray(open("damaged/model.safetensors", "rb").read())
n = int.from_bytes(data[:8], "little")
header = json.loads(data[8:8 + n])
for layer in sys.argv[2:]:
    begin, end = (8 + n + x for x in header[layer + ".packed"]["data_offsets"])
    data[min(begin + int(float(sys.argv[1]) * (end - begin)), end - 1)] ^= 4
open("damaged/model.safetensors", "wb").write(data)
END
  expect 0 generate damaged Hello -n 1 --threads 1 # nothing else reads every byte to compare it
  expect 1 info damaged --verify
  [ ! -s out ] || die "info --verify describes a damaged model"
  [ "$(wc -l < err)" -eq $(($# - 1)) ] || die "info --verify: not a line for each layer"
  for layer in "${@:3}"; do
    grep -qF "svf info: damaged/model.safetensors: '$layer.packed': block: checksum is " err ||
      die "info --verify does not name $layer"
  done
  grep -qF "svf info: damaged: $(($# - 2)) of 15 packed layers are damaged" err || die "info --verify: the sum"
  [ "$(grep -c "'.*packed'" err)" -eq $(($# - 2)) ] || die "info --verify names others"
}
damaged w4 0.5 model.layers.0.mlp.up_proj
damaged bf16 1 lm_head
damaged w84 0.9 model.layers.1.self_attn.q_proj model.layers.1.mlp.down_proj lm_head
for dir in model svf; do fails 2 "$dir: --verify has no effect|no layer is packed" info $dir --verify; done
misused '--group=7: must be 32, 64 or 128' pack svf -o never1 -f w4 --group 7
fails 2 '--group=64 has no effect|s8|w8, w4, w84' pack svf -o never1 -f s8 --group 64
fails 2 '--bits=4 has no effect|s8|--format w84' pack svf -o never2 -f s8 --bits 4
fails 2 "q_proj|3 bits are too few" pack svf -o never3 -f w84 --bits 3
fails 4 'w4: |packed already' pack w4 -o never3
for command in "info w4" "generate w4 Hello" "logits w4 Hello" "perplexity w4 prompts"; do
  # shellcheck disable=SC2086
  fails 2 'w4: --format has no effect|packed as w4' $command -f w8
  # shellcheck disable=SC2086
  fails 2 'w4: --format' $command -f f32
  # shellcheck disable=SC2086
  fails 2 'w4: --group has no effect|packed as w4' $command --group 64
  # shellcheck disable=SC2086
  expect 0 $command -f w4 --group 32
done
expect 0 pack mlp -o mlp84 -f w84 # dense layers are w4 in it
expect 0 info mlp84 -f w84
fails 2 'mlp84: --format' info mlp84 -f w8
fails 2 'w4|already' pack svf -o w4
fails 2 'svf is the model itself' pack svf -o svf

# --- merge ----------------------------------------------------------------------------------------
expect 0 merge svf -o merged -e e1
grep -q '^merged: ' out || die "merge does not say what it made"
same_text one "texts of an expert and of the model it is merged into" merged Hello -n 24
expect 0 merge svf -o merged16 --mix e1=0.5,e2=0.5 --bf16 --json
keys_in_help merge
[ "$(json out 'o["path"]')" = merged16 ] || die "merge --json"
[ "$(stat -c %s merged16/model.safetensors)" -lt "$(stat -c %s merged/model.safetensors)" ] ||
  die "--bf16 is not smaller"
expect 0 info merged16
expect 0 merge svf -o base-merged --threads 2
same_text base "texts of the base model and of it merged without an expert" base-merged Hello -n 24
fails 2 'merged/|already' merge svf -o merged
fails 2 'no layer|in factors' merge model -o never4
fails 4 'w4: |packed' merge w4 -o never4

# --- perplexity, logits ---------------------------------------------------------------------------
cp "$source/LICENSE" book
expect 0 perplexity svf book --threads 1 --json --window 64
keys_in_help perplexity
[ "$(json out 'o["schema"] == 1 and 100 < o["perplexity"] < 1000 and o["bits_per_byte"] > 0')" = \
  True ] || die "perplexity of random weights over 257 tokens"
bytes=$(wc -c < book)
[ "$(json out 'o["tokens"]')" = $((bytes - (bytes + 63) / 64)) ] || die "tokens predicted"
json out '"%.4f" % o["perplexity"]' > base.ppl
# A token of the book is a byte: of each window all bytes but the first one are predicted. With a
# token before the text, as BOS is, the first byte of the text is predicted, too.
grep -qP '[^\x00-\x7f]' book && die "the book is not ASCII"
for window in 2 64; do
  expect 0 perplexity svf book --threads 1 --json --window $window
  [ "$(json out 'abs(o["bits_per_byte"] - o["nll"] / __import__("math").log(2)) < 1e-6')" = True ] ||
    die "bits per byte in windows of $window"
done
bits() { # model, bytes that are predicted
  expect 0 perplexity "$1" text --threads 1 --json --window 3
  [ "$(json out 'abs(o["bits_per_byte"] * '"$2"' - o["tokens"] * o["nll"] / __import__("math").log(2)) \
< 1e-4')" = True ] || die "bits per byte of $1: not of $2 bytes"
}
printf '\xe2\x82\xacuro, \xc3\xa4' > text # windows e2 82 ac, 75 72 6f, 2c 20 c3, a4
bits svf 6
cp -r svf bos
"$PYTHON" - <<'END'
import json
t = json.load(open("bos/tokenizer.json"))
end = {"SpecialToken": {"id": "<|end|>", "type_id": 0}}
t["post_processor"] = {"type": "TemplateProcessing", "single": [end, {"Sequence": {"id": "A", "type_id": 0}}],
  "pair": [end, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
  "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [256], "tokens": ["<|end|>"]}}}
json.dump(t, open("bos/tokenizer.json", "w"))
END
bits bos 6 # windows BOS e2 82, ac 75 72, 6f 2c 20, c3 a4
for arguments in "w84 book --window 64" "svf book --window 64 -e e1" "svf book --window 32"; do
  # shellcheck disable=SC2086
  expect 0 perplexity --threads 1 --json $arguments
  json out '"%.4f" % o["perplexity"]' > other.ppl
  differ base.ppl other.ppl "perplexities of svf book and $arguments"
done
expect 0 perplexity svf book --threads 1 --window 64 -e e1 --scale 0
grep -q "^perplexity $(cat base.ppl) " out || die "perplexity at scale 0 is not that of the base"
printf a > one-token
fails 4 'one-token|two tokens' perplexity svf one-token
"$svf" perplexity svf - --threads 1 --window 64 < book > out 2> err || die "perplexity -"
grep -q "^perplexity $(cat base.ppl) " out || die "perplexity of a text from standard input"
fails 4 'standard input|two tokens' perplexity svf -

expect 0 logits svf Hello -o logits.st
[ ! -s out ] || die "logits -o prints too"
"$PYTHON" - <<'END' || die "the logits' file"
import json, struct
f = open("logits.st", "rb").read()
n = struct.unpack("<Q", f[:8])[0]
h = json.loads(f[8:8 + n])
assert h["logits"]["shape"] == [5, 257] and h["logits"]["dtype"] == "F32"
a, b = h["tokens"]["data_offsets"]
assert struct.unpack("<5i", f[8 + n + a:8 + n + b]) == tuple(b"Hello"), "tokens"
a, b = h["logits"]["data_offsets"]
rows = struct.unpack("<%df" % (5 * 257), f[8 + n + a:8 + n + b])
json.dump([max(rows[i * 257:(i + 1) * 257]) for i in range(5)], open("best", "w"))
END
expect 0 logits svf Hello --top 3 --json
keys_in_help logits
"$PYTHON" - <<'END' || die "logits --json"
import json
o, best = json.load(open("out")), json.load(open("best"))
assert o["schema"] == 1 and [p["token"] for p in o["positions"]] == list(b"Hello")
for p, b in zip(o["positions"], best):
    top = [t["logit"] for t in p["top"]]
    assert len(top) == 3 and top == sorted(top, reverse=True) and abs(top[0] - b) < 1e-5
END
expect 0 logits svf Hello --top 1
[ "$(wc -l < out)" -eq 5 ] || die "not one line per token"

# --- Usage, files, output -------------------------------------------------------------------------
expect 0 --version
grep -qE '^svf [0-9]+\.[0-9]+\.[0-9]+$' out || die "--version"
expect 0 --help
grep -q '^example:' out || die "--help has no example"
for command in info decompose pack generate perplexity logits merge; do
  expect 0 help $command
  mv out help
  expect 0 $command --help
  same help out "svf help $command and svf $command --help"
  grep -q '^examples\?:' out || die "$command --help has no example"
  misused "--nonsense" $command --nonsense
  misused "Usage: svf $command" $command
done
misused 'no command' frobnicate
misused 'no command' help frobnicate
misused 'usage: svf COMMAND'
misused '-o DIR is missing' pack svf
misused 'stray' pack svf stray -o never
fails 2 'exclude' generate svf -e e1 --mix e2=1 Hello
fails 2 'no prompt' generate svf
misused 'known are' info svf -f q4_0
misused '--rank' decompose model -o never5 --rank 0
misused '--energy' decompose model -o never5 --energy 1.5
misused '--layers' decompose model -o never5 --layers head
misused '--window' perplexity svf book --window 1
misused '--top' logits svf Hello --top 0
SVF_ISA=nonsense fails 2 'SVF_ISA' info svf
SVF_ISA=ref same_text one "texts of two instruction sets" svf -e e1 Hello -n 24

fails 4 'nowhere' info nowhere
fails 4 'nowhere' decompose nowhere -o never6
fails 4 'book' info book
fails 4 'nowhere' generate svf -e nowhere Hello
fails 4 'nowhere' generate svf -p nowhere
fails 4 'nowhere' perplexity svf nowhere
fails 4 'svf: |only dense' decompose svf -o never7
fails 2 'mlp|already' decompose model -o mlp
fails 2 '600' generate svf Hello -n 600
fails 2 '512' generate svf Hello -n 18446744073709551615
fails 2 'temperature' generate svf Hello -t -1
fails 2 'alpha is 0' generate svf Hello --mix e1=0,e2=0
fails 2 'e1=x' generate svf Hello --mix e1=x
fails 2 "--mix|'=0.5'|empty" generate svf Hello --mix e1=0.5,=0.5
fails 2 '600 tokens|512' logits svf "$(printf 'a%.0s' {1..600})"
fails 2 'model itself' merge svf -o svf
# A model of another kind, or with parts that are not known or no numbers, is a bad file.
edited() { # new model, file of it, Python statement about its object o
  rm -rf "$1"
  cp -r model "$1"
  "$PYTHON" -c '
import json, sys
o = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(o, open(sys.argv[1], "w"))' "$1/$2" "$3"
}
edited other config.json 'o["architectures"] = ["GPT2LMHeadModel"]'
for command in "info other" "generate other Hello" "logits other Hello" "perplexity other book" \
  "decompose other -o never8" "pack other -o never8" "merge other -o never8"; do
  # shellcheck disable=SC2086
  fails 4 'GPT2LMHeadModel' $command
done
edited other config.json 'o["hidden_size"] = -1'
fails 4 'hidden_size' info other
edited other tokenizer.json 'o["model"]["type"] = "Unigram"'
fails 4 'Unigram' generate other Hello
edited other config.json 'pass'
"$PYTHON" -c '
data = bytearray(open("other/model.safetensors", "rb").read())
data[-4:] = b"\xff\xff\xff\xff"
at = int.from_bytes(data[:8], "little") + 8
data[at:] = b"\xff" * (len(data) - at)
open("other/model.safetensors", "wb").write(data)'
fails 4 'NaN' generate other Hello
fails 4 'NaN' decompose other -o never9
fails 4 'NaN' pack other -o never10
# Numbers that overflow where the weights do not: an error, or null; never JSON that is none.
scaled() { # new model, factor of the last norm
  rm -rf "$1"
  cp -r model "$1"
  "$PYTHON" -c '
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
n = int.from_bytes(data[:8], "little")
t = json.loads(data[8:8 + n])["model.norm.weight"]
a, b = (8 + n + x for x in t["data_offsets"])
count = t["shape"][0]
for i in range(a, b, (b - a) // count):
    if t["dtype"] == "F32":
        data[i:i + 4] = struct.pack("<f", float(sys.argv[2]))
    else:
        data[i:i + 2] = struct.pack("<f", float(sys.argv[2]))[2:]
open(sys.argv[1], "wb").write(data)' "$1/model.safetensors" "$2"
}
scaled other 3e38
for command in "generate other Hello --json" "logits other Hello" "logits other Hello --json" \
  "logits other Hello -o never12" "perplexity other book" "perplexity other book --json"; do
  # shellcheck disable=SC2086
  fails 4 'logit' $command
done
[ ! -e never12 ] || die "logits that are no numbers were written"
printf '\n\nHello\n' > third
fails 4 'svf generate: third: line 3: the logit' generate other -p third
fails 4 'svf generate: prompt 1: the logit' generate other Hello World
fails 4 'svf generate: the logit' generate other Hello
fails 4 'svf perplexity: book: token 2: the logit' perplexity other book
scaled other 1e6
expect 0 perplexity other book --threads 1 --json
[ "$(json out '[o["perplexity"], 700 < o["nll"] < 1e9]')" = "[None, True]" ] || die "no null"
expect 0 perplexity other book --threads 1
rm mlp/tokenizer.json
fails 4 'mlp/tokenizer.json' generate mlp Hello
mkdir small
cp "$source"/tests/golden/llama2/{config.json,model.safetensors} small
cp model/tokenizer.json small
for command in generate logits; do
  fails 4 'belongs to another model' $command small ü
done
truncate -s 5000 merged/model.safetensors
fails 4 'merged/model.safetensors' info merged

expect 0 decompose model -o svf # says nothing: there is nothing to fail
for arguments in "info svf" "info e1 --json" "generate svf Hello -n 4" "logits svf a" --help \
  "generate svf a b -n 4" "perplexity svf prompts" "pack svf -o full" "info --help"; do
  rm -rf full
  for closed in '> /dev/full' '>&-'; do
    code=0
    eval "\"\$svf\" $arguments 2> err $closed" || code=$?
    [ $code -eq 1 ] || die "svf $arguments $closed: exit code $code, expected 1"
    grep -q 'standard output cannot be written' err || die "svf $arguments $closed: no message"
    rm -rf full
  done
done
[ -z "$(find . -name '*.tmp')" ] || die "temporary files are left"
echo "svf: every command as expected"
