#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_data.c: properties of characters as Hugging Face's `tokenizers` has them.

    python3 -m venv VENV && VENV/bin/pip install tokenizers==0.23.3
    VENV/bin/python src/tokenizer/unicode_data.py

`tokenizers` is asked about every code point, since each of its parts follows another version of
Unicode: the general categories and scripts of its regular expressions (Oniguruma) are those of
version 16, what Digits splits at (Rust's char::is_numeric) is of version 17, the characters of
words that bound a token with `single_word` (the crate regex) are of version 16, and normalization
is of version 9. Only combining classes, which never change, come from Python; `tokenizers` tells
which marks it knows.
"""
import pathlib
import unicodedata

import tokenizers
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

VERSION = "0.23.3"
OUT = pathlib.Path(__file__).parent / "unicode_data.c"
CODE_POINTS = range(0x110000)
SURROGATES = range(0xd800, 0xe000)
HANGUL = range(0xac00, 0xd7a4)
TEXT = "".join(chr(c) for c in CODE_POINTS if c not in SURROGATES)

CATEGORIES = ("Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So "
              "Zl Zp Zs").split()

# Scripts and their codes, in lower case and without '_', as their names are compared.
SCRIPTS = """adlam adlm, ahom ahom, anatolianhieroglyphs hluw, arabic arab, armenian armn,
avestan avst, balinese bali, bamum bamu, bassavah bass, batak batk, bengali beng, bhaiksuki bhks,
bopomofo bopo, brahmi brah, braille brai, buginese bugi, buhid buhd, canadianaboriginal cans,
carian cari, caucasianalbanian aghb, chakma cakm, cham cham, cherokee cher, chorasmian chrs,
common zyyy, coptic copt, cuneiform xsux, cypriot cprt, cyprominoan cpmn, cyrillic cyrl,
deseret dsrt, devanagari deva, divesakuru diak, dogra dogr, duployan dupl,
egyptianhieroglyphs egyp, elbasan elba, elymaic elym, ethiopic ethi, garay gara, georgian geor,
glagolitic glag, gothic goth, grantha gran, greek grek, gujarati gujr, gunjalagondi gong,
gurmukhi guru, gurungkhema gukh, han hani, hangul hang, hanifirohingya rohg, hanunoo hano,
hatran hatr, hebrew hebr, hiragana hira, imperialaramaic armi, inherited zinh,
inscriptionalpahlavi phli, inscriptionalparthian prti, javanese java, kaithi kthi, kannada knda,
katakana kana, kawi kawi, kayahli kali, kharoshthi khar, khitansmallscript kits, khmer khmr,
khojki khoj, khudawadi sind, kiratrai krai, lao laoo, latin latn, lepcha lepc, limbu limb,
lineara lina, linearb linb, lisu lisu, lycian lyci, lydian lydi, mahajani mahj, makasar maka,
malayalam mlym, mandaic mand, manichaean mani, marchen marc, masaramgondi gonm, medefaidrin medf,
meeteimayek mtei, mendekikakui mend, meroiticcursive merc, meroitichieroglyphs mero, miao plrd,
modi modi, mongolian mong, mro mroo, multani mult, myanmar mymr, nabataean nbat, nagmundari nagm,
nandinagari nand, newa newa, newtailue talu, nko nkoo, nushu nshu, nyiakengpuachuehmong hmnp,
ogham ogam, olchiki olck, oldhungarian hung, olditalic ital, oldnortharabian narb, oldpermic perm,
oldpersian xpeo, oldsogdian sogo, oldsoutharabian sarb, oldturkic orkh, olduyghur ougr,
olonal onao, oriya orya, osage osge, osmanya osma, pahawhhmong hmng, palmyrene palm,
paucinhau pauc, phagspa phag, phoenician phnx, psalterpahlavi phlp, rejang rjng, runic runr,
samaritan samr, saurashtra saur, sharada shrd, shavian shaw, siddham sidd, signwriting sgnw,
sinhala sinh, sogdian sogd, sorasompeng sora, soyombo soyo, sundanese sund, sunuwar sunu,
sylotinagri sylo, syriac syrc, tagalog tglg, tagbanwa tagb, taile tale, taitham lana,
taiviet tavt, takri takr, tamil taml, tangsa tnsa, tangut tang, telugu telu, thaana thaa,
thai thai, tibetan tibt, tifinagh tfng, tirhuta tirh, todhri todr, toto toto, tulutigalari tutg,
ugaritic ugar, vai vaii, vithkuqi vith, wancho wcho, warangciti wara, yezidi yezi, yi yiii,
zanabazarsquare zanb"""


def matches(pattern, text=TEXT):
    """The code points that a regular expression for one character matches."""
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return {ord(c) for piece, _ in split.pre_tokenize_str(text) for c in piece}


def values(names, empty):
    """For each code point the number of the one name whose property it has."""
    value = [0] * len(CODE_POINTS)
    any_of = "".join(rf"\p{{{name}}}" for name in names if name != empty)
    text = "".join(map(chr, sorted(matches(f"[{any_of}]"))))
    for number, name in enumerate(names):
        if name == empty:
            continue
        for c in matches(rf"\p{{{name}}}", text):
            assert value[c] == 0, (hex(c), name)
            value[c] = number
    return value


def numeric():
    """What Digits splits at. Around every character stand characters that are not numeric."""
    digits = pre_tokenizers.Digits(individual_digits=True)
    return {c for c in CODE_POINTS if c not in SURROGATES and
            len(digits.pre_tokenize_str("a" + chr(c) + "a")) == 3}


def word():
    """What makes a token with `single_word` no word of its own, before and after it alike."""
    t = Tokenizer.from_str('{"added_tokens":[{"id":1,"content":"Q","single_word":true,"lstrip":'
                           'false,"rstrip":false,"normalized":false,"special":false}],"model":'
                           '{"type":"BPE","vocab":{"a":0},"merges":[]}}')
    found = {ord("Q")}
    for c in TEXT.replace("Q", ""):
        alone = 1 in t.encode("Q" + c).ids
        assert alone == (1 in t.encode(c + "Q").ids), hex(ord(c))
        if not alone:
            found.add(ord(c))
    return found


def decompositions():
    """Canonical decompositions without Hangul, one step each: (character, first, second or None,
    whether the two compose)."""
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    whole = {c: nfd(c) for c in TEXT if ord(c) not in HANGUL and nfd(c) != c}
    by_form = {}
    for c, form in whole.items():
        by_form.setdefault(form, c)
    found = []
    for c, form in whole.items():
        first, second = (form[:-1], form[-1]) if len(form) > 1 else (form, None)
        if len(first) > 1:  # the decomposition of another character
            first = nfc(first) if len(nfc(first)) == 1 else by_form[first]
        found.append((c, first, second, second is not None and nfc(form) == c))
    return found


def combining():
    """Combining classes of the marks that `tokenizers` puts in order."""
    nfd = normalizers.NFD().normalize_str
    value = [0] * len(CODE_POINTS)
    for c in CODE_POINTS:
        of = unicodedata.combining(chr(c)) if c not in SURROGATES else 0
        if of == 0:
            continue
        # U+0345 has the greatest class and comes after any other mark; among its like, a mark of
        # class 1 comes before
        known = (nfd("\u0345" + chr(c)) == nfd(chr(c)) + "\u0345" or
                 nfd(chr(c) + "\u0334") == "\u0334" + nfd(chr(c)))
        value[c] = of if known else 0
    return value


def toggles(found):
    """The code points where membership changes, the first of which begins a range."""
    assert CODE_POINTS[-1] not in found
    return [c for c in CODE_POINTS if (c in found) != (c - 1 in found)]


def changes(value, bits):
    """Where the value changes: the code point above `bits` bits of value."""
    return [c << bits | value[c] for c in CODE_POINTS if c == 0 or value[c] != value[c - 1]]


def table(kind, name, items):
    """A constant array and its length."""
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) + 4 > 100:
            lines.append(line)
            line = ""
        line += (" " if line else "  ") + item + ","
    lines.append(line)
    return (f"const {kind} {name}[] = {{\n" + "\n".join(lines) + "\n};\n"
            f"const size_t {name}_count = {len(items)};\n")


def hexes(items):
    return [f"{i:#x}" for i in items]


HEAD = f"""/* SPDX-License-Identifier: Apache-2.0 AND Unicode-3.0
 *
 * Made by unicode_data.py from `tokenizers` {VERSION}; do not edit. The properties are those of the
 * Unicode Character Database, copyright 1991-2025 Unicode, Inc., under the Unicode License v3:
 * see LICENSE.unicode. */
#include "src/tokenizer/unicode.h"

/* clang-format off */
"""


def main():
    assert tokenizers.__version__ == VERSION, tokenizers.__version__
    scripts = [s.split() for s in SCRIPTS.split(",")]
    category = values(CATEGORIES, "Cn")
    for c in SURROGATES:
        category[c] = CATEGORIES.index("Cs")
    script = values(["unknown"] + [long for long, _ in scripts], "unknown")
    for number, (_, short) in enumerate(scripts, 1):
        members = "".join(chr(c) for c in CODE_POINTS if script[c] == number)
        assert len(matches(rf"\p{{{short}}}", members)) == len(members), short
    single = decompositions()
    ordered = sorted(single)
    pairs = sorted((a, b, i) for i, (c, a, b, composes) in enumerate(ordered) if composes)
    parts = [
        table("svf_tok_name", "svf_tok_category_names",
              [f'{{"{c}", {i}}}' for i, c in enumerate(CATEGORIES)]),
        table("svf_tok_name", "svf_tok_script_names",
              [f'{{"{n}", {i}}}' for i, s in enumerate(scripts, 1) for n in dict.fromkeys(s)]),
        table("uint32_t", "svf_tok_categories", hexes(changes(category, 8))),
        table("uint32_t", "svf_tok_scripts", hexes(changes(script, 8))),
        table("uint32_t", "svf_tok_numeric", hexes(toggles(numeric()))),
        table("uint32_t", "svf_tok_word", hexes(toggles(word()))),
        table("uint32_t", "svf_tok_combining", hexes(changes(combining(), 8))),
        table("svf_tok_decomposition", "svf_tok_decompositions",
              [f"{{{ord(c):#x}, {ord(a):#x}, {ord(b) if b else 0:#x}}}" for c, a, b, _ in ordered]),
        table("uint16_t", "svf_tok_compositions", [str(i) for _, _, i in pairs]),
    ]
    OUT.write_text(HEAD + "\n" + "\n".join(parts), encoding="ascii")
    print(OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
