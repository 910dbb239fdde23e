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

# Of a project the programs of these languages with each library, shared and static.
run_built() { # project, languages...
  local project=$1 language library
  for language in "${@:2}"; do
    for library in "${libraries[@]}"; do
      run_all "$work/$project/${language}_$library"{,_static}
    done
  done
}

libraries=(svf)
options=(-DBUILD_SHARED_LIBS=ON)
for component in model svd; do
  if [ -e "$libdir/libsvf_$component.a" ]; then
    libraries+=("$component")
    options+=("-DSVF_BUILD_${component^^}=ON")
  fi
done
cmake_project find_package_c C -DCMAKE_PREFIX_PATH="$prefix"
run_built find_package_c c
cmake_project find_package_cxx CXX -DCMAKE_PREFIX_PATH="$prefix"
run_built find_package_cxx cxx
cmake_project add_subdirectory 'C;CXX' -DSVF_SOURCE_DIR="$source"
run_all "$work"/add_subdirectory/c*_svf "$work"/add_subdirectory/c*_svf_static
# Without a build type and with fast-math in the parent svf is optimised, and not by that.
check_careless() { # project
  local commands last
  commands=$(grep '"command".*/kernels/ref/f32.c' "$work/$1/compile_commands.json")
  last=${commands##*-fno-fast-math} # a generator expression is only overruled
  if [ "$last" = "$commands" ] || ! grep -q -- ' -O3 ' <<< "$commands" ||
    grep -qE -- '-Ofast|zeros|unsafe|finite' <<< "$commands" || grep -q -- '-ffast-math' <<< "$last"; then
    echo "kernels of the project $1 are compiled by: $commands"
    exit 1
  fi
}
careless=(-DSVF_SOURCE_DIR="$source" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
cmake_project careless C "${careless[@]}" -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS=-Ofast \
  -DCONSUMER_OPTIONS='-ffast-math;-fno-signed-zeros;$<1:-ffast-math>'
check_careless careless
run_all "$work"/careless/c_svf
only_configured() { # project, options...
  cmake -G Ninja -S "$here" -B "$work/$1" -DCMAKE_C_COMPILER="$CC" -DCONSUMER_LANGUAGES=C \
    "${careless[@]}" "${@:2}" > "$work/$1.log" 2>&1 || { cat "$work/$1.log"; exit 1; }
  check_careless "$1"
}
only_configured careless_debug -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-ffast-math
CFLAGS='-funsafe-math-optimizations -ffinite-math-only' only_configured careless_unset
only_configured careless_release -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE='-Ofast -DNDEBUG'
if [ ${#libraries[@]} -gt 1 ]; then
  cmake_project add_subdirectory 'C;CXX' -DSVF_SOURCE_DIR="$source" "${options[@]}" \
    -DCMAKE_UNITY_BUILD=ON
  run_built add_subdirectory c cxx
  # The shared libraries bring what they need: none of that has to be found.
  cmake_project find_package_alone C -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON
  run_all "${libraries[@]/#/$work/find_package_alone/c_}"
fi
for version in 0.1 0.3 1; do
  if cmake_project "find_package_$version" C -DCMAKE_PREFIX_PATH="$prefix" \
      -DCONSUMER_VERSION="$version" > "$work/refused.log"; then
    echo "find_package(svf $version) takes version $(pkg-config --modversion svf)"
    exit 1
  fi
  grep -q 'with requested version' "$work/refused.log" || { cat "$work/refused.log"; exit 1; }
done

if cmake_project find_package_typo C -DCMAKE_PREFIX_PATH="$prefix" -DCONSUMER_COMPONENTS=modell \
    > "$work/refused.log" || ! grep -q 'no component modell' "$work/refused.log"; then
  cat "$work/refused.log"
  exit 1
fi

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
for component in "${libraries[@]:1}"; do
  read -ra shared <<< "$(pkg-config --cflags --libs "svf_$component")"
  read -ra static <<< "$(pkg-config --static --cflags --libs "svf_$component" |
    sed -E 's/-l(svf|svf_model|svf_svd)( |$)/-l:lib\1.a /g')"
  for kind in shared static; do
    declare -n flags=$kind
    "$CC" -std=c11 $strict "$here/$component.c" "${flags[@]}" -lm -o "$work/pkgconfig_${component}_$kind"
    [ "$component" != model ] ||
      "$CC" -std=c11 $strict "$here/generate.c" "${flags[@]}" -o "$work/generate_model_$kind"
  done
  run_all "$work/pkgconfig_${component}"_{shared,static}
done

# Names, and who needs whom.
abi=$(pkg-config --modversion svf)
abi=${abi%.*}
for library in "$libdir"/libsvf*.so; do
  readelf -d "$library" | grep -q "SONAME.*\[$(basename "$library").$abi\]" ||
    { echo "the soname of $library is not that of version $abi"; exit 1; }
done
for program in "$work"/pkgconfig_*_static; do
  if readelf -d "$program" | grep -q 'NEEDED.*libsvf'; then
    echo "the statically linked $program needs a shared library of svf"
    exit 1
  fi
done

# From Python nothing has to be said about where libsvf_model.so finds libsvf.so.
if [ -e "$libdir/libsvf_model.so" ] && command -v python3 > /dev/null; then
  env -u LD_LIBRARY_PATH python3 "$source/tests/abi/binding.py" "$libdir/libsvf_model.so" \
    "$libdir/libsvf.so" "$source"
  count=$((count + 1))
fi

# generate.c, to which the README points: its texts are those of the installed command.
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
  for program in "$work"/generate_model* "$work"/find_package_c/generate_model*; do
    LD_LIBRARY_PATH=$libdir "$program" "$work/model" "$work/expert" Hello > "$work/texts"
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
  kernels/{registry,format}.c "${kernels[@]}" src/{core,forms,linear,matmul}/*.c -lm -o "$work/own_build")
run_all "$work/own_build"
echo "$count programs exact, and the README's example"
