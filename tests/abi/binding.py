#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""svf from Python, by ctypes and nothing else: a model's own texts, a message, a layer.

  binding.py MODEL_LIBRARY LIBRARY SOURCE    libsvf_model.so and libsvf.so, wherever they are, and
                                             the source tree, for its headers and golden data
"""

import ctypes
import json
import pathlib
import struct
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is
import headers

SCALARS = {
    "bool": ctypes.c_bool,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "ptrdiff_t": ctypes.c_ssize_t,
    "size_t": ctypes.c_size_t,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "unsigned": ctypes.c_uint,
    "unsigned char": ctypes.c_ubyte,
}


def records(include):
    """A ctypes.Structure for every public struct."""
    known = headers.structs(include)
    made = {}

    def type_of(name):
        if name.endswith("*"):
            return ctypes.c_void_p
        if name in known:
            return record(name)
        return SCALARS.get(name, ctypes.c_int)  # an enum

    def record(name):
        if name not in made:
            fields = []
            for member, kind, length in known[name]:
                kind = type_of(kind)
                fields.append((member, kind * lengths(length) if length else kind))
            made[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
        return made[name]

    def lengths(text):
        return int(text) if text.isdigit() else {"SVF_TENSOR_MAX_DIMS": 8}[text]

    for name in known:
        record(name)
    return made


def filled(record, **members):
    """A struct of that kind; arrays become pointers, and are kept."""
    it = record()
    if hasattr(it, "size"):
        it.size = ctypes.sizeof(it)
    for name, value in members.items():
        if isinstance(value, ctypes.Array):
            it.__dict__[name + "_kept"] = value
            value = ctypes.addressof(value)
        setattr(it, name, value)
    return it


class Failure(Exception):
    pass


class Library:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)

    def function(self, name, result=ctypes.c_int):
        found = getattr(self.library, name)
        found.restype = result
        return found

    def call(self, name, *arguments):
        """A function that returns an svf_status."""
        status = self.function(name)(*arguments)
        if status != 0:
            raise Failure(self.function("svf_status_name", ctypes.c_char_p)(status).decode(),
                          self.function("svf_last_message", ctypes.c_char_p)().decode())


def golden_ids(directory, name):
    data = (directory / "golden.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8 : 8 + length])[name]["data_offsets"]
    data = data[8 + length + begin : 8 + length + end]
    return struct.unpack(f"<{len(data) // 8}q", data)


def check_text(svf, kinds, directory):
    """Greedy tokens after each golden prompt are those of Hugging Face transformers."""
    model, context = ctypes.c_void_p(), ctypes.c_void_p()
    svf.call("svf_model_open", str(directory).encode(), None, ctypes.byref(model))
    options = filled(kinds["svf_context_options"], sequences=2)
    svf.call("svf_context_create", model, ctypes.byref(options), ctypes.byref(context))
    for k in range(4):
        prompt, greedy = golden_ids(directory, f"ids.{k}"), golden_ids(directory, f"greedy.{k}")
        tokens = (ctypes.c_int32 * len(greedy))()
        request = filled(
            kinds["svf_request"],
            prompt=(ctypes.c_int32 * len(prompt))(*prompt),
            prompt_count=len(prompt),
            max_tokens=len(greedy),
            ignore_end=True,
            tokens=tokens,
        )
        svf.call("svf_generate", context, ctypes.byref(request), ctypes.c_size_t(1))
        assert tuple(tokens) == greedy, (k, tuple(tokens), greedy)
    svf.function("svf_context_destroy", None)(context)
    svf.function("svf_model_close", None)(model)


def check_tokenizer(svf, path):
    tokenizer, count = ctypes.c_void_p(), ctypes.c_size_t()
    svf.call("svf_tokenizer_open", str(path).encode(), ctypes.byref(tokenizer))
    text = "naïve".encode()
    ids, out = (ctypes.c_int32 * 16)(), ctypes.create_string_buffer(16)
    svf.call("svf_tokenizer_encode", tokenizer, 0, text, ctypes.c_size_t(len(text)), ids,
             ctypes.c_size_t(16), ctypes.byref(count))
    assert 0 < count.value <= 16
    svf.call("svf_tokenizer_decode", tokenizer, 0, ids, count, out, ctypes.c_size_t(16),
             ctypes.byref(count))
    assert out.raw[: count.value] == text, out.raw
    svf.function("svf_tokenizer_close", None)(tokenizer)


def check_messages(svf, model_svf):
    """A call that fails in either library says so to both."""
    file = ctypes.c_void_p()
    try:
        model_svf.call("svf_safetensors_open", b"no such file", 0, ctypes.byref(file))
        assert False, "a file that is not there was opened"
    except Failure as failure:
        assert failure.args[0] == "IO" and "no such file" in failure.args[1], failure
    assert b"no such file" in svf.function("svf_last_message", ctypes.c_char_p)()
    try:
        svf.call("svf_isa_parse", b"abacus", ctypes.byref(ctypes.c_int()))
        assert False, "abacus is no instruction set"
    except Failure as failure:
        assert failure.args[0] == "ARGUMENT" and "abacus" in failure.args[1], failure
    assert b"abacus" in model_svf.function("svf_last_message", ctypes.c_char_p)()


def check_layer(svf, kinds):
    """A layer of small integers, whose results are exact."""
    floats = lambda *values: (ctypes.c_float * len(values))(*values)
    source = filled(
        kinds["svf_linear_source"], m=3, n=3, r=2,
        u=floats(1, 0, 2, 1, 0, 3), u_stride=2, vt=floats(1, 2, 0, 0, 1, 1), vt_stride=3,
        sigma=floats(4, 2),
    )
    size = ctypes.c_size_t
    bytes_, y = size(), floats(*[0] * 6)
    svf.call("svf_linear_bytes", ctypes.byref(source), ctypes.byref(bytes_))
    block = aligned(bytes_.value)
    svf.call("svf_linear_pack", ctypes.byref(source), block, bytes_)
    gains = floats(1, 10)
    args = filled(
        kinds["svf_matmul_args"], linear=block, rows=2, x=floats(1, 1, 1, 2, 0, -1), x_stride=3,
        gains=(ctypes.c_void_p * 2)(None, ctypes.addressof(gains)), y=y, y_stride=3,
    )
    svf.call("svf_matmul_workspace", ctypes.byref(args), size(1), ctypes.byref(bytes_))
    svf.call("svf_matmul", ctypes.byref(args), size(1), aligned(bytes_.value), bytes_)
    assert list(y) == [12, 28, 12, 2, -6, -30], list(y)


def aligned(size, to=64):
    """An array of bytes at a multiple of `to`."""
    buffer = (ctypes.c_ubyte * (size + to))()
    return (ctypes.c_ubyte * size).from_buffer(buffer, -ctypes.addressof(buffer) % to)


def main(model_library, library, source):
    source = pathlib.Path(source)
    kinds = records(source / "include")
    model_svf, svf = Library(model_library), Library(library)
    check_messages(svf, model_svf)
    check_layer(svf, kinds)
    check_tokenizer(model_svf, source / "tests/cli/bytes.json")
    check_text(model_svf, kinds, source / "tests/golden/smollm")
    version = svf.function("svf_version", ctypes.c_char_p)().decode()
    print(f"svf {version} from Python: as expected")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print("usage: binding.py MODEL_LIBRARY LIBRARY SOURCE", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
