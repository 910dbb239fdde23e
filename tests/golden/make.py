#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tiny models with random weights, written and run by Hugging Face transformers.

make.py [--verify] [NAME...]

Every directory is a checkpoint from save_pretrained plus golden.safetensors, what transformers
computes from the files as they were read back. transformers 4 and 5 spell config.json differently
and both spellings are in the world, so each model names the major version that has to write it: run
this once under each. --verify writes nothing and compares the logits of the committed files with
those of the installed versions.
"""
import argparse
import pathlib
import platform
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file
from transformers import LlamaConfig, MistralConfig, Qwen2Config

HERE = pathlib.Path(__file__).resolve().parent
MAJOR = int(transformers.__version__.split(".")[0])
PROMPTS = (1, 5, 17, 40)
NEW_TOKENS = 24
MIN_MARGIN = 1e-2  # of the best over the second best logit; other programs round differently
MIN_DISTINCT = 12  # of 24 greedy tokens: a loop over two tokens would test little
MIN_GAP = 5e-4  # between neighbouring singular values, relative to the largest
MAX_BYTES = 300_000
MLP = ("gate_proj", "up_proj", "down_proj")
ALL = ("q_proj", "k_proj", "v_proj", "o_proj") + MLP


def llama3_rope(factor, original):
    return {"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": original}


def shape(hidden, intermediate, layers, heads, kv_heads, vocab, **more):
    return {"hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocab,
            "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 512, **more}


# name: (major version of transformers, configuration, stored type, bytes per shard, matrices of the
# expert). README.md says what each is there for.
MODELS = {
    "llama2": (4, LlamaConfig(**shape(
        48, 88, 2, 4, 4, 131, rope_theta=1e4, rms_norm_eps=1e-5, tie_word_embeddings=False)),
        torch.float32, None, ()),
    "llama3": (4, LlamaConfig(**shape(
        40, 88, 2, 8, 2, 128, head_dim=16, rope_theta=5e5, rope_scaling=llama3_rope(8.0, 64),
        rms_norm_eps=1e-5, tie_word_embeddings=True)),
        torch.float32, None, MLP),
    "mistral": (4, MistralConfig(**shape(
        40, 88, 2, 4, 2, 131, head_dim=16, rope_theta=1e4, sliding_window=8, rms_norm_eps=1e-5,
        tie_word_embeddings=False)),
        torch.float32, None, ()),
    "qwen2": (4, Qwen2Config(**shape(
        48, 88, 2, 4, 2, 151, rope_theta=1e6, rms_norm_eps=1e-6, use_sliding_window=False,
        tie_word_embeddings=True)),
        torch.float32, None, ALL),
    "qwen2-window": (5, Qwen2Config(**shape(
        32, 88, 3, 4, 2, 151, rope_theta=1e6, rms_norm_eps=1e-6, use_sliding_window=True,
        sliding_window=8, max_window_layers=1, tie_word_embeddings=True)),
        torch.float32, None, ()),
    "tinyllama": (4, LlamaConfig(**shape(
        64, 72, 2, 16, 2, 128, rope_theta=1e4, rms_norm_eps=1e-5, tie_word_embeddings=False)),
        torch.float32, None, ()),
    "smollm": (5, LlamaConfig(**shape(
        48, 88, 2, 3, 1, 257, rope_theta=1e4, rms_norm_eps=1e-5, tie_word_embeddings=True)),
        torch.float32, None, ()),
    "llama-bf16-sharded": (5, LlamaConfig(**shape(
        64, 104, 3, 8, 4, 128, rope_theta=5e5, rope_scaling=llama3_rope(32.0, 256),
        rms_norm_eps=1e-5, tie_word_embeddings=False)),
        torch.bfloat16, "64KB", ()),
    "mistral-f16": (4, MistralConfig(**shape(
        56, 88, 2, 7, 7, 257, rope_theta=1e6, sliding_window=None, rms_norm_eps=1e-5,
        tie_word_embeddings=False)),
        torch.float16, None, ()),
}


def randomise(model, rng):
    """Weights with which attention is far from uniform and no term is lost in the others."""
    for name, parameter in model.named_parameters():
        draw = torch.from_numpy(rng.standard_normal(tuple(parameter.shape)))
        if name.endswith("norm.weight"):
            draw = 1 + 0.2 * draw
        elif name.endswith("bias"):
            draw = 0.3 * draw
        else:
            # Small embeddings: the epsilon of the first RMSNorm is to matter.
            draw = (0.03 if "embed_tokens" in name else 0.25) * draw
        parameter.data.copy_(draw)
    ids = torch.from_numpy(rng.integers(3, model.config.vocab_size, (1, 40)))
    model.model.norm.weight.data *= 1.5 / model(ids).logits.std()


def smallest_gap(weights):
    """The smallest gap between neighbouring singular values of any of these matrices."""
    gaps = [-np.diff(np.linalg.svd(w, compute_uv=False)) for w in weights]
    return min(gap.min() / np.linalg.norm(w, 2) for gap, w in zip(gaps, weights))


def expert_matrices(model, kinds):
    """Module name -> module."""
    return {name: module for name, module in model.named_modules()
            if name.rsplit(".", 1)[-1] in kinds}


def read_back(path):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config.eos_token_id = None  # continuations have a fixed length
    model.generation_config.pad_token_id = 0
    return model


def logits_of(model, prompt):
    return model(torch.from_numpy(prompt)[None]).logits[0].numpy()


def greedy(model, prompt):
    """The continuation, and at each step the lead of its token; None where either is too weak."""
    out = model.generate(torch.from_numpy(prompt)[None], do_sample=False,
                         max_new_tokens=NEW_TOKENS, output_logits=True,
                         return_dict_in_generate=True)
    tokens = out.sequences[0, len(prompt):].numpy()
    steps = torch.cat(out.logits).numpy()
    best = np.sort(steps, axis=1)[:, -2:]
    margin = best[:, 1] - best[:, 0]
    if margin.min() < MIN_MARGIN or len(set(tokens)) < MIN_DISTINCT:
        return None
    uncached = logits_of(model, np.concatenate([prompt, tokens]))[len(prompt) - 1:-1]
    assert np.array_equal(uncached.argmax(axis=1), tokens), "the KV cache changes tokens"
    assert np.allclose(uncached, steps, rtol=0, atol=1e-5 * np.abs(steps).max())
    return tokens, margin


def check_batch(model, golden):
    """All prompts as one batch, padded on the left, continue as each does alone."""
    longest = max(PROMPTS)
    ids = np.zeros((len(PROMPTS), longest), dtype=np.int64)
    mask = np.zeros_like(ids)
    for k, length in enumerate(PROMPTS):
        ids[k, longest - length:] = golden[f"ids.{k}"]
        mask[k, longest - length:] = 1
    out = model.generate(torch.from_numpy(ids), attention_mask=torch.from_numpy(mask),
                         do_sample=False, max_new_tokens=NEW_TOKENS)
    for k in range(len(PROMPTS)):
        assert np.array_equal(out[k, longest:].numpy(), golden[f"greedy.{k}"]), "batched"


def run_prompts(model, rng):
    golden = {}
    for k, length in enumerate(PROMPTS):
        found = None
        while found is None:
            prompt = rng.integers(3, model.config.vocab_size, length, dtype=np.int64)
            found = greedy(model, prompt)
        golden[f"ids.{k}"] = prompt
        golden[f"logits.{k}"] = logits_of(model, prompt)
        golden[f"greedy.{k}"], golden[f"margin.{k}"] = found
    return golden


def apply_expert(model, kinds, rng):
    """Replaces every W by c·U diag(σz) Vᵀ; returns the vectors z."""
    z = {}
    for name, module in expert_matrices(model, kinds).items():
        u, sigma, vt = np.linalg.svd(module.weight.numpy().astype(np.float64),
                                     full_matrices=False)
        z[name + ".z"] = rng.uniform(0.8, 1.2, len(sigma)).astype(np.float32)
        scaled = sigma * z[name + ".z"]
        adapted = (u * (scaled * sigma.sum() / scaled.sum())) @ vt
        module.weight.data.copy_(torch.from_numpy(adapted))
    return z


def make(name):
    _, config, dtype, shard, kinds = MODELS[name]
    path = HERE / name
    shutil.rmtree(path, ignore_errors=True)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    for seed in range(100):
        rng = np.random.default_rng(seed)
        randomise(model, rng)
        matrices = [m.weight.numpy() for m in expert_matrices(model, kinds).values()]
        if not matrices or smallest_gap(matrices) > MIN_GAP:
            break
    else:
        sys.exit(f"{name}: no seed with separate singular values")
    model.to(dtype).save_pretrained(path, **({"max_shard_size": shard} if shard else {}))

    model = read_back(path)
    golden = run_prompts(model, rng)
    check_batch(model, golden)
    # One entry: safetensors writes several in an order of its own, and remade files shall be equal.
    metadata = {"made_by": f"torch {torch.__version__}, transformers {transformers.__version__}, "
                           f"numpy {np.__version__}, python {platform.python_version()}, "
                           f"seed {seed}"}
    if kinds:
        z = apply_expert(model, kinds, rng)
        save_file(z, path / "expert.safetensors", metadata)
        for k in range(len(PROMPTS)):
            golden[f"svf.logits.{k}"] = logits_of(model, golden[f"ids.{k}"])
    save_file(golden, path / "golden.safetensors", metadata)
    size = sum(file.stat().st_size for file in path.iterdir())
    assert size <= MAX_BYTES, f"{name}: {size} bytes"
    margin = min(golden[f"margin.{k}"].min() for k in range(len(PROMPTS)))
    print(f"{name}: {size} bytes, seed {seed}, smallest margin {margin:.3f}")


def verify(name):
    if MODELS[name][0] > MAJOR:
        print(f"{name}: transformers {MAJOR} does not know this spelling of config.json")
        return
    model, golden = read_back(HERE / name), load_file(HERE / name / "golden.safetensors")
    worst = 0.0
    for k in range(len(PROMPTS)):
        want = golden[f"logits.{k}"]
        worst = max(worst, np.abs(logits_of(model, golden[f"ids.{k}"]) - want).max()
                    / np.abs(want).max())
    check_batch(model, golden)
    print(f"{name}: {worst:.1e}")
    assert worst <= 1e-5, name


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--verify", action="store_true", help="compare, write nothing")
    parser.add_argument("name", nargs="*", help="default: all that this transformers may write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with torch.no_grad():
        for name in arguments.name or MODELS:
            if arguments.verify:
                verify(name)
            elif MODELS[name][0] == MAJOR:
                make(name)
            elif arguments.name:
                sys.exit(f"{name} is written by transformers {MODELS[name][0]}, not {MAJOR}")


if __name__ == "__main__":
    main()
