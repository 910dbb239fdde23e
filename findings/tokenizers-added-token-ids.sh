#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tokenizers (Hugging Face) does not use the ids that tokenizer.json gives to added tokens. A token
# that the model's vocabulary lacks gets the size of the vocabulary plus the number of such tokens
# before it, whatever its "id" says, in the order of the ids. Where the vocabulary itself has a hole,
# an added token silently gets the id of another token: two tokens then share one id.
#
# Whom it bites: whoever reads the ids from the file, as it suggests, and feeds a model that was
# trained with what the library gave; whoever prunes a vocabulary and keeps the added tokens.
#
# Exits with 1 once the library behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install tokenizers==0.23.3
"$work/venv/bin/python" - << 'EOF'
import json
import sys
import tokenizers

print("tokenizers", tokenizers.__version__)

def added(number, text):
    return {"id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True}

def load(vocabulary):
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": False, "vocab": vocabulary, "merges": []}
    return tokenizers.Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None,
        "added_tokens": [added(7, "<x>"), added(4, "<y>")], "pre_tokenizer": None,
        "post_processor": None, "decoder": None, "model": model}))

whole = load({"a": 0, "b": 1, "c": 2})
ids = whole.encode("<x><y>").ids
print("<x> and <y>, of ids 7 and 4 in the file, after a vocabulary of 3:", ids)
holed = load({"a": 0, "b": 1, "c": 3})
shared = holed.encode("<x>c").ids
print("<x> and c, of ids 7 and 3, with a hole in the vocabulary:", shared)
sys.exit(not (sorted(ids) == [3, 4] and shared == [3, 3]))
EOF
echo "as described"
