#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What svf packs is what include/svf/FILES.md says: another reader, written from that page, finds the
# weights again, and notices any byte that changed. Arguments: see ../cli/cli.sh.
source "$(dirname "$0")/../cli/cli.sh"

reader=$source/tests/files/read_packed.py

reads() { # arguments of the reader...
  "$PYTHON" "$reader" "$@" > out 2> err || die "the reader refuses $*"
  tail -n 1 out
}

# Flip the lowest bit of byte $3 of the packed block of layer $2; it must be noticed.
notices() { # model, layer, offset (negative: from the block's end)
  rm -rf flipped
  cp -r "$1" flipped
  "$PYTHON" - flipped/model.safetensors "$2.packed" "$3" << 'EOF'
import json, sys
path, name, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
raw = bytearray(open(path, 'rb').read())
data = 8 + int.from_bytes(raw[:8], 'little')
begin, end = json.loads(raw[8:data])[name]['data_offsets']
raw[data + (begin if at >= 0 else end) + at] ^= 1
open(path, 'wb').write(raw)
EOF
  ! "$PYTHON" "$reader" --only="$2" flipped svf > out 2> err || die "byte $3 of $1 may change"
  grep -q "$2" err || die "byte $3 of $1: the message lacks the layer"
}

tiny_model model
expect 0 decompose model -o svf -q
"$tools/make_expert" svf expert 1
for format in f32 bf16 s8 w8 w4; do
  expect 0 pack svf -o $format --format $format -q
  reads $format svf expert
done
expect 0 pack model -o dense --format w8 --group 128 -q
reads dense model
! "$PYTHON" "$reader" f32 model > out 2> err || die "another source is taken"

# Every field of the header, sigma, V, U and the last byte, in a factored and in a dense layer.
layer=model.layers.0.mlp.down_proj
for at in 0 8 12 16 20 24 32 40 48 56 64 72 80 88 96 127 128 1000 3000 -1; do notices f32 $layer $at; done
notices w4 $layer -70
notices f32 lm_head 200

# Layers of several spans, and w84 with a head.
mkdir toy
cp "$source/tests/cli/bytes.json" toy/tokenizer.json
"$tools/make_model" toy
expect 0 decompose toy -o toy-svf -q --layers mlp
for format in w8 w4 w84; do
  expect 0 pack toy-svf -o toy-$format --format $format --group 64 -q
  reads --only=layers.1.mlp.down_proj toy-$format toy-svf
done
expect 0 pack toy-svf -o toy-bits --format w84 --bits 7 -q
reads --only=layers.1.mlp.gate_proj toy-bits toy-svf
