#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden ids of Hugging Face's `tokenizers`, which tests/tokenizer/golden.c compares with.

    python3 -m venv VENV && VENV/bin/pip install tokenizers==0.22.2
    VENV/bin/python tests/tokenizer/golden.py

trains small tokenizers of every supported family, with the regular expressions, normalizers,
decoders and post-processors of the real ones, and writes into golden/ the tokenizers, texts.json
(the texts that all of them encode) and for each an <name>.golden.json:

    version  of `tokenizers`; 0.23.3 gives the same but for one thing: a special token that is
             normalized (llama2_old) is decoded as it is normalized, and never left out
    around   the ids that special tokens put before and after a text
    texts    for each text the ids "i"; with special tokens as text "p", where they differ from i;
             the decoded i as "d", where it differs from the text, and without special tokens "k",
             where that differs from d
    ids      random sequences of ids, each with its text

A text that is no UTF-8 is {"hex": its bytes, "text": what is encoded}.
"""
import json
import pathlib
import random
import re

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import AddedToken, trainers

OUT = pathlib.Path(__file__).parent / "golden"

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
MARK = "\u2581"

SENTENCES = """The quick brown fox jumps over the lazy dog, and it doesn't care what we'll say.
One set of weights serves many experts: changing an expert is changing a pointer.
She said "I've never seen THAT before", but they're sure it's been here since 1984.
A matrix is decomposed once; its singular values are scaled for every task again and again.
Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich, während der Föhn weht.
Portez ce vieux whisky au juge blond qui fume; l'été dernier, c'était déjà arrivé à Nîmes.
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia y frío, ¿verdad que sí?
Съешь ещё этих мягких французских булок, да выпей же чаю в хорошей компании.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία, και μετά πίνω έναν καφέ.
敏捷的棕色狐狸跳过了懒狗。今天的天气很好，我们去公园散步吧。
いろはにほへと ちりぬるを。東京は日本の首都です。カタカナもあります。
다람쥐 헌 쳇바퀴에 타고파. 오늘은 날씨가 정말 좋습니다.
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ومغلف بجلد أزرق.
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश करने वाले।
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน
for (int i = 0; i < n; ++i) { sum += x[i] * y[i]; } /* a dot product */
def encode(self, text: str) -> list[int]: return [self.vocab[c] for c in text if c in self.vocab]
#include <stdio.h>  int main(void) { printf("%d\\n", 42); return 0; }
SELECT name, COUNT(*) FROM users WHERE age >= 18 GROUP BY name ORDER BY 2 DESC LIMIT 10;
In 2023 the price rose from 1,234.56 to 98765 units, 3.14159 per cent, 0x1F600 and 1e-10.
🙂 👍🏽 👩‍👩‍👧‍👦 🇩🇪 emoji are fun 🎉🎉🎉 and so are ½ ² ³ Ⅷ ①
    indented by four spaces\tand a tab
Don't DON'T won't I'M it's IT'S we'RE they'Ve""".split("\n")

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "<|begin_of_text|>",
            "<s>", "</s>", "<unk>", "[MASK]", "[word]", "[both]"]


def corpus():
    rng = random.Random(1)
    words = re.findall(r"\S+", " ".join(SENTENCES))
    lines = SENTENCES * 20
    for _ in range(600):
        lines.append(" ".join(rng.choices(words, k=12)))
        lines.append("".join(rng.choices("0123456789", k=rng.randint(1, 9))) + "  " * rng.randint(1, 4))
    return lines


def hard_texts():
    texts = list(SENTENCES)
    texts += ["", " ", "  ", "   ", "\n", "\r\n", "\t", "\n\n\n", " \n", "\n ", "  \n  \n  x", "a", " a",
              "a ", "a  b", "a   b   ", "\ta\t\tb", "a\r\nb\r\n\r\nc", "x\x00y", "\x01\x02\x1b[0m\x7f",
              "\u0085a\u00a0b\u1680c\u180ed\u2003e\u2028f\u202fg\u3000h", "\ufeffBOM", "\u200b\u200c\u200d"]
    texts += ["I'm he'll we've they're you'd it's can't 'S 'LL 'Ve 'rE 'M 'T 'D 'ſ x'ſy", "''''s'", "'", "o'clock",
              "1", "12", "123", "1234", "1234567890", "1 2 3", "a1b22c333", "٣٤٥ १२३ ๔๕", "½⅓Ⅷ①²", "3.14,15"]
    texts += ["e\u0301 e\u0301\u0323 \u00e9\u0323 a\u0308\u0301 \u1e9b\u0323 \u212b \u2126",
              "q\u0307\u0323 \u0344 \u0f73\u0f75 \u0958 \u09dc \ufb1d \u2adc", "\u1100\u1161\u11a8 \uac00\u11a8 각 한국어",
              "\u1112\u1161\u11ab\u1100\u1173\u11af", "שָׁלוֹם עֲלֵיכֶם", "مَرْحَبًا بِالعَالَم", "क्षि ज्ञ श्री", "กำลัง น้ำ",
              "Å\u030a" + "\u0301\u0323\u0327" * 30 + "z", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠜎𠜱"]
    texts += ["👩‍👩‍👧‍👦👍🏽👍🏿🇩🇪🇯🇵❤️", "🙂" * 20, "a🙂b🙂 c 🙂d", "☺︎☺️"]
    texts += ["a" * 500, "ab" * 300, "abcdefghij" * 60, "x" + " " * 200 + "y", "\n" * 100, " \t" * 60, "-" * 130,
              "é" * 150, "漢" * 120, "!?" * 70, "z" * 255 + "é", "z" * 256 + "'s", "1" * 300, "\r\n" * 60, "a\n" * 70]
    texts += ["https://example.org/a/b?c=d&e=%20f#g", "snake_case camelCase PascalCase kebab-case SCREAMING_CASE",
              "x=1;y=2;//z", "if(a&&b||!c){d[e]=f->g;}", "<div class=\"x\">&amp;</div>", "C:\\dir\\file.txt",
              "a_b__c___d", "$100 €5 £3 ¥7", "….,;:!?¡¿«»„“”‘’–—", "α≤β∧γ≠δ→∞∑∫"]
    for special in SPECIALS:
        texts += [special, f"a{special}b", f" {special} ", f"a  {special}  b", special * 3, special[:-1],
                  f"{special}\n\n{special} x", special.upper()]
    texts += ["<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<s>[INST] x [/INST] y</s>", "<0x0A><0xe2>",
              "x[word]y [word] z[word]", "a [both] \t[both] [MASK] \u3000[MASK]b", "<<s>>", "<|im_<|im_end|>",
              MARK, MARK + "a", "a" + MARK + "b", MARK * 3, " " + MARK + " ", "Ġa Ċ ĊĠ", "</s<s>s>"]
    return texts


def ill_formed():
    return [b"\xff", b"a\xffb", b"\xe2\x82", b"\xe2\x82a", b"\xf0\x9f\x99", b"\xf0\x9f\x99\xf0\x9f\x99\x82", b"\xc0\xaf",
            b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80\x80", b"\xe0\x80\x80", b"abc\xc3", b"\xc3\x28 \xa0\xa1",
            b"\xf8\x88\x80\x80\x80", b"caf\xe9 na\xefve", b"\xf0\x80\x80\x80", b" \xf1\x80\x80 x\xe1\x80\xc3\xa9"]


def random_texts():
    """Strings from a fixed seed, of the ranges that the patterns tell apart; no character is newer
    than Unicode 12, since libraries differ in what they know of later ones."""
    rng = random.Random(2)
    ranges = [(0x20, 0x7e)] * 4 + [(0x00, 0xff), (0x100, 0x24f), (0x300, 0x36e), (0x391, 0x3a1), (0x410, 0x44f),
              (0x5d0, 0x5ea), (0x621, 0x64a), (0x915, 0x939), (0xe01, 0xe2e), (0x1100, 0x1112), (0x1161, 0x1175),
              (0xac00, 0xd7a3), (0x2000, 0x2027), (0x2150, 0x2188), (0x3041, 0x3096), (0x4e00, 0x9fa5), (0x1f600, 0x1f64f)]
    words = re.findall(r"\S+", " ".join(SENTENCES)) + SPECIALS
    glue = [" ", " ", " ", "  ", "   ", "\n", "\r\n", "\t", "", "", "'s", "'LL ", "1", "2023", ".", ",", "-", "\u00a0"]
    texts = []
    for _ in range(120):
        text = ""
        for _ in range(rng.randint(1, 6)):
            low, high = rng.choice(ranges)
            text += "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 6)))
        texts.append(text)
    for _ in range(120):
        texts.append("".join(rng.choice(words) + rng.choice(glue) for _ in range(rng.randint(1, 8))))
    for _ in range(100):
        texts.append("".join(rng.choice(glue + ["a", "B", "é", "漢", "🙂", "!", "_"]) for _ in range(rng.randint(1, 20))))
    data = []
    for _ in range(100):
        good = "".join(rng.choice(words) for _ in range(3)).encode()
        bad = bytearray(good[:40])
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        data.append(bytes(bad))
    return texts, data


def train(pre_tokenizer, size, alphabet, special, normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=special, show_progress=False))
    return json.loads(tokenizer.to_str())


def byte_level(**options):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, **options)


def component(thing):
    """The JSON of a normalizer, decoder, ...: what its state is pickled as."""
    return json.loads(thing.__getstate__())


def added(tokenizer, *tokens):
    """Append added tokens by the library, which gives them their ids."""
    made = Tokenizer.from_str(json.dumps(tokenizer))
    for token in tokens:
        (made.add_special_tokens if token.special else made.add_tokens)([token])
    return json.loads(made.to_str())


def strings(tokenizer):
    """Merges as older files have them."""
    merges = tokenizer["model"]["merges"]
    tokenizer["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in merges]
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


def gpt2():
    t = train(byte_level(), 1000, pre_tokenizers.ByteLevel.alphabet(), ["<|endoftext|>"])
    t["decoder"] = component(decoders.ByteLevel())
    t["post_processor"] = component(processors.ByteLevel(trim_offsets=False))
    t["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
    return strings(t)


def gpt2_prefix():
    t = train(pre_tokenizers.ByteLevel(add_prefix_space=True), 500, pre_tokenizers.ByteLevel.alphabet(), ["<s>", "</s>"])
    t["decoder"] = component(decoders.ByteLevel())
    return added(t, AddedToken("[MASK]", special=True, lstrip=True, normalized=False),
                 AddedToken("[both]", lstrip=True, rstrip=True), AddedToken("[word]", single_word=True, normalized=True))


def smollm():
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])
    t = train(pre, 1000, pre_tokenizers.ByteLevel.alphabet(), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    t["decoder"] = component(decoders.ByteLevel())
    return strings(t)


def qwen2():
    pre = pre_tokenizers.Sequence([split(Regex(QWEN2)), byte_level(use_regex=False)])
    t = train(pre, 1200, pre_tokenizers.ByteLevel.alphabet(), [], normalizers.NFC())
    t["decoder"] = component(decoders.ByteLevel())
    t["post_processor"] = component(processors.ByteLevel(trim_offsets=False))
    special = [AddedToken(c, special=True, normalized=False) for c in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
    return strings(added(t, *special, AddedToken("<tool_call>", normalized=False)))


def llama3():
    pre = pre_tokenizers.Sequence([split(Regex(LLAMA3)), byte_level(use_regex=False)])
    t = train(pre, 1200, pre_tokenizers.ByteLevel.alphabet(), [])
    vocab, merges = t["model"]["vocab"], t["model"]["merges"]
    for rank in sorted(random.Random(3).sample(range(200, len(merges)), 60), reverse=True):
        del merges[rank]  # leaves tokens that only ignore_merges finds
    merges[:] = [m for m in merges if "".join(m) in vocab]
    t["model"]["ignore_merges"] = True
    t["decoder"] = component(decoders.ByteLevel())
    t = added(t, AddedToken("<|begin_of_text|>", special=True, normalized=False),
              AddedToken("<|endoftext|>", special=True, normalized=False))
    begin = Tokenizer.from_str(json.dumps(t)).token_to_id("<|begin_of_text|>")
    t["post_processor"] = component(processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|> $B",
                                      special_tokens=[("<|begin_of_text|>", begin)])]))
    return t


def sentencepiece(size, byte_fallback=True):
    """The model that conversion from SentencePiece makes."""
    special = ["<unk>", "<s>", "</s>"]
    fallback = [f"<0x{b:02X}>" for b in range(256)] if byte_fallback else []
    t = train(pre_tokenizers.Metaspace(MARK, "always", True), size, [], special + fallback)
    t["added_tokens"] = [a for a in t["added_tokens"] if a["content"] in special]
    t["model"].update(unk_token="<unk>", fuse_unk=True, byte_fallback=byte_fallback)
    if byte_fallback:  # most characters are left to it
        keep = set(special + fallback) | {k for k in t["model"]["vocab"] if all(c < "\u0180" or c == MARK for c in k)}
        t["model"]["vocab"] = {k: i for i, k in enumerate(k for k in t["model"]["vocab"] if k in keep)}
        t["model"]["merges"] = [m for m in t["model"]["merges"] if all(p in keep for p in m) and "".join(m) in keep]
    t["post_processor"] = component(processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]))
    t["decoder"] = component(decoders.Sequence([decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse(),
                                                decoders.Strip(" ", 1, 0)]))
    t["pre_tokenizer"] = None
    return t


def llama2():
    t = sentencepiece(1300)
    t["normalizer"] = component(normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)]))
    return strings(t)


def llama2_old():
    """Its special tokens are normalized, as in the first conversions; EOS is added too."""
    t = llama2()
    for token in t["added_tokens"]:
        token["normalized"] = True
    t["post_processor"] = component(processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]))
    return t


def llama2_new():
    t = sentencepiece(1300)
    t["pre_tokenizer"] = component(pre_tokenizers.Metaspace(MARK, "first", False))
    return t


def mistral():
    """The form without a prefix, the last Strip with it."""
    t = sentencepiece(1000)
    t["pre_tokenizer"] = component(pre_tokenizers.Metaspace(MARK, "never", True))
    t["decoder"]["decoders"] = t["decoder"]["decoders"][:3]
    return added(t, AddedToken("<|im_start|>", special=True, normalized=False, rstrip=True),
                 AddedToken("[MASK]", special=True, normalized=True, lstrip=True),
                 AddedToken("<tool_call>", normalized=False))


def metaspace():
    """Without byte fallback: unknown characters, each its own token."""
    t = sentencepiece(600, False)
    t["model"]["fuse_unk"] = False
    t["pre_tokenizer"] = component(pre_tokenizers.Metaspace(MARK, "always", True))
    t["decoder"] = component(decoders.Metaspace(MARK, "always", True))
    return t


def behaviors():
    """Every way to split, and no decoder."""
    pre = pre_tokenizers.Sequence([
        split(Regex(r"[0-9]{2}"), "contiguous"), split("-", "merged_with_previous"), split(" ", "merged_with_next"),
        split(Regex(r"(?<=[a-z])[A-Z]|\p{Han}"), "isolated"), split(Regex(r"\p{L}+|\S"), "removed", True),
        pre_tokenizers.Digits(individual_digits=False), byte_level(use_regex=False)])
    t = train(pre, 500, pre_tokenizers.ByteLevel.alphabet(), ["<s>"], normalizers.Replace(Regex(r"\s{2,}"), " "))
    return t


FAMILIES = [gpt2, gpt2_prefix, smollm, qwen2, llama3, llama2, llama2_old, llama2_new, mistral, metaspace, behaviors]


def expected_text(tokenizer, ids):
    """What is decoded, where bytes that are no UTF-8 are replaced as everywhere else: `tokenizers`
    makes U+FFFD of every byte in a row of byte tokens of which one is wrong."""
    if not tokenizer.decode([]) == "" or "ByteFallback" not in str(tokenizer.decoder):
        return tokenizer.decode(ids, skip_special_tokens=False)
    parts, run = [], bytearray()
    for token in [tokenizer.id_to_token(i) for i in ids] + [None]:
        byte = re.fullmatch("<0x([0-9A-F]{2})>", token or "")
        if byte:
            run.append(int(byte[1], 16))
            continue
        parts.append(run.decode("utf-8", "replace"))
        run.clear()
        parts.append((token or "").replace(MARK, " "))
    text = "".join(parts)
    return text[1:] if "Strip" in str(tokenizer.decoder) and text.startswith(" ") else text


def entry(tokenizer, text, around):
    made = {"i": tokenizer.encode(text, add_special_tokens=False).ids}
    assert tokenizer.encode(text).ids == around[0] + made["i"] + around[1]
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    decoded = tokenizer.decode(made["i"], skip_special_tokens=False)
    skipped = tokenizer.decode(made["i"])
    made.update({k: v for k, v, default in (("p", plain, made["i"]), ("d", decoded, text), ("k", skipped, decoded))
                 if v != default})
    return made


def random_ids(tokenizer, sizes):
    rng = random.Random(4)
    vocab = sorted(tokenizer.get_vocab().values())
    few = vocab[:300]
    return [[rng.choice(few if turn % 2 else vocab) for _ in range(rng.randint(1, sizes))] for turn in range(120)]


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (OUT / name).write_text(text + "\n", encoding="utf-8")


def main():
    OUT.mkdir(exist_ok=True)
    strings_, data = random_texts()
    texts = hard_texts() + strings_
    broken = ill_formed() + data
    write("texts.json", texts + [{"hex": b.hex(), "text": b.decode("utf-8", "replace")} for b in broken])
    texts += [b.decode("utf-8", "replace") for b in broken]
    for family in FAMILIES:
        name = family.__name__
        write(f"{name}.json", family())
        tokenizer = Tokenizer.from_file(str(OUT / f"{name}.json"))
        plain, special = (tokenizer.encode("a", add_special_tokens=add).ids for add in (False, True))
        around = [special[:special.index(plain[0])], special[special.index(plain[0]) + len(plain):]]
        write(f"{name}.golden.json", {
            "version": tokenizers.__version__,
            "around": around,
            "texts": [entry(tokenizer, text, around) for text in texts],
            "ids": [[ids, expected_text(tokenizer, ids)] for ids in random_ids(tokenizer, 12)]})
        print(name, tokenizer.get_vocab_size(), (OUT / f"{name}.json").stat().st_size,
              (OUT / f"{name}.golden.json").stat().st_size)


if __name__ == "__main__":
    main()
