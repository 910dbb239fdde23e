# SPDX-License-Identifier: Apache-2.0
#
# bash completion of svf: commands, their options as --help lists them, formats, files.
_svf() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="$(svf --help 2> /dev/null | sed -nE 's/^  ([a-z]+)  +[a-z].*/\1/p') --help --version"
  elif [ "$before" = --format ] || [ "$before" = -f ]; then
    words='f32 bf16 bf16-split s8 s8-split w8 w4 w84'
  elif [ "$before" = --layers ]; then
    words='mlp attn all'
  elif [[ $word == -* ]]; then
    words=$(svf "${COMP_WORDS[1]}" --help 2> /dev/null | grep -oE '(^|[ ,])--[a-z0-9-]+' | tr -d ' ,')
  else
    compopt -o filenames 2> /dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _svf svf
