#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reader of packed models that was written from include/svf/FILES.md and from nothing else.

usage: read_packed.py [--only=TEXT] PACKED SOURCE [EXPERT]

Checks every packed block of the model PACKED byte for byte, and compares its weights with those of
SOURCE, the model in factors (or dense) that it was packed from: f32 and bf16 exactly, integers by their
error. With an EXPERT, also that it belongs to these factors. --only=TEXT reads the layers whose names
contain TEXT. Exit status 1 and a message if anything is not as the page says. Standard library only.
"""
import array
import json
import math
import pathlib
import struct
import sys

MASK = (1 << 64) - 1
PRIME, BASIS = 0x100000001b3, 0xcbf29ce484222325

# format: name, weights of the first part and of the rest, groups
FORMATS = [('f32', 'f32', {0}), ('bf16', 'bf16', {0}), ('bf16-split', 'bf16', {0}), ('s8', 's8', {256}),
           ('s8-split', 's8', {256}), ('w8', 'w8', {32, 64, 128}), ('w4', 'w4', {32, 64, 128}),
           ('w84', 'w84', {32, 64, 128})]

# Squared error of the weights, relative, that quantising explains; a wrong layout gives about 2.
ALLOWED = {'s8': 3e-4, 'w8': 1e-4, 'w4': 2e-2, 'w84': 2e-2}


class Bad(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Bad(message)


def up(x, k):
    return (x + k - 1) // k * k


# --- Safetensors -----------------------------------------------------------------------------------


def read_safetensors(path):
    """{name: (dtype, shape, bytes)} and the metadata."""
    raw = path.read_bytes()
    require(len(raw) >= 8, f'{path}: no header')
    length = int.from_bytes(raw[:8], 'little')
    require(length <= len(raw) - 8, f'{path}: the header is longer than the file')
    header = json.loads(raw[8:8 + length])
    metadata = header.pop('__metadata__', {})
    data, at, tensors = raw[8 + length:], 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
        begin, end = entry['data_offsets']
        require(begin == at, f'{path}: {name} does not begin where the one before it ends')
        tensors[name] = (entry['dtype'], entry['shape'], data[begin:end])
        at = end
    require(at == len(data), f'{path}: bytes after the last tensor')
    return tensors, metadata


def read_model(directory):
    whole = directory / 'model.safetensors'
    if whole.exists():
        return read_safetensors(whole)
    index = json.loads((directory / 'model.safetensors.index.json').read_text())
    tensors = {}
    for shard in sorted(set(index['weight_map'].values())):
        tensors.update(read_safetensors(directory / shard)[0])
    require(tensors.keys() == index['weight_map'].keys(), f'{directory}: index and shards disagree')
    return tensors, index.get('metadata', {})


def widen_bf16(values):
    return array.array('f', struct.pack(f'<{len(values)}I', *(v << 16 for v in values)))


def floats(tensor):
    dtype, _, raw = tensor
    values = array.array({'F32': 'f', 'BF16': 'H'}[dtype])
    values.frombytes(raw)
    if sys.byteorder == 'big':
        values.byteswap()
    return widen_bf16(values) if dtype == 'BF16' else values


# --- Digests ---------------------------------------------------------------------------------------


def step(total, word):
    total = (total ^ word) * PRIME & MASK
    return total ^ total >> 32


def checksum(block, order):
    lanes = [BASIS + i for i in range(8)]
    words = struct.unpack(f'{order}{len(block) // 8}Q', block)
    for i, word in enumerate(words):
        if i != 10: # the place of the checksum itself
            lanes[i % 8] = step(lanes[i % 8], word)
        else:
            lanes[i % 8] = step(lanes[i % 8], 0)
    total = BASIS
    for lane in lanes:
        total = step(total, lane)
    return total or 1


def fingerprint(sigmas):
    """Of {name: array of sigma}."""
    digest = BASIS
    for name in sorted(sigmas, key=lambda text: text.encode()):
        sigma = sigmas[name]
        raw = name.encode() + b'\0' + len(sigma).to_bytes(8, 'little') + struct.pack(f'<{len(sigma)}f', *sigma)
        for byte in raw:
            digest = (digest ^ byte) * PRIME & MASK
    return f'{digest or 1:016x}'


# --- Packed block ----------------------------------------------------------------------------------


class Header:
    def __init__(self, block):
        require(len(block) >= 128, 'a block has at least 128 bytes')
        require(block[:8] == b'SVFLIN\r\n', 'wrong magic')
        self.order = {b'\4\3\2\1': '<', b'\1\2\3\4': '>'}.get(block[8:12])
        require(self.order, 'no byte order')
        (version, self.format, self.group, self.m, self.n, self.r, self.bytes, self.sigma_offset, self.v_offset,
         self.u_offset, self.checksum, self.head, *reserved) = struct.unpack(self.order + '3I9Q4Q', block[12:128])
        require(version == 1, f'version {version}')
        require(self.format < len(FORMATS), f'format {self.format}')
        self.name, self.kind, groups = FORMATS[self.format]
        require(self.group in groups, f'{self.name} with groups of {self.group}')
        require(reserved == [0] * 4, 'reserved bits are set')
        require(self.m and self.n, 'no outputs or no inputs')
        if self.kind == 'w84':
            require(self.r and self.head % 64 == 0 and self.head <= self.r, f'head {self.head}')
        else:
            require(self.head == 0, f'{self.name} with a head')

    def panel_bytes(self, kind, steps):
        if kind == 'f32':
            return 64 * steps
        if kind == 'bf16':
            return 32 * up(steps, 32)
        spans = up(steps, 256) // 256
        scales = 64 if kind == 's8' else 32 * (256 // self.group)
        return spans * scales + (8 if kind == 'w4' else 16) * up(steps, 64)

    def parts(self, factor):
        """(panels, [(kind, first step, steps)]) of each run of equal panels of V (0) or U (1)."""
        channels, steps = (self.r, self.n) if factor == 0 else (self.m, self.r or self.n)
        panels = up(channels, 16) // 16
        if self.kind != 'w84':
            return [(panels, [(self.kind, 0, steps)])]
        if factor == 0:
            return [(self.head // 16, [('w8', 0, steps)]), (panels - self.head // 16, [('w4', 0, steps)])]
        return [(panels, [('w8', 0, self.head), ('w4', self.head, steps - self.head)])]

    def factor_bytes(self, factor):
        return sum(panels * sum(self.panel_bytes(kind, steps) for kind, _, steps in parts)
                   for panels, parts in self.parts(factor))


def read_span(header, kind, block, at, steps, put):
    """One span of integers at block[at:]; put(k, j, value). Returns where it ends."""
    rows = 1 if kind == 's8' else 256 // header.group
    group = 256 if kind == 's8' else header.group
    if kind == 's8':
        scales, ints = struct.unpack_from(f'{header.order}16f', block, at), at + 64
    else:
        raw = struct.unpack_from(f'{header.order}{16 * rows}H', block, at)
        scales, ints = widen_bf16(raw), at + 32 * rows
    for k in range(steps):
        for j in range(16):
            if kind == 'w4':
                byte = block[ints + 64 * (k // 8) + 4 * j + k % 4]
                value = byte & 15 if k % 8 < 4 else byte >> 4
                value -= 16 * (value >= 8)
            else:
                byte = block[ints + 64 * (k // 4) + 4 * j + k % 4]
                value = byte - 256 * (byte >= 128)
            put(k, j, value * scales[k // group * 16 + j])
    return ints + (8 if kind == 'w4' else 16) * up(steps, 64)


def read_part(header, kind, block, at, steps, put):
    """Weights of one panel, or of one part of it; returns where it ends."""
    if kind == 'f32':
        values = struct.unpack_from(f'{header.order}{16 * steps}f', block, at)
        for i, value in enumerate(values):
            put(i // 16, i % 16, value)
        return at + 64 * steps
    if kind == 'bf16':
        padded = up(steps, 32)
        values = widen_bf16(struct.unpack_from(f'{header.order}{16 * padded}H', block, at))
        for k in range(padded):
            for j in range(16):
                put(k, j, values[32 * (k // 2) + 2 * j + k % 2])
        return at + 32 * padded
    for first in range(0, steps, 256):
        at = read_span(header, kind, block, at, min(256, steps - first),
                       lambda k, j, value: put(first + k, j, value))
    return at


def read_factor(header, block, factor):
    """[channels][steps] of V (0) or U (1); lanes and steps that do not exist must be zero."""
    channels, steps = (header.r, header.n) if factor == 0 else (header.m, header.r or header.n)
    at = header.v_offset if factor == 0 else header.u_offset
    out, panel = array.array('f', bytes(4 * channels * steps)), 0
    for panels, parts in header.parts(factor):
        for _ in range(panels):
            for kind, first, count in parts:

                def put(k, j, value):
                    if 16 * panel + j < channels and first + k < steps:
                        out[(16 * panel + j) * steps + first + k] = value
                    else:
                        require(value == 0, 'a lane that does not exist is not zero')

                at = read_part(header, kind, block, at, count, put)
            panel += 1
    require(at == (header.u_offset if factor == 0 else header.bytes), 'panels do not fill their section')
    return out


def check_block(block):
    header = Header(block)
    require(header.sigma_offset == 128, 'sigma_offset')
    require(header.v_offset == 128 + 4 * up(header.r, 16), 'v_offset')
    require(header.u_offset == header.v_offset + header.factor_bytes(0), 'u_offset')
    require(header.bytes == header.u_offset + header.factor_bytes(1), 'bytes')
    require(header.bytes == len(block), f'{len(block)} bytes are there, the header says {header.bytes}')
    require(header.checksum != 0, 'the block was never completed')
    require(header.checksum == checksum(block, header.order), 'checksum')
    return header


# --- Comparison ------------------------------------------------------------------------------------


def round_bf16(values):
    """To nearest, ties to even."""
    bits = struct.unpack(f'<{len(values)}I', struct.pack(f'<{len(values)}f', *values))
    return widen_bf16([(b + 0x7fff + (b >> 16 & 1)) >> 16 for b in bits])


def compare(header, what, got, want):
    require(len(got) == len(want), f'{what}: {len(got)} weights, the source has {len(want)}')
    if header.kind in ('f32', 'bf16'):
        want = round_bf16(want) if header.kind == 'bf16' else want
        require(got == want, f'{what}: the weights differ from the source')
        return
    power = math.fsum(w * w for w in want)
    error = math.fsum((g - w) ** 2 for g, w in zip(got, want))
    require(error <= ALLOWED[header.kind] * power, f'{what}: error {error / power:.2g}')


def check_layer(name, block, source, sigmas):
    """Returns the weights that were compared."""
    header = check_block(block)
    u = read_factor(header, block, 1)
    if header.r == 0:
        dense = source.get(f'{name}.weight') or source['model.embed_tokens.weight']
        compare(header, 'W', u, floats(dense))
        return len(u)
    padded = struct.unpack_from(f'{header.order}{up(header.r, 16)}f', block, header.sigma_offset)
    require(not any(padded[header.r:]), 'sigma is not padded by zeros')
    sigmas[name] = array.array('f', padded[:header.r])
    require(sigmas[name] == floats(source[f'{name}.S']), 'sigma differs from the source')
    compare(header, 'U', u, floats(source[f'{name}.U']))
    v = read_factor(header, block, 0)
    compare(header, 'V', v, floats(source[f'{name}.V']))
    return len(u) + len(v)


def check_expert(path, sigmas, factors):
    tensors, metadata = read_safetensors(path)
    require(metadata['svf.format'] == '1', f'{path}: svf.format')
    require(metadata['svf.factors'] == factors, f'{path}: an expert of other factors')
    suffix = {'direct': '.z', 'sigmoid': '.p'}[metadata['svf.parametrisation']]
    for name, (dtype, shape, _) in tensors.items():
        require(name.endswith(suffix) and dtype == 'F32', f'{path}: {name}')
        require(shape == [len(sigmas[name[:-2]])], f'{path}: the rank of {name}')


def run(packed, source, expert, only):
    tensors, metadata = read_model(packed)
    factored, _ = read_model(source)
    sigmas, blocks, weights = {}, 0, 0
    for name, (dtype, _, block) in tensors.items():
        if not name.endswith('.packed') or only not in name:
            continue
        require(dtype == 'U8', f'{name}: {dtype}')
        try:
            weights += check_layer(name[:-7], block, factored, sigmas)
        except Bad as error:
            raise Bad(f'{name}: {error}') from None
        blocks += 1
    require(blocks > 0, f'{packed}: no packed block')
    if not only:
        factors = fingerprint(sigmas) if sigmas else ''
        require(metadata['svf.factors'] == factors, f'{packed}: svf.factors is not {factors}')
        if expert:
            check_expert(expert, sigmas, factors)
    print(f'{packed}: {blocks} blocks of {metadata["svf.weights"]} with {weights} weights are as FILES.md says')


def main():
    options = [a[7:] for a in sys.argv[1:] if a.startswith('--only=')]
    paths = [pathlib.Path(a) for a in sys.argv[1:] if not a.startswith('--')]
    if len(paths) not in (2, 3) or len(paths) + len(options) != len(sys.argv) - 1:
        sys.exit(__doc__.strip())
    try:
        run(paths[0], paths[1], paths[2] if len(paths) == 3 else None, options[-1] if options else '')
    except (Bad, KeyError, ValueError, struct.error, OSError) as error:
        sys.exit(f'read_packed.py: {error}')


main()
