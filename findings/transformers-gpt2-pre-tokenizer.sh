#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# transformers 5 throws away a tokenizer.json's pre-tokenizer if tokenizer_config.json says
# GPT2Tokenizer, and puts in GPT-2's own: AutoTokenizer then gives other ids than tokenizers does
# for the same file, without a word. What it reads from a GGUF file has GPT-2's too, whatever
# tokenizer.ggml.pre says.
#
# Whom it bites: models of that class that split otherwise, for instance digits before all else: two
# spaces before a number are one token by the file, and become two. Whoever compares another
# program's ids with AutoTokenizer's finds it wrong where it is right. The class
# PreTrainedTokenizerFast keeps what the file says.
#
# Exits with 1 once the library behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install transformers==5.24.0 tokenizers==0.23.3
cat > "$work/show.py" << 'EOF'
import json
import pathlib
import sys
import transformers
from tokenizers import Tokenizer
from transformers import AutoTokenizer

directory = pathlib.Path(sys.argv[1])
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
              "use_regex": True}
vocabulary = {"Ġ": 0, "ĠĠ": 1, "1": 2, "2": 3}
(directory / "tokenizer.json").write_text(json.dumps({
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "added_tokens": [],
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, byte_level]},
    "post_processor": None, "decoder": byte_level,
    "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
              "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
              "ignore_merges": False, "vocab": vocabulary, "merges": [["Ġ", "Ġ"]]}}))
(directory / "config.json").write_text(json.dumps({"model_type": "llama"}))

def ids(kind):
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    return AutoTokenizer.from_pretrained(directory).encode("  12", add_special_tokens=False)

print("transformers", transformers.__version__)
file = Tokenizer.from_file(str(directory / "tokenizer.json")).encode("  12").ids
print("two spaces and 12, by tokenizers:", file)
fast, gpt2 = ids("PreTrainedTokenizerFast"), ids("GPT2Tokenizer")
print("by AutoTokenizer, PreTrainedTokenizerFast:", fast)
print("by AutoTokenizer, GPT2Tokenizer:", gpt2)
sys.exit(not (file == fast == [1, 2, 3] and gpt2 == [0, 0, 2, 3]))
EOF
mkdir "$work/model"
"$work/venv/bin/python" "$work/show.py" "$work/model"
echo "as described"
