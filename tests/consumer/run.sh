#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Install, move the installed tree elsewhere, and use it from there as users do: find_package and
# pkg-config, shared and static, C and C++; the source tree through add_subdirectory and without any
# build system; and the README's examples.
#   run.sh <source directory> <build directory>       (CC and CXX from the caller)
set -euo pipefail
source=$1 build=$2
here=$source/tests/consumer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" > "$work/install.log"
mv "$work/first" "$work/svf"
prefix=$work/svf
libdir=$(dirname "$(find "$prefix" -name libsvf.a)")
count=0

# Run each program; all must succeed.
run_all() {
  for program in "$@"; do
    echo "--- ${program#"$work"/}"
    LD_LIBRARY_PATH=$libdir "$program"
    count=$((count + 1))
  done
}

cmake_project() { # name, languages, options...
  local name=$1 languages=$2
  shift 2
  cmake -G Ninja -S "$here" -B "$work/$name" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCONSUMER_LANGUAGES="$languages" \
    "$@" > "$work/$name.log" 2>&1 && ninja -C "$work/$name" >> "$work/$name.log" 2>&1 ||
    { cat "$work/$name.log"; return 1; }
}

cmake_project find_package_c C -DCMAKE_PREFIX_PATH="$prefix"
run_all "$work"/find_package_c/c_*
cmake_project find_package_cxx CXX -DCMAKE_PREFIX_PATH="$prefix"
run_all "$work"/find_package_cxx/cxx_*
cmake_project add_subdirectory 'C;CXX' -DSVF_SOURCE_DIR="$source"
run_all "$work"/add_subdirectory/c*_svf "$work"/add_subdirectory/c*_svf_static

export PKG_CONFIG_PATH=$libdir/pkgconfig
strict='-Wall -Wextra -Wpedantic -Wconversion -Werror'
read -ra cflags <<< "$strict $(pkg-config --cflags svf)"
read -ra libs <<< "$(pkg-config --libs svf)"
# The usual way to a static library beside a shared one: its name in full.
read -ra static_libs <<< "$(pkg-config --static --libs svf | sed 's/-lsvf/-l:libsvf.a/')"
"$CC" -std=c11 "${cflags[@]}" "$here/consumer.c" "${libs[@]}" -o "$work/pkgconfig_c"
"$CC" -std=c11 "${cflags[@]}" "$here/consumer.c" "${static_libs[@]}" -o "$work/pkgconfig_c_static"
"$CXX" -std=c++17 "${cflags[@]}" "$here/consumer.cc" "${libs[@]}" -o "$work/pkgconfig_cxx"
"$CXX" -std=c++17 "${cflags[@]}" "$here/consumer.cc" "${static_libs[@]}" -o "$work/pkgconfig_cxx_static"
run_all "$work"/pkgconfig_*
if readelf -d "$work"/pkgconfig_c*_static | grep -q libsvf; then
  echo "a statically linked program needs libsvf.so"
  exit 1
fi
if [ -e "$libdir/pkgconfig/svf_model.pc" ]; then
  read -ra model <<< "$(pkg-config --cflags --libs svf_model)"
  "$CC" -std=c11 -Wall -Wextra -Werror "$here/model.c" "${model[@]}" -o "$work/pkgconfig_model"
  run_all "$work/pkgconfig_model"
fi

# generate.c, to which the README points: its texts are those of the installed command.
if [ -e "$libdir/pkgconfig/svf_model.pc" ]; then
  "$CC" -std=c11 -Wall -Wextra -Werror "$here/generate.c" "${model[@]}" -o "$work/generate"
fi
if [ -e "$prefix/bin/svf" ] && [ -x "$build/tests/make_expert" ]; then
  mkdir "$work/dense"
  cp "$source"/tests/golden/smollm/{config.json,model.safetensors} "$work/dense"
  cp "$source/tests/cli/bytes.json" "$work/dense/tokenizer.json"
  "$prefix/bin/svf" decompose "$work/dense" -o "$work/model"
  "$build/tests/make_expert" "$work/model" "$work/expert" 1
  usual=(generate -q --format w8 -n 64 "$work/model" Hello)
  {
    echo -n 'base: '
    "$prefix/bin/svf" "${usual[@]}"
    echo -n 'expert: '
    "$prefix/bin/svf" "${usual[@]}" -e "$work/expert"
  } > "$work/wanted"
  for program in "$work/generate" "$work/find_package_c/generate"; do
    "$program" "$work/model" "$work/expert" Hello > "$work/texts"
    cmp "$work/wanted" "$work/texts"
    count=$((count + 1))
  done
  [ -e "$prefix/share/man/man1/svf.1" ]
  [ -e "$prefix/share/bash-completion/completions/svf" ]
fi
if [ -e "$prefix/bin/svf-verify" ]; then
  run_all "$prefix/bin/svf-verify"
fi

# The README's example, and what it says about a build system of one's own.
awk '/^```/ { inside = /^```c$/; next } inside' "$source/README.md" > "$work/example.c"
"$CC" -std=c11 -I"$prefix/include" "$work/example.c" "${libs[@]}" -o "$work/example"
printed=$(LD_LIBRARY_PATH=$libdir "$work/example" | paste -sd '|' | sed 's/|/ and /')
if ! grep -qF "prints $printed " "$work/example.c"; then
  echo "the README's example prints $printed"
  exit 1
fi
case $(uname -m) in
  x86_64) kernels=("$source"/kernels/{ref,avx2,avxvnni,avx512,avx512vnni,avx512bf16,amx}/*.c) ;;
  aarch64) kernels=("$source"/kernels/{ref,neon,neondot,neoni8mm,neonbf16}/*.c) ;;
esac
(cd "$source" && "$CC" -std=c11 -O1 -ffp-contract=off -Iinclude -I. tests/consumer/consumer.c \
  kernels/registry.c "${kernels[@]}" src/{core,forms,linear,matmul}/*.c -lm -o "$work/own_build")
run_all "$work/own_build"
echo "$count programs exact, and the README's example"
