#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# tokenizers (Hugging Face) holds three versions of Unicode at once. Characters are classified by
# regular expressions as in Unicode 16, by its pre-tokenizer Digits as in Unicode 17, and its
# normalizer NFC composes and orders marks as in Unicode 9, of 2016: pairs of characters that came
# later stay apart, and later marks are not put in order.
#
# Whom it bites: whoever reimplements a tokenizer.json with the Unicode tables of a system library, be
# they older or newer, and expects the same ids; and whoever trusts that a text in NFC gives the same
# ids whether it was normalised by Python or by the tokenizer.
#
# Exits with 1 once the library behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install tokenizers==0.23.3
"$work/venv/bin/python" - << 'EOF'
import sys
import unicodedata
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

print("tokenizers", tokenizers.__version__)
digits = pre_tokenizers.Digits(individual_digits=True)
numbers = pre_tokenizers.Split(Regex(r"\p{N}"), "isolated")

def splits(at, c):
    return len(at.pre_tokenize_str("a" + c + "a")) == 3

characters = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
apart = [c for c in characters if splits(digits, c) != splits(numbers, c)]
print(f"characters that Digits splits at and \\p{{N}} does not: {len(apart)}:",
      " ".join(f"U+{ord(c):04X}" for c in apart))
nfc = normalizers.NFC()
pair = "\U00011935\U00011930"  # Dives Akuru, Unicode 13
composed = nfc.normalize_str(pair)
print(f"NFC of U+11935 U+11930, which Unicode 13 composes: {len(composed)} characters;",
      f"Python, Unicode {unicodedata.unidata_version}: {len(unicodedata.normalize('NFC', pair))}")
marks = "a\u0301\u1ac0", "a\u1ac0\u0301"  # U+1AC0, a mark below, came with Unicode 13
alike = len({nfc.normalize_str(text) for text in marks}) == 1
print("marks above and below in both orders become the same text:", alike)
sys.exit(not (len(apart) == 13 and len(composed) == 2 and not alike))
EOF
echo "as described"
