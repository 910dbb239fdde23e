#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Messages that name the cause and the way out: lines of prompts, options, mixtures, files of another
# kind, experts of other factors. Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model
expect 0 decompose model -o svf --threads 1
for i in 1 2; do "$tools/make_expert" svf "e$i" $i; done

# --- Lines of JSON --------------------------------------------------------------------------------
line() { # words, line
  printf 'first\n%b\n' "$2" > lines
  fails 4 "lines: line 2: |$1" generate svf -p lines --threads 1
}
line '"promt" is no key|"prompt"' '{"promt": "a"}'
line '"sede" is no key|"seed"' '{"prompt": "a", "sede": 1}'
line '"max_tokens" is no key|"tokens"' '{"prompt": "a", "max_tokens": 1}'
line '"temp" is no key|"temperature"' '{"prompt": "a", "temp": 1}'
line '"frequency" is no key|known are prompt, expert' '{"prompt": "a", "frequency": 1}'
line '"\u001B[31m\u202Ex" is no key|known are prompt' '{"prompt": "a", "\\u001b[31m\\u202ex": 1}'
line '"prompt" is missing' '{"expert": "e1"}'
line '"prompt" must be a string, not 1' '{"prompt": 1}'
line '"tokens" must be a whole number|not "5"' '{"prompt": "a", "tokens": "5"}'
line '"top_k" must be a whole number|not 1.5' '{"prompt": "a", "top_k": 1.5}'
for key in expert mix; do
  line "\"$key\" must be a string|, not \"\"" "{\"prompt\": \"a\", \"$key\": \"\"}"
  line "\"$key\" must be a string|, not 1" "{\"prompt\": \"a\", \"$key\": 1}"
done
line '"prompt" must be a string, not null' '{"prompt": null}'
line '"seed" must be a whole number|not null' '{"prompt": "a", "seed": null}'
line 'a seed from 2^63 on must be a string' '{"prompt": "a", "seed": 9223372036854775808}'
# What is long ends in dots.
long=$(printf 'a%.0s' {1..400})
line "not \"aaa|...|aaa..." "{\"prompt\": \"a\", \"tokens\": \"$long\"}"
line "'aaa|aaa...' is not FILE=NUMBER|aaa...=0.7'; for one expert alone use --expert" \
  "{\"prompt\": \"a\", \"mix\": \"$long\"}"
printf '{"prompt": "a", "expert": null, "mix": null}\n' > lines
expect 0 generate svf -p lines -e e1 -n 1 --json
[ "$(json out '[o["expert"], o["mix"]]')" = "['e1', None]" ] || die "null beside --expert"
printf '{"prompt": "a", "expert": null, "mix": "e2=1"}\n' > lines
expect 0 generate svf -p lines -e e1 -n 1 --json
[ "$(json out '[o["expert"], o["mix"]]')" = "[None, 'e2=1']" ] || die "null beside mix"

# --- Texts that are not UTF-8 ---------------------------------------------------------------------
line 'byte 2 is not UTF-8' 'a\xff'
line 'byte 3 is NUL' 'ab\0c'
printf '\xff\xfea\0\n\0' > utf16
fails 4 'utf16: line 1: byte 1 is not UTF-8; this seems to be UTF-16' generate svf -p utf16
fails 4 'utf16: byte 1 is not UTF-8; this seems to be UTF-16' perplexity svf utf16
printf 'a\0b\0' > utf16
fails 4 'utf16: byte 2 is NUL; this seems to be UTF-16' perplexity svf utf16
printf 'one\ntwo \xe2\x82' > half
fails 4 'half: byte 9 is not UTF-8' perplexity svf half
grep -q UTF-16 err && die "UTF-16 is seen in other bytes"
for command in generate logits; do
  fails 2 'the prompt: byte 6 is not UTF-8' $command svf $'Hello\xff'
  fails 2 "the prompt is '-'|-p -" $command svf -
done
fails 2 'prompt 2: the prompt: byte 1 is not UTF-8' generate svf Hello $'\xc3'
fails 2 "prompt 1: the prompt is '-'" generate svf - Hello
fails 2 "there is no prompt|'-p -'" generate svf
misused 'must be 1 to 16 texts in UTF-8' generate svf Hello --stop $'\xff'
line '"scale" must be a number|not [1]' '{"prompt": "a", "expert": "e1", "scale": [1]}'
line '"top_p" must be a number above 0, at most 1, not 0' \
  '{"prompt": "a", "top_p": 0, "temperature": 1}'
for key in '"top_k": 3' '"top_p": 0.5' '"min_p": 0.5'; do
  line "${key%:*} has no effect at \"temperature\" 0" "{\"prompt\": \"a\", $key}"
done
line 'JSON' '{"prompt": '
line 'JSON' '  {"prompt": "a",}'
line 'JSON' '\0357\0273\0277{prompt}'
line 'JSON' '\t{"prompt": "a"} b'
# A mark or white space before an object changes nothing; a mark is no part of a prompt.
for before in '' ' ' '\t  ' '\xef\xbb\xbf' '\xef\xbb\xbf \t'; do
  # shellcheck disable=SC2059
  printf "$before"'{"prompt": "Hi", "expert": "e1", "seed": 7, "tokens": 2}\r\n' > lines
  expect 0 generate svf -p lines --json -q --threads 1
  [ "$(json out '[o["prompt"], o["expert"], o["seed"], o["tokens"]]')" = "['Hi', 'e1', 7, 2]" ] ||
    die "an object after '$before'"
done
printf '\xef\xbb\xbfHi\n  Hi\n' > lines
expect 0 generate svf -p lines --json -q -n 1 --threads 1
[ "$(json out 'o["prompt"]' | paste -sd '|')" = 'Hi|  Hi' ] || die "prompts after a mark and blanks"
# The help names every key that a line may have.
expect 0 help generate
for key in prompt expert mix scale tokens seed temperature top_k top_p min_p; do
  sed -n '/^--prompts: /,/^$/p' out | grep -qw $key || die "help generate lacks the key $key"
done

# --- Options --------------------------------------------------------------------------------------
fails 2 '--bits=5 has no effect|f32|--format w84' pack svf -o never --bits 5
fails 2 '--bits=5 has no effect|w4|--format w84' pack svf -o never --bits 5 -f w4
fails 2 'model: --bits has no effect|no layer is in factors' pack model -o never -f w84 --bits 5
fails 2 '--group=64 has no effect|f32|w8' pack svf -o never --group 64
fails 2 '--group=64 has no effect|bf16|w8' generate svf Hello --group 64 -f bf16
fails 2 '--group=64 has no effect|f32|w8' info svf --group 64
fails 2 '--json has no effect|--output' logits svf Hello --json -o never
misused 'top-p=0: must be more than 0' generate svf Hello -t 1 --top-p 0
misused 'top-p=1.5: must be' generate svf Hello -t 1 --top-p 1.5
misused 'threads' info svf --threads 2
misused 'tokens=x: must be a whole number' generate svf Hello -n x
misused 'tokens=-4: must be a whole number, 0 or more' generate svf Hello -n -4
misused 'rank=1e3: must be a whole number' decompose model -o never --rank 1e3
misused 'sequences=2x: must be a whole number' generate svf Hello --sequences 2x
misused 'sequences=0: must be 1 or more' generate svf Hello --sequences 0
for threads in abc -1 4097 1e3; do
  misused "threads=$threads: must be a whole number, 0 to 4096" generate svf Hello --threads $threads
done
expect 0 generate svf Hello --threads 0 -n 1
misused 'window=1: must be a whole number, 2 or more' perplexity svf lines --window 1
misused 'top=x: must be a whole number, 1 to 100' logits svf Hello --top x
misused 'seed=-1: must be a whole number, 0 or more and below 2^64' generate svf Hello --seed -1
misused 'svf generate: MODEL is missing' generate
misused 'svf perplexity: MODEL is missing' perplexity
misused 'svf perplexity: FILE is missing' perplexity svf
misused 'svf logits: PROMPT is missing' logits svf
misused 'svf info: MODEL|EXPERT is missing' info
misused 'svf decompose: MODEL is missing' decompose
misused 'group=7: must be 32, 64 or 128' pack svf -o never -f w4 --group 7
misused 'rank=0: must be 1 or more' decompose model -o never --rank 0
misused 'layers=x: must be mlp' decompose model -o never --layers x
expect 0 generate svf Hello -n 1 --seed 3 --threads 1
grep -q -- '--seed has no effect at temperature 0' err || die "--seed without --temperature"
expect 0 generate svf Hello -n 1 --seed 3 --threads 1 -q -t 1
[ ! -s err ] || die "--seed with --temperature"
seeded() { # the line that the remark names, or nothing; lines...
  printf '%s\n' "${@:2}" > lines
  expect 0 generate svf -p lines -n 1 --threads 1
  [ "$(grep -F seed err)" = "${1:+svf generate: lines: line $1: \"seed\" has no effect at \"temperature\" 0}" ] ||
    die "the remark on seeds of lines"
  for option in --quiet --json; do
    expect 0 generate svf -p lines -n 1 --threads 1 $option
    ! grep -q 'no effect' err || die "a remark on seeds of lines with $option"
  done
}
seeded 1 '{"prompt": "a", "seed": 1}' '{"prompt": "a", "seed": 2}'
seeded 3 a '{"prompt": "a", "seed": 1, "temperature": 1}' '{"prompt": "a", "seed": "0"}'
seeded 2 '{"prompt": "a"}' '{"prompt": "a", "seed": 1, "temperature": 0}'
seeded '' '{"prompt": "a", "seed": 1, "temperature": 0.5}' '{"prompt": "a"}'
expect 0 generate svf -p lines -n 1 -t 1 --threads 1
! grep -q 'no effect' err || die "a remark on seeds of lines with --temperature"
[ ! -e never ] || die "wrong usage made something"

# The least bits that are named are enough, and a hundredth less is not.
for group in 32 64 128; do
  fails 2 'q_proj|2 bits are too few|at least' pack svf -o never -f w84 --bits 2 --group $group
  least=$(sed 's/.*at least \([0-9.]*\) .*/\1/' err)
  expect 0 pack svf -o "least$group" -f w84 --bits "$least" --group $group
  less=$("$PYTHON" -c "print(round($least - 0.01, 2))")
  fails 2 "$less bits are too few|at least $least" pack svf -o never -f w84 --bits "$less" \
    --group $group
done

# What a pack came to, and what has little effect.
says() { # words separated by |, arguments...
  local words word
  IFS='|' read -ra words <<< "$1"
  shift
  rm -rf made
  expect 0 "$@"
  for word in "${words[@]}"; do
    grep -qF -- "$word" err || die "svf $*: standard error lacks '$word'"
  done
  rm -rf made
  expect 0 "$@" -q
  [ ! -s err ] || die "svf $* -q: something on standard error"
}
silent() { # word, arguments...
  rm -rf made
  expect 0 "${@:2}"
  ! grep -qF -- "$1" err || die "svf ${*:2}: standard error has '$1'"
}
says 'svf pack: packed as f32, |bits a weight: see --format' pack svf -o made
says 'svf pack: packed as w8, ' pack svf -o made -f w8
silent see pack svf -o made -f w8
silent dense pack svf -o made -f w8
says 'packed as w84, |; dense layers are w4' pack model -o made -f w84
says '--bits=60 is more than any layer can use, which is ' pack svf -o made -f w84 --bits 60
silent --bits pack svf -o made -f w84 --bits 14
for format in bf16 s8; do
  words="the format $format loses a good part of what an expert changes: w8 keeps it"
  says "svf pack: $words" pack svf -o made -f $format
  silent loses pack model -o made -f $format
  says "svf generate: $words" generate svf -f $format -e e1 Hello -n 1
  says "svf perplexity: $words" perplexity svf lines -f $format --mix e1=1
  says "svf logits: $words" logits svf Hello -f $format -e e1
  silent loses logits svf Hello -f $format
  silent loses generate svf Hello -f $format -n 1
  expect 0 pack svf -o $format -f $format -q
  says "svf generate: $words" generate $format -e e1 Hello -n 1
done
for format in f32 bf16-split s8-split w8 w4 w84; do
  silent loses logits svf Hello -f $format -e e1
done

# --- Mixtures -------------------------------------------------------------------------------------
fails 2 "'e1' is not FILE=NUMBER|'e1=0.7'|--expert" generate svf Hello --mix e1
fails 2 "'e2' is not FILE=NUMBER|--expert" generate svf Hello --mix e1=1,e2
fails 2 "'e1=x' is not FILE=NUMBER|'x' is no number" generate svf Hello --mix e1=x
fails 2 '0' generate svf Hello --mix e1=0
fails 2 'add up to -1' generate svf Hello --mix e1=-1
fails 2 'add up to 0' generate svf Hello --mix e1=-1,e2=1
fails 2 'add up to -0.5' merge svf -o never --mix base=0.5,e2=-1
fails 2 '--mix is empty' generate svf Hello --mix ''
for mix in e1=1, ,e1=1 e1=1,,e2=1; do
  fails 2 'a part is empty|a comma too many' generate svf Hello --mix $mix
done
fails 2 "before '=1' is empty" generate svf Hello --mix =1
expect 0 generate svf Hello -n 1 --threads 1 --mix base=2,e1=-1

# --- Commands and tools ---------------------------------------------------------------------------
expect 2 help nope
[ "$(wc -l < err)" -eq 8 ] && [ "$(head -1 err)" = "svf: there is no command 'nope'; there are" ] ||
  die "svf help nope"
for word in gen:generate genrate:generate perp:perplexity logit:logits inof:info; do
  expect 2 "${word%:*}"
  [ "$(head -1 err)" = "svf: there is no command '${word%:*}'; is '${word#*:}' meant? There are" ] ||
    die "svf ${word%:*}"
done
expect 0 help help
mv out help
expect 0 help
same help out "svf help and svf help help"
expect 0 --version
mv out version
for word in -V version; do
  expect 0 $word
  same version out "svf --version and svf $word"
done
expect 2 help nope
for command in info decompose pack generate perplexity logits merge; do
  grep -q "^  $command " err || die "svf help nope does not list $command"
done
misused "'pack' has no effect" help info pack
for tool in make_model make_expert; do
  code=0
  "$tools/$tool" > out 2> err || code=$?
  [ $code -eq 2 ] && grep -q "^usage: $tool " err || die "$tool without arguments"
done

says_usage() { # words, command...
  code=0
  "${@:2}" > out 2> err || code=$?
  [ $code -eq 2 ] && [ ! -s out ] && [ "$(wc -l < err)" -eq 1 ] && grep -qF -- "$1" err ||
    die "${*:2}: exit code $code"
}
says_usage 'usage: binding.py MODEL_LIBRARY' "$PYTHON" "$source/tests/abi/binding.py"
says_usage 'no build directory nowhere/at/all' "$source/ci/demo" nowhere/at/all
mkdir -p built/{src,tests}
says_usage 'built lacks src/svf: ' "$source/ci/demo" --remove "$PWD/built"
ln -s "$svf" built/src/svf
says_usage 'built lacks tests/make_model: build with -DSVF_BUILD_TESTS=ON' "$source/ci/demo" "$PWD/built"

# --- Files of another kind ------------------------------------------------------------------------
lfs='version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 13\n'
kind() { # words, content
  local file words=$1
  for file in model.safetensors config.json tokenizer.json; do
    rm -rf other
    cp -r model other
    printf '%b' "$2" > other/$file
    fails 4 "$file: |$words" generate other Hello
  done
  fails 4 "tokenizer.json: |$words" generate svf Hello -e other/tokenizer.json
  fails 4 "tokenizer.json: |$words" info other/tokenizer.json
}
kind 'Git LFS|git lfs pull' "$lfs"
kind 'Git LFS|git lfs pull' 'version https://git-lfs.github.com/spec/v1\r\noid sha256:4d7a\r\nsize 13\r\n'
kind 'Git LFS|git lfs pull' '\0357\0273\0277version https://git-lfs.github.com/spec/v1\next-0-a sha256:1\n'
kind 'HTML page' '<!DOCTYPE html>\n<html>'
kind 'HTML page' '\n <HTML><head>'
kind 'HTML page' '\0357\0273\0277<!doctype HTML>'
kind 'GGUF' 'GGUF\03\0\0\0\02\0\0\0\0\0\0\0'
kind 'GGUF' 'GGUF\01\0\0\0\0\0\0\0'
kind 'GGUF' 'GGUF\0\0\0\03\0\0\0\0' # big-endian
kind 'PyTorch' 'PK\03\04\0\0\0\0\0\0\0\0'
kind 'PyTorch' 'PK\03\04\024\0archive/data.pkl'
kind 'PyTorch' 'PK\03\04'
for content in 'hello, world, this is text' 'short' '' '\0200\02}q\0(X\0\0\0\0' '\0\0\0\0\0\0\0\0\0\0'; do
  rm -rf other
  cp -r model other
  printf '%b' "$content" > other/model.safetensors
  fails 4 'other/model.safetensors: |not a safetensors file' info other
  fails 4 'other/model.safetensors: |not a safetensors file' generate svf Hello \
    -e other/model.safetensors
done
for command in "generate e1 Hello" "logits e1 Hello" "perplexity e1 book" "decompose e1 -o never" \
  "pack e1 -o never" "merge e1 -o never"; do
  echo Hello > book
  # shellcheck disable=SC2086
  fails 4 'e1: |this is a file|a directory with config.json' $command
done
printf 'GGUF\03\0\0\0' > model.gguf
fails 4 'model.gguf: is a GGUF file' generate model.gguf Hello
fails 4 'model.gguf: is a GGUF file' pack model.gguf -o never

# A directory of such files, with a configuration and without.
foreign() { # words, files...
  rm -rf other
  mkdir other
  touch "${@:2}"
  for command in "info other" "generate other Hello" "perplexity other book" "decompose other -o never" \
    "pack other -o never"; do
    # shellcheck disable=SC2086
    fails 4 "other: has no safetensors, but |$1|config.json and *.safetensors" $command
  done
  cp model/{config,tokenizer}.json other
  fails 4 "other: has no safetensors, but |$1" generate other Hello
}
foreign 'a.gguf, which is a GGUF file' other/{b,a}.gguf
foreign 'pytorch_model.bin, which is a PyTorch checkpoint' other/pytorch_model.bin
foreign 'pytorch_model-00001-of-00002.bin, which' other/pytorch_model-0000{1,2}-of-00002.bin
foreign 'tf_model.h5, which is a TensorFlow checkpoint' other/tf_model.h5
foreign 'flax_model.msgpack, which is a Flax checkpoint' other/flax_model.msgpack
foreign 'model.onnx, which is an ONNX model' other/model.onnx
foreign 'a.pth, which is a PyTorch checkpoint' other/{a.pth,b.ckpt,c.pt}
rm other/*.{pt,pth,ckpt}
fails 4 'other: has neither model.safetensors nor' generate other Hello
rm other/*
fails 4 'other: |config.json: cannot open' generate other Hello
cp model/{config.json,model.safetensors} other
touch other/a.gguf
fails 4 'other/tokenizer.json: cannot open' generate other Hello
echo '{}' > other/config.json
fails 4 'config.json: model_type is missing' info other
! grep -q 'not a name' err || die "what is missing is called no name"
fails 4 "q_proj' is packed already: pack the model that this one was made from" pack bf16 -o never

# A regular expression as it is written, but nothing that a terminal obeys.
pattern() { # JSON string, words
  rm -rf other
  cp -r model other
  "$PYTHON" -c '
import json, sys
o = json.load(open("other/tokenizer.json"))
o["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": json.loads(sys.argv[1])},
                      "behavior": "Isolated", "invert": False}
json.dump(o, open("other/tokenizer.json", "w"))' "$1"
  fails 4 "$2" generate other Hello
}
pattern '"[一-龥]+("' "'[一-龥]+('"
pattern '"(à|é|ß"' "'(à|é|ß'"
pattern '"(\u001b[31m\u202e"' "'(\\x1b[31m\\u202e'"

# --- Experts of other factors ---------------------------------------------------------------------
expect 0 decompose model -o mlp --layers mlp --threads 1
expect 0 decompose model -o rank --rank 7 --threads 1
"$PYTHON" - <<'END'
import json, shutil, struct
shutil.copytree("model", "another")
data = bytearray(open("model/model.safetensors", "rb").read())
n = struct.unpack("<Q", data[:8])[0]
a, b = json.loads(data[8:8 + n])["model.layers.0.mlp.up_proj.weight"]["data_offsets"]
data[8 + n + a] ^= 64
data[8 + n + a + 1] ^= 1
open("another/model.safetensors", "wb").write(data)
END
expect 0 decompose another -o other-svf --threads 1
fails 2 'e1: |its modules are others|--layers|--rank' generate mlp Hello -e e1
fails 2 'e1: |its modules are others|--rank' generate rank Hello -e e1
fails 2 'e1: |other singular values|another precision|LAPACK' generate other-svf Hello -e e1
# Copies in other precisions are other models, as their singular values tell.
for type in BF16 F16; do
  rm -rf copy
  cp -r model copy
  "$PYTHON" - $type <<'END'
import json, struct, sys
data = open("copy/model.safetensors", "rb").read()
n, = struct.unpack("<Q", data[:8])
header, data = json.loads(data[8:8 + n]), data[8 + n:]
code = {"BF16": lambda x: struct.pack("<f", x)[2:], "F16": lambda x: struct.pack("<e", x)}[sys.argv[1]]
out = b""
for t in header.values():
    if "dtype" not in t:
        continue
    a, b = t["data_offsets"]
    values = b"".join(code(x) for x, in struct.iter_unpack("<f", data[a:b]))
    t.update(dtype=sys.argv[1], data_offsets=[len(out), len(out) + len(values)])
    out += values
header = json.dumps(header).encode()
open("copy/model.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + out)
END
  expect 0 decompose copy -o copy-$type --threads 1
  fails 2 'e1: |other singular values|another precision|LAPACK' generate copy-$type Hello -e e1
done
# Stored in bf16, the factors of the same model are those of the expert: sigma stays in fp32.
expect 0 decompose model -o stored --bf16 --threads 1
expect 0 generate stored Hello -e e1 -n 1

"$PYTHON" - <<'END'
import struct
data = bytearray(open("e1", "rb").read())
start = 8 + struct.unpack("<Q", data[:8])[0]
data[start + 8:start + 12] = struct.pack("<f", float("nan"))
open("nan", "wb").write(data)
END
fails 4 "nan: tensor 'model.layers.0.mlp.down_proj.z': element 2 is nan" info nan
fails 4 "nan: tensor 'model.layers.0.mlp.down_proj.z': element 2 is nan" generate svf Hello -e nan

# --- Texts of tokens ------------------------------------------------------------------------------
# The vocabulary spells tokens as byte-level BPE does, a space as U+0120.
expect 0 logits svf 'ä b' --top 100 --json --threads 1
"$PYTHON" - <<'END' || die "the texts of tokens"
import json
positions = json.load(open("out"))["positions"]
texts = {t["id"]: t["text"] for p in positions[1:] for t in p["top"]}
assert [p["token"] for p in positions] == list("ä b".encode())
assert all(t == chr(i) for i, t in texts.items() if 32 <= i < 127), texts
# After the first byte of the character the second one completes it; alone it would be none.
first = {t["id"]: t["text"] for t in positions[0]["top"]}
completing = [i for i in first if 0x80 <= i < 0xc0]
assert completing and all(first[i] == bytes([0xc3, i]).decode() for i in completing), first
END
expect 0 logits svf 'ä b' --top 2 --threads 1
[ "$(sed -n 4p out | cut -c1-4)" = '"b" ' ] && [ "$(sed -n 3p out | cut -c1-4)" = '" " ' ] ||
  die "texts are not in quotes"
# The texts of a prompt's tokens, put together, are the prompt.
for prompt in ' of the' $'tab\tand \u00e9' '日本 語'; do
  expect 0 logits svf "$prompt" --top 1 --json --threads 1
  "$PYTHON" - "$prompt" <<'END' || die "the tokens of '$prompt'"
import json, sys
o = json.load(open("out"))
assert bytes(p["token"] for p in o["positions"]) == sys.argv[1].encode()
assert not any("\u0120" in t["text"] for p in o["positions"] for t in p["top"])
END
done
echo "svf: messages name causes and ways out"
