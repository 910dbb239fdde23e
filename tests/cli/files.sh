#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What decompose, pack and merge keep of a model's directory, and what they say of the rest.
# Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model
kept=(generation_config.json tokenizer_config.json special_tokens_map.json added_tokens.json
  tokenizer.model vocab.json merges.txt chat_template.jinja chat_template.json)
for file in "${kept[@]}"; do printf '{"name": "%s"}\n' "$file" > "model/$file"; done

# The line on standard error that names what was not copied.
left() { # names
  grep -qxF "svf $command: not copied: $1" err || die "$command: not the files that it left"
}

# pack says what it came to, which is taken out of err.
convert() { # model, new model
  case $command in
    pack)
      expect 0 pack "$1" -o "$2" --threads 1
      grep -qE '^svf pack: packed as f32, 3[0-9]\.[0-9]+ bits a weight: see --format$' err ||
        die "pack does not say what it came to"
      sed -i '/: packed as /d' err
      ;;
    *) expect 0 "$command" "$1" -o "$2" --threads 1 ;;
  esac
}

# A terminal as standard error and output.
terminal() { # arguments...
  "$PYTHON" -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$svf" "$@" > out 2> err < /dev/null
}

expect 0 decompose model -o svf --threads 1
[ ! -s err ] || die "a remark although every file was copied"
for command in decompose pack merge; do
  from=svf
  [ $command != decompose ] || from=model
  cp -r $from from
  convert from new
  [ ! -s err ] || die "$command: a remark although every file was copied"
  for file in config.json tokenizer.json "${kept[@]}"; do
    same "model/$file" "new/$file" "$file of the model and of the one that $command made"
  done
  # What is not copied is named, in order; neither weights, nor hidden files, nor directories.
  rm -r new
  echo a > from/README.md
  ln -s README.md from/LICENSE
  printf 'control' > from/$'a\tb'
  : > from/$'c\xe2\x80\xaed' # U+202E
  : > from/$'e\xff'
  : > from/é
  : > from/notes
  mkdir from/onnx
  touch from/.gitattributes from/{pytorch_model.bin,x.gguf,model.onnx,w.pth,w.pt,w.ckpt,w.safetensors}
  touch from/{tf_model.h5,flax_model.msgpack}
  echo '{}' > from/pytorch_model.bin.index.json
  ln -s nowhere from/broken
  convert from new
  left 'LICENSE, README.md, a\x09b, c\u202ed, e\xff, notes, é'
  [ "$(wc -l < err)" -eq 1 ] || die "$command: more than one remark"
  [ ! -e new/README.md ] && [ ! -e new/notes ] || die "$command copied what it said it did not"
  rm -r new
  expect 0 $command from -o new --threads 1 --quiet
  [ ! -s err ] || die "$command --quiet: a remark"
  # A model without a tokenizer is made, with a warning.
  rm -r new from/{tokenizer.json,README.md,LICENSE,notes,é} from/$'a\tb' from/c*d from/e*
  convert from new
  [ "$(wc -l < err)" -eq 1 ] &&
    grep -q "^svf $command: from has no tokenizer.json, which 'svf generate' will need in new" err ||
    die "$command: no word of the tokenizer"
  fails 4 'new/tokenizer.json' generate new Hello
  rm -r new from
done

# Directories on the way are made, and removed again by a job that failed.
for way in a/b "$PWD/c/d/e" f//g/; do
  expect 0 merge svf -o "$way" --threads 1
  [ -s "$way/model.safetensors" ] || die "no model in $way"
done
mkdir there
fails 2 'in factors' merge model -o there/h/i
fails 2 'in factors' merge model -o j/k/l
[ -d there ] && [ ! -e there/h ] && [ ! -e j ] || die "a failed job left directories, or removed one"
for way in j/k/ j/k// .//j//k/. j/../l/m j/k/../..; do
  fails 2 'in factors' merge model -o "$way"
  [ ! -e j ] && [ ! -e l ] || die "a failed job with -o $way left directories"
done
mkdir mine
for way in mine mine/ fresh/../mine fresh/../mine/k mine/../fresh/../mine; do
  fails 2 'in factors' merge model -o "$way"
  [ -d mine ] || die "a failed job with -o $way removed a directory that it did not make"
  [ ! -e fresh ] && [ ! -e mine/k ] || die "a failed job with -o $way left directories"
done
echo > file
fails 4 'file/m' pack svf -o file/m/n
fails 4 'file' pack svf -o file

# decompose says how to go on, to a person only.
terminal decompose model -o new --threads 1 || die "decompose on a terminal"
grep -q 'svf pack new -o new-w8 --format w8' out && grep -q 'svf generate new ' out ||
  die "decompose does not say how to go on"
expect 0 info new
terminal decompose model -o new --threads 1 || die "decompose again"
grep -q 'new: is there already' out || die "decompose again does not say so"
terminal decompose model -o new --threads 1 -q || die "decompose -q"
[ ! -s out ] || die "decompose -q says something"
expect 0 decompose model -o new --threads 1
[ ! -s err ] || die "decompose speaks to a file"

# A decomposition goes on with any number of threads: the factors are the same.
rm new/model.safetensors.index.json new/factors-00003.safetensors
expect 0 decompose model -o new --threads 2
for file in svf/*.safetensors; do same "$file" "new/${file#svf/}" "factors whole and resumed"; done
echo "svf: files kept and named"
