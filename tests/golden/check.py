#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes the golden data from the files alone, in double precision, with nothing but numpy.

check.py [NAME...]

The logits of every prompt, the greedy tokens and the experts' logits have to agree with what
transformers stored. Then each thing a model is there for is done wrong on purpose: logits that did
not move would mean that the golden data cannot tell.
"""
import json
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MAX_ERROR = 1e-5  # largest difference over the largest logit
MIN_MARGIN = 1e-3
MIN_EFFECT = 1e-3  # of a mistake, measured like an error: ten times what svf is allowed
MAX_BYTES = 300_000


def read_safetensors(path):
    """Name -> array; floating-point types as double."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = data[start + begin:start + end]
        if entry["dtype"] == "BF16":
            flat = (np.frombuffer(raw, "<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            flat = np.frombuffer(raw, {"F32": "<f4", "F16": "<f2", "I64": "<i8"}[entry["dtype"]])
        flat = flat if entry["dtype"] == "I64" else flat.astype(np.float64)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def read_weights(path):
    index = path / "model.safetensors.index.json"
    if not index.exists():
        return read_safetensors(path / "model.safetensors")
    where = json.loads(index.read_text())["weight_map"]
    shards = {file: read_safetensors(path / file) for file in set(where.values())}
    return {name: shards[file][name] for name, file in where.items()}


def read_config(path):
    """What the forward pass needs, from either spelling of config.json."""
    raw = json.loads((path / "config.json").read_text())
    rope = raw.get("rope_parameters") or {"rope_theta": raw["rope_theta"],
                                          **(raw.get("rope_scaling") or {})}
    layers, window = raw["num_hidden_layers"], raw.get("sliding_window")
    windowed_from = 0
    if raw["model_type"] == "qwen2":
        windowed_from = raw["max_window_layers"]
        window = window if raw["use_sliding_window"] else None
    windows = [window if i >= windowed_from else None for i in range(layers)]
    if "layer_types" in raw:
        assert [w is not None for w in windows] == [t == "sliding_attention"
                                                    for t in raw["layer_types"]]
    heads = raw["num_attention_heads"]
    return {"layers": layers, "heads": heads, "kv_heads": raw["num_key_value_heads"],
            "head_dim": raw.get("head_dim") or raw["hidden_size"] // heads,
            "eps": raw["rms_norm_eps"], "rope": rope, "windows": windows,
            "tied": raw["tie_word_embeddings"], "rotate": "halves", "kv_of": "blocks"}


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def frequencies(config):
    """Radians per position of the head_dim/2 pairs."""
    rope, dim = config["rope"], config["head_dim"]
    freq = rope["rope_theta"] ** (-np.arange(0, dim, 2) / dim)
    if rope.get("rope_type") != "llama3":
        return freq
    # Turns within the original context: many keep their frequency, few are slowed down by factor,
    # and between the two the frequency is interpolated.
    turns = rope["original_max_position_embeddings"] * freq / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    keep = np.clip((turns - low) / (high - low), 0, 1)
    return keep * freq + (1 - keep) * freq / rope["factor"]


def rotate(x, config):
    """x[heads][n][head_dim]; pair i of a head is elements i and i + head_dim/2."""
    angle = np.arange(x.shape[1])[:, None] * frequencies(config)
    cos, sin = np.cos(angle), np.sin(angle)
    half = x.shape[2] // 2
    first, second = (slice(0, half), slice(half, None))
    if config["rotate"] == "neighbours":
        first, second = slice(0, None, 2), slice(1, None, 2)
    out = np.empty_like(x)
    out[..., first] = x[..., first] * cos - x[..., second] * sin
    out[..., second] = x[..., second] * cos + x[..., first] * sin
    return out


def linear(x, weights, name):
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def attention(x, config, weights, layer):
    n, heads, kv_heads = len(x), config["heads"], config["kv_heads"]
    name = f"model.layers.{layer}.self_attn."

    def split(which, count):  # [n][count * head_dim] -> [count][n][head_dim]
        return linear(x, weights, name + which).reshape(n, count, -1).transpose(1, 0, 2)

    q, k = rotate(split("q_proj", heads), config), rotate(split("k_proj", kv_heads), config)
    kv = np.arange(heads) // (heads // kv_heads)  # query heads share a kv head in blocks
    if config["kv_of"] == "turns":
        kv = np.arange(heads) % kv_heads
    k, v = k[kv], split("v_proj", kv_heads)[kv]

    age = np.arange(n)[:, None] - np.arange(n)  # of a key, seen from a query
    window = config["windows"][layer]
    visible = (age >= 0) & (age < (window or n))  # the window counts the query's own position
    score = np.where(visible, q @ k.transpose(0, 2, 1) / np.sqrt(config["head_dim"]), -np.inf)
    score = np.exp(score - score.max(axis=-1, keepdims=True))
    out = score / score.sum(axis=-1, keepdims=True) @ v
    return linear(out.transpose(1, 0, 2).reshape(n, -1), weights, name + "o_proj")


def mlp(x, weights, layer):
    name = f"model.layers.{layer}.mlp."
    gate = linear(x, weights, name + "gate_proj")
    return linear(gate / (1 + np.exp(-gate)) * linear(x, weights, name + "up_proj"), weights,
                  name + "down_proj")


def forward(config, weights, ids):
    """Logits [n][vocab]."""
    def norm(x, name):
        return rms_norm(x, weights[name + ".weight"], config["eps"])

    x = weights["model.embed_tokens.weight"][ids]
    for i in range(config["layers"]):
        name = f"model.layers.{i}."
        x = x + attention(norm(x, name + "input_layernorm"), config, weights, i)
        x = x + mlp(norm(x, name + "post_attention_layernorm"), weights, i)
    head = "model.embed_tokens" if config["tied"] else "lm_head"
    return linear(norm(x, "model.norm"), weights, head)


def with_expert(weights, expert, normalise=True):
    """W' = c·U diag(σz) Vᵀ for every z of the expert."""
    weights = dict(weights)
    for name, z in expert.items():
        module = name.removesuffix(".z") + ".weight"
        u, sigma, vt = np.linalg.svd(weights[module], full_matrices=False)
        c = sigma.sum() / (sigma * z).sum() if normalise else 1.0
        weights[module] = (u * (c * sigma * z)) @ vt
    return weights


def mistakes(config, weights):
    """(what is done wrong, configuration, weights) for everything that this model can reveal."""
    def config_with(**changes):
        return {**config, **changes}

    def rope_with(**changes):
        return config_with(rope={**config["rope"], **changes})

    yield "theta", rope_with(rope_theta=2 * config["rope"]["rope_theta"]), weights
    yield "neighbours rotated", config_with(rotate="neighbours"), weights
    yield "eps", config_with(eps=10 * config["eps"]), weights
    norms = {name: np.ones_like(w) for name, w in weights.items()
             if name.endswith("layernorm.weight")}
    yield "norms of one", config, {**weights, **norms}
    if 1 < config["kv_heads"] < config["heads"]:
        yield "kv heads in turns", config_with(kv_of="turns"), weights
    if config["rope"].get("rope_type") == "llama3":
        low, high = config["rope"]["low_freq_factor"], config["rope"]["high_freq_factor"]
        yield "no rope scaling", rope_with(rope_type="default"), weights
        yield "middle band kept", rope_with(high_freq_factor=low + 1e-9), weights
        yield "middle band slowed", rope_with(low_freq_factor=high - 1e-9), weights
        yield "every band slowed", rope_with(low_freq_factor=1e9, high_freq_factor=2e9), weights
    windows = config["windows"]
    if any(windows):
        size = max(w or 0 for w in windows)
        yield "no window", config_with(windows=[None] * len(windows)), weights
        for step in (1, -1):
            yield (f"window {step:+d}", config_with(windows=[w and w + step for w in windows]),
                   weights)
        for i, window in enumerate(windows):
            other = windows[:i] + [None if window else size] + windows[i + 1:]
            yield f"window of layer {i}", config_with(windows=other), weights
    for module in sorted({name.split(".")[-2] for name in weights if name.endswith(".bias")}):
        rest = {k: w for k, w in weights.items() if not k.endswith(module + ".bias")}
        yield f"no bias of {module}", config, rest


def distance(have, want):
    return np.abs(have - want).max() / np.abs(want).max()


def check_greedy(config, weights, ids, tokens):
    logits = forward(config, weights, np.concatenate([ids, tokens]))[len(ids) - 1:-1]
    best = np.sort(logits, axis=1)
    assert np.array_equal(logits.argmax(axis=1), tokens), "greedy tokens"
    assert (best[:, -1] - best[:, -2]).min() > MIN_MARGIN, "margin"


def check(name):
    path = HERE / name
    config, weights = read_config(path), read_weights(path)
    assert config["tied"] == ("lm_head.weight" not in weights)
    assert sum(file.stat().st_size for file in path.iterdir()) <= MAX_BYTES
    golden = read_safetensors(path / "golden.safetensors")
    prompts = sorted(int(tensor[4:]) for tensor in golden if tensor.startswith("ids."))
    error = 0.0
    for k in prompts:
        ids, want = golden[f"ids.{k}"], golden[f"logits.{k}"]
        error = max(error, distance(forward(config, weights, ids), want))
        check_greedy(config, weights, ids, golden[f"greedy.{k}"])

    ids, want = (golden[f"{what}.{prompts[-1]}"] for what in ("ids", "logits"))
    effects = {what: distance(forward(c, w, ids), want)
               for what, c, w in mistakes(config, weights)}
    if (path / "expert.safetensors").exists():
        expert = read_safetensors(path / "expert.safetensors")
        adapted = with_expert(weights, expert)
        for k in prompts:
            error = max(error, distance(forward(config, adapted, golden[f"ids.{k}"]),
                                        golden[f"svf.logits.{k}"]))
        want = golden[f"svf.logits.{prompts[-1]}"]
        effects["no expert"] = distance(forward(config, weights, ids), want)
        effects["expert without c"] = distance(
            forward(config, with_expert(weights, expert, normalise=False), ids), want)

    print(f"{name}: error {error:.1e}; " +
          ", ".join(f"{what} {effect:.0e}" for what, effect in effects.items()))
    assert error <= MAX_ERROR, f"{name}: error {error}"
    for what, effect in effects.items():
        assert effect >= MIN_EFFECT, f"{name} cannot tell: {what}"


def main():
    names = sys.argv[1:] or sorted(file.parent.name for file in HERE.glob("*/golden.safetensors"))
    assert names, "no golden data"
    for name in names:
        check(name)


if __name__ == "__main__":
    main()
