#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How Hugging Face's `tokenizers` takes every character, for tests/tokenizer/unicode.c.

    python3 -m venv VENV && VENV/bin/pip install tokenizers==0.23.3
    VENV/bin/python tests/tokenizer/unicode.py

writes golden/unicode.json:

    characters  ranges [first, last, step] of the code points that are tried: every assigned one, of
                those that are not a sample
    tokenizers  for each its name, its tokenizer.json ("json"), templates of text in which '@' stands
                for a character ("around"), and the CRC-32 of the ids of each text ("ids"); a text is
                what the templates make of 1024 characters

Without merges and with every character unknown, a word is one token: so ids tell where words end.

    VENV/bin/python tests/tokenizer/unicode.py --long LIBRARY DIRECTORY

compares LIBRARY (libsvf_model.so) with `tokenizers` by every code point in these and in the golden
tokenizers, by random runs of marks, and by all files in DIRECTORY, such as texts in many languages.
"""
import argparse
import ctypes
import json
import pathlib
import random
import re
import tempfile
import zlib
from array import array

import tokenizers
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

VERSION = "0.23.3"
OUT = pathlib.Path(__file__).parent / "golden"
CHUNK = 1024
# assigned blocks of one kind of character, planes that are not assigned, and private use
SPARSE = [(0x3500, 0x4d00), (0x4f00, 0x9f00), (0xad00, 0xd700), (0xe100, 0xf800), (0x17100, 0x18700),
          (0x20100, 0x2a600), (0x2a800, 0x2b700), (0x2b900, 0x2cd00), (0x2cf00, 0x2eb00),
          (0x2ed00, 0x2fff0), (0x30100, 0x31300), (0x32500, 0xdfff0), (0xe0200, 0x10fff0)]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
O200K = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = [r"[\r\n]",
            r"\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u0370-\u0373\u037f"
            r"\u0388-\u038a\u0400-\u0481\u10a0-\u10c5\u13a0-\u13f5\u1c90-\u1cba\ua640-\ua66d"
            r"\ua771-\ua787\uff21-\uff3a\U00010400-\U0001044f\U0001e900-\U0001e943]+",
            r"\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$",
            r"[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}+"]
DEEPSEEK = [re.sub(r"\\([uU])([0-9a-fA-F]+)", lambda m: chr(int(m[2], 16)), p) for p in DEEPSEEK]
DEEPSEEK[4] = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7a3]+"
VIKING = [" ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+"]
KIMI = [r"[\p{Han}]+", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+", r"[^\p{L}\p{Han}\s&&[^a-c[x-z]]]+"]
SCRIPTS = [r"\p{Hiragana}+|\p{Katakana}+|\p{Hangul}+|\p{Thai}+|\p{Arabic}+", r"\p{Latin}+|\p{Greek}+|\p{Cyrl}+",
           r"[\p{Common}&&\P{S}]+|\p{Inherited}+", r"^\S+|\S+$", r"\d+|\p{Sc}+|\p{Sm}+|\p{Mn}+|\p{Cf}+"]

WORDS = ["b@b ", "2@2@", "@!@!\n", " @ B@@'", "@\u0301@\u00e9"]


def fused(split, added=()):
    """A tokenizer whose words are one token each; '|' is the only character that it knows."""
    return {"added_tokens": list(added), "pre_tokenizer": split, "model": {
        "type": "BPE", "unk_token": "?", "fuse_unk": True, "vocab": {"?": 0, "|": 1}, "merges": []}}


def component(thing):
    return json.loads(thing.__getstate__())


def splits(*patterns):
    return component(pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]))


def bytewise(normalizer):
    """A tokenizer whose tokens are the bytes of the normalized text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    return {"normalizer": normalizer, "pre_tokenizer": component(pre_tokenizers.ByteLevel(False, use_regex=False)),
            "model": {"type": "BPE", "vocab": {c: i for i, c in enumerate(alphabet)}, "merges": []}}


def token(number, content, **flags):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False, **flags}


def all_tokenizers():
    nfc = ["@", "a@", "@\u0301\u0323\u0345", "\u0345@\u0334", "\u1100@\u11a8", "@\u1161\u11a7\u11a8", "\u0915@\u093c", "\u0323@"]
    alone = [token(2, "Q", single_word=True)]
    strip = [token(2, "Q", lstrip=True, rstrip=True)]
    return [("gpt2", fused(splits(GPT2)), WORDS), ("qwen2", fused(splits(QWEN2)), WORDS),
            ("llama3", fused(splits(LLAMA3)), WORDS), ("o200k", fused(splits(O200K)), WORDS),
            ("deepseek", fused(splits(*DEEPSEEK)), WORDS), ("viking", fused(splits(*VIKING)), WORDS),
            ("kimi", fused(splits(*KIMI)), WORDS), ("scripts", fused(splits(*SCRIPTS)), WORDS),
            ("digits", fused(component(pre_tokenizers.Digits(True))), ["b@", "2@"]),
            ("runs of digits", fused(component(pre_tokenizers.Digits(False))), ["b@@", "2@"]),
            ("fold", fused(splits(r"(?i:[a-z])|(?i:s)'|'(?i:k)")), ["@", "@'@"]),
            ("single_word", fused(None, alone), ["Q@", "@Q|"]), ("strip", fused(None, strip), ["|@@Q@"]),
            ("nfc", bytewise({"type": "NFC"}), nfc)]


def characters():
    ranges, at = [], 0
    for first, last in [*SPARSE, (0x110000, 0)]:
        ranges += [[at, first - 1, 1]] + ([[first, last, 61]] if last else [])
        at = last + 1
    return ranges


def texts_of(ranges, around):
    chosen = [chr(c) for a, b, step in ranges for c in range(a, b + 1, step) if not 0xd800 <= c < 0xe000]
    for at in range(0, len(chosen), CHUNK):
        yield "".join(a.replace("@", c) for c in chosen[at:at + CHUNK] for a in around)


def make():
    assert tokenizers.__version__ == VERSION, tokenizers.__version__
    ranges, made = characters(), []
    for name, file, around in all_tokenizers():
        t = Tokenizer.from_str(json.dumps(file))
        sums = [zlib.crc32(array("i", e.ids)) for e in t.encode_batch(list(texts_of(ranges, around)), add_special_tokens=False)]
        made.append({"name": name, "json": json.dumps(file), "around": around, "ids": sums})
        print(name, len(sums))
    (OUT / "unicode.json").write_text(json.dumps({"version": VERSION, "characters": ranges, "tokenizers": made},
                                                 separators=(",", ":")) + "\n")


class Ours:
    """svf_tokenizer_encode of a shared library."""

    def __init__(self, library, path):
        self.svf = ctypes.CDLL(library)
        self.svf.svf_last_message.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        self.check(self.svf.svf_tokenizer_open(str(path).encode(), ctypes.byref(self.handle)))

    def check(self, status):
        assert status == 0, self.svf.svf_last_message()

    def encode(self, text):
        data = text.encode()
        ids, count = (ctypes.c_int32 * (8 * len(data) + 16))(), ctypes.c_size_t()
        self.check(self.svf.svf_tokenizer_encode(self.handle, 0, data, ctypes.c_size_t(len(data)), ids,
                                                 ctypes.c_size_t(len(ids)), ctypes.byref(count)))
        return ids[:count.value]


def marks():
    """Texts of starters and runs of marks."""
    rng = random.Random(5)
    some = [chr(c) for c in range(0x110000) if not 0xd800 <= c < 0xe000 and re.match(r"\w?", chr(c))]
    heavy = [chr(c) for r in [(0x300, 0x370), (0x483, 0x488), (0x591, 0x5c8), (0x610, 0x65f), (0x8d0, 0x900), (0x93c, 0x94e),
             (0xdcf, 0xde0), (0xf71, 0xf85), (0x1100, 0x1200), (0x1dc0, 0x1e00), (0x3099, 0x309b), (0xac00, 0xac40),
             (0x110ba, 0x110bb), (0x1d165, 0x1d16f), (0x1e000, 0x1e02b)] for c in range(*r)]
    for _ in range(20000):
        yield "".join(rng.choice(heavy if rng.random() < 0.8 else some) for _ in range(rng.randint(2, 40)))


def long_form(library, directory):
    assert tokenizers.__version__ == VERSION, tokenizers.__version__
    everything = [[0, 0x10ffff, 1]]
    files = sorted(p for p in pathlib.Path(directory).rglob("*") if p.is_file())
    texts = [p.read_text(encoding="utf-8", errors="replace") for p in files]
    total = sum(len(t.encode()) for t in texts)
    print(len(files), "files of", total, "bytes")
    todo = [(name, json.dumps(file), around) for name, file, around in all_tokenizers()]
    for path in sorted(OUT.glob("*.json")):
        if not path.name.endswith("golden.json") and "model" in (file := json.loads(path.read_text())):
            todo.append((path.name, json.dumps(file), WORDS))
    wrong = 0
    for name, file, around in todo:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            f.write(file)
            f.flush()
            ours, theirs, compared = Ours(library, f.name), Tokenizer.from_str(file), 0
        for kind in (texts_of(everything, around), marks(), texts):
            kind = list(kind)
            for text, want in zip(kind, theirs.encode_batch_fast(kind, add_special_tokens=False)):
                got = ours.encode(text)
                compared += len(got)
                if got != want.ids:
                    wrong += 1
                    at = next((i for i, (a, b) in enumerate(zip(got, want.ids)) if a != b), -1)
                    print(name, "differs at token", at, repr(text[:40]))
        print(name, compared, "ids", flush=True)
    print(wrong, "texts differ")
    return wrong > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", nargs=2, metavar=("LIBRARY", "DIRECTORY"))
    options = parser.parse_args()
    raise SystemExit(long_form(*options.long) if options.long else make())


if __name__ == "__main__":
    main()
