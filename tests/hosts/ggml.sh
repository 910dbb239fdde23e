#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ggml beside svf in one process, see ggml.c. Builds ggml's CPU back end for this machine from the
# source that llama-cpp-python brings; of PyPI nothing else is needed but what pip needs to open it.
# Where a CPU has AVX-512 but no AMX, once more with AMX's tiles in plain C in both.
#   ggml.sh <source directory> [turns]                   (CC and CXX from the caller)
#   SVF_GGML_SDIST=<file> ggml.sh ...                    with that file in the place of a download
set -euo pipefail
source=$1 turns=${2-10000}
version=0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
name=llama_cpp_python-$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() {
  python3 -m venv "$work/venv"
  echo "llama-cpp-python==$version --hash=sha256:$sha256" > "$work/requirements"
  "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --no-binary llama-cpp-python --dest "$work" --requirement "$work/requirements"
}

# build <directory> [option of cmake...]
build() {
  local directory=$work/$1
  cmake -G Ninja -S "$source/tests/hosts" -B "$directory" -DCMAKE_BUILD_TYPE=Release \
    -DGGML_SOURCE="$work/$name/vendor/llama.cpp/ggml" "${@:2}" > "$directory.log" 2>&1 &&
    cmake --build "$directory" --target ggml_beside >> "$directory.log" 2>&1 ||
    { tail -n 60 "$directory.log"; return 1; }
}

has() { grep -m1 -E '^flags' /proc/cpuinfo | grep -qw "$1"; }

sdist=${SVF_GGML_SDIST-}
if [ -z "$sdist" ]; then
  download || { echo "no llama-cpp-python $version from PyPI; see SVF_GGML_SDIST"; exit 1; }
  sdist=$work/$name.tar.gz
fi
echo "$sha256  $sdist" | sha256sum --check --quiet
tar -xzf "$sdist" -C "$work" "$name/vendor/llama.cpp/ggml"
echo "llama-cpp-python $version"

build native
"$work/native/ggml_beside" "$turns"
if has avx512_vnni && ! has amx_int8; then
  build model -DHOSTS_AMX_MODEL=ON
  "$work/model/ggml_beside" "$turns"
fi
