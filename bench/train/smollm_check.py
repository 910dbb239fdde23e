# SPDX-License-Identifier: Apache-2.0
"""Checks a directory that smollm.py made.

usage: smollm_check.py CACHE DIRECTORY [--svf=PROGRAM] [--llama]        (smollm.sh calls it)

    transformers  the GGUF file, read by transformers itself and rounded to bf16: its weights have
                  the same bits, its fp32 logits differ by at most 1e-5 of the largest
    tokenizer     hard texts come back from their ids; a prompt in its chat template has the ids of
                  the markers
    svf           ids are equal; f32 logits of a dense model are within 1e-4 of the largest logit,
                  and the likeliest token is the same; answers to chats are equal, and printed
    llama.cpp     ids are equal, and logits of the GGUF file itself as near as 8-bit activations
                  allow

Exits with 1 if a check fails.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from smollm import GGUF_NAME

TEXTS = pathlib.Path(__file__).parents[2] / "tests" / "tokenizer" / "golden" / "texts.json"
GGUF_TOLERANCE = 1e-5  # of the largest logit
SVF_TOLERANCE = 1e-4  # the same
LLAMA_NMSE = 1e-3  # of logits, by position
QUESTIONS = ["What is the capital of France?", "Name three colours.",
             "Write a sentence about the sea."]
ANSWER = (0, "Paris")  # to question 0, in the answer
NEW_TOKENS = 48
PROMPTS = [
    "The capital of France is",
    "2 * 9 = 18\n11 * 10 = 110\n7 - 2 = 5\n1 + 6 = 7\n9 * 5 =",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. 敏捷的棕色狐狸 🙂",
    "<|im_start|>user\nWhat is 12 * 7?<|im_end|>\n<|im_start|>assistant\n",
    " ".join(f"Line {i} of a longer text says that {i} and {i + 1} make {2 * i + 1}."
             for i in range(12)),
]
# With all random texts, 26 of 1085 have other ids if digits are not split first.
HARD = ["", " ", "  ", "   a", "a   ", "\n\n\n", " \n \t x", "\r\n", "0", "00", "007", "1234567890",
        "3.14159", "1,234,567.89", "v1.2.3-rc4", "x1y2z3", " 1", "  12", "\t12", "12\n34", "½ ² Ⅷ",
        "٣٤٥", "१२३", "𝟘𝟙", "it's I'LL we're 'twas 's's", "can't123't", "e\u0301 é ﬁ ﷺ",
        "👩‍👩‍👧‍👦🇩🇪", "a\u00a0b\u2003c\u3000d", "\u200b\u200d\ufeff", "<|im_start|>",
        "<|im_end|><|im_end|>", "a<|im_start|>b",
        " <|im_start|> ", "<|im_start|>user\nHi 42<|im_end|>\n", "<|im_start|",
        "<|IM_START|>", "<repo_name>x<file_sep>y", "<|endoftext|>12<|endoftext|>",
        "<empty_output>7", "{{ '<|im_end|>' }}", "if x:\n\treturn 10**9+7\n", "    \n    return",
        "http://a.b/c?d=1&e=%20"]

failed = False


def say(good, text):
    global failed
    failed |= not good
    print(f"{'ok    ' if good else 'FAILED'} {text}", flush=True)


# --- transformers ---------------------------------------------------------------------------------


def open_model(directory, **kwargs):
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32,
                                                 attn_implementation="eager", **kwargs)
    return model.eval()


@torch.no_grad()
def logits_of(model, ids):
    return model(torch.tensor([ids])).logits[0].numpy()


def farthest(a, b):
    """The largest difference, relative to the largest of b."""
    return float(np.abs(a - b).max() / np.abs(b).max())


@torch.no_grad()
def round_to_bf16(model):
    for weights in model.state_dict().values():
        weights.copy_(weights.to(torch.bfloat16))


def say_rounding(logits, exact):
    top = np.concatenate([a.argmax(1) == b.argmax(1) for a, b in zip(logits, exact)])
    print(f"       rounding to bf16 moves logits by {max(map(farthest, logits, exact)):.1e} of the "
          f"largest at most; the likeliest token stays at {top.sum()} of {top.size} positions")


def check_gguf(cache, model, prompts):
    """Returns the logits of the directory and of the GGUF file before it is rounded."""
    peer = open_model(cache, gguf_file=GGUF_NAME)
    exact = [logits_of(peer, ids) for ids in prompts]
    round_to_bf16(peer)
    ours, theirs = model.state_dict(), peer.state_dict()
    say(ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours),
        f"transformers: all {len(ours)} tensors are those of the GGUF file in bf16, bit for bit")
    logits = [logits_of(model, ids) for ids in prompts]
    worst = max(farthest(a, logits_of(peer, ids)) for a, ids in zip(logits, prompts))
    say(worst <= GGUF_TOLERANCE, f"transformers: logits differ by {worst:.1e} of the largest, "
        f"allowed {GGUF_TOLERANCE:.0e}")
    say_rounding(logits, exact)
    return logits, exact


# --- The tokenizer --------------------------------------------------------------------------------


def bytes_to_unicode():
    """The character that stands for each byte in the vocabulary, as GPT-2 chose them."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def random_text(source):
    planes = [(32, 127), (32, 127), (48, 58), (9, 14), (0xa0, 0x600), (0x900, 0xd00),
              (0x2000, 0x2c00), (0x3000, 0xa000), (0x1d400, 0x1d800), (0x1f300, 0x1fa00)]
    count = source.randrange(1, 40)
    return "".join(chr(source.randrange(*source.choice(planes))) for _ in range(count))


def hard_texts():
    golden = [t for t in json.loads(TEXTS.read_text()) if isinstance(t, str)]
    source = random.Random(1)
    return HARD + golden + [random_text(source) for _ in range(500)]


def check_tokenizer(tokenizer, texts):
    """Bytes that no token has are lost, and no others."""
    alphabet = bytes_to_unicode()
    unknown = {byte for byte, c in alphabet.items() if c not in tokenizer.get_vocab()}
    ids = [tokenizer.encode(text) for text in texts]
    kept = [bytes(b for b in text.encode() if b not in unknown) for text in texts]
    bad = [t for t, i, k in zip(texts, ids, kept)
           if tokenizer.decode(i) != k.decode(errors="replace")]
    say(not bad, f"tokenizer: {len(texts) - len(bad)} of {len(texts)} texts come back from their "
        f"ids but for the {len(unknown)} bytes that have no token; first other: {bad[:1]}")
    digits = [i for n in range(10) for i in tokenizer.encode(str(n))]
    long = "".join(map(str, range(10))) * 3
    say(tokenizer.encode(long) == digits * 3, "tokenizer: every digit is a token")
    return ids


def chat(tokenizer, question):
    return tokenizer.apply_chat_template([{"role": "user", "content": question}], tokenize=False,
                                         add_generation_prompt=True)


def check_template(tokenizer):
    text = chat(tokenizer, QUESTIONS[0])
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    ids = tokenizer.encode(text)
    say(ids.count(start) == 3 and ids.count(end) == 2 and tokenizer.eos_token_id == end,
        "tokenizer: a chat in its template has the ids of its markers")


# --- svf ------------------------------------------------------------------------------------------


def svf(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{program} {arguments[0]}: {done.stderr}")
    return done.stdout


def svf_ids(program, directory, prompt):
    report = json.loads(svf(program, "logits", "--json", "--top=1", "--", directory, prompt))
    return [position["token"] for position in report["positions"]]


def svf_logits(program, directory, prompt):
    with tempfile.TemporaryDirectory() as scratch:
        path = f"{scratch}/logits.safetensors"
        svf(program, "logits", "-q", "-f", "f32", "-o", path, "--", directory, prompt)
        return next(iter(load_file(path).values()))


def joined(texts, limit=1000):
    """Texts in lines, in prompts of about that many characters; arguments cannot hold a NUL."""
    part = ""
    for text in texts:
        if "\0" in text:
            continue
        part += text + "\n"
        if len(part) > limit:
            yield part
            part = ""
    yield part


def check_svf_logits(program, directory, prompts, logits):
    worst, same, positions = 0.0, 0, 0
    for prompt, theirs in zip(prompts, logits):
        ours = svf_logits(program, directory, prompt)
        worst = max(worst, farthest(ours, theirs))
        same += int((ours.argmax(1) == theirs.argmax(1)).sum())
        positions += len(theirs)
    say(worst <= SVF_TOLERANCE, f"svf: logits differ by {worst:.1e} of the largest, allowed "
        f"{SVF_TOLERANCE:.0e}")
    say(same == positions, f"svf: the likeliest token is the same at {same} of {positions}")


def check_svf_ids(program, directory, tokenizer, texts):
    parts = list(joined(HARD + texts[len(HARD)::10]))  # a tenth, since all take minutes
    same = sum(svf_ids(program, directory, part) == tokenizer.encode(part) for part in parts)
    say(same == len(parts), f"svf: ids are equal in {same} of {len(parts)} prompts of hard texts")


@torch.no_grad()
def answer(model, tokenizer, prompt):
    ids = torch.tensor([tokenizer.encode(prompt)])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False,
                         max_new_tokens=NEW_TOKENS)
    return tokenizer.decode(out[0, ids.shape[1]:], skip_special_tokens=True)


def check_svf_answers(program, directory, model, tokenizer):
    for i, question in enumerate(QUESTIONS):
        prompt = chat(tokenizer, question)
        ours = json.loads(svf(program, "generate", "--json", "-n", str(NEW_TOKENS), "-f", "f32",
                              "--", directory, prompt))["text"]
        good = ours == answer(model, tokenizer, prompt) and (i != ANSWER[0] or ANSWER[1] in ours)
        say(good, f"svf: {question} -> {ours!r}")


def check_svf(program, directory, model, tokenizer, logits, texts):
    check_svf_logits(program, directory, PROMPTS, logits)
    check_svf_ids(program, directory, tokenizer, texts)
    check_svf_answers(program, directory, model, tokenizer)


# --- llama.cpp ------------------------------------------------------------------------------------


def check_llama(cache, prompts, exact, texts, ids):
    from llama_cpp import Llama
    peer = Llama(str(cache / GGUF_NAME), n_ctx=1024, logits_all=True, verbose=False,
                 n_threads=1, n_threads_batch=1)  # on a busy machine two wait for each other
    theirs = [peer.tokenize(text.encode(), add_bos=False, special=True) for text in texts]
    other = [text for text, a, b in zip(texts, ids, theirs) if a != b]
    say(not other, f"llama.cpp: ids are equal in {len(texts) - len(other)} of {len(texts)} texts; "
        f"first other: {other[:1]}")
    nmse = []
    for tokens, expected in zip(prompts, exact):
        peer.reset()
        peer.eval(tokens)
        found = peer.scores[:len(tokens)]
        nmse += list(((found - expected) ** 2).sum(1) / (expected ** 2).sum(1))
    say(np.median(nmse) <= LLAMA_NMSE, f"llama.cpp: squared error of logits, median over "
        f"{len(nmse)} positions {np.median(nmse):.1e}, allowed {LLAMA_NMSE:.0e}; "
        f"largest {np.max(nmse):.1e}")


# --- All ------------------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("cache", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--svf")
    parser.add_argument("--llama", action="store_true")
    return parser.parse_args()


def main():
    options = arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    model = open_model(options.directory)
    tokenizer = AutoTokenizer.from_pretrained(options.directory)
    texts = hard_texts()
    ids = check_tokenizer(tokenizer, texts)
    check_template(tokenizer)
    prompts = [tokenizer.encode(prompt) for prompt in PROMPTS]
    logits, exact = check_gguf(options.cache, model, prompts)
    if options.svf:
        check_svf(options.svf, str(options.directory), model, tokenizer, logits, texts)
    else:
        print("       svf: not compared, since --svf is not given")
    if options.llama:
        check_llama(options.cache, prompts, exact, texts, ids)
    else:
        print("       llama.cpp: not compared, since --llama is not given")
    return failed


if __name__ == "__main__":
    sys.exit(main())
