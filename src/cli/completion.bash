# SPDX-License-Identifier: Apache-2.0
#
# Completion of svf in bash. tests/cli/documents.sh compares its options with what --help says.

_svf_options() { # command
  local usual='--threads --json --quiet --help --usage'
  local format='--format --group' model='--format --group --no-mmap'
  local expert='--expert --mix --scale --unpaired'
  case $1 in
    info) echo "$model $usual" ;;
    decompose) echo "--output --layers --rank --energy --bf16 $usual" ;;
    pack) echo "--output --bits $format $usual" ;;
    generate)
      echo "--prompts --tokens --temperature --top-k --top-p --min-p --seed --stop --ignore-end" \
        "--plain --sequences $model $expert $usual"
      ;;
    perplexity) echo "--window $model $expert $usual" ;;
    logits) echo "--output --top $model $expert $usual" ;;
    merge) echo "--output --bf16 $expert $usual" ;;
  esac
}

# Words of the list $1 that begin with $2.
_svf_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

# Files and directories, or with -d directories alone.
_svf_files() { # what is there of it, option of compgen
  compopt -o filenames 2> /dev/null
  mapfile -t COMPREPLY < <(compgen "${2:--f}" -- "$1")
}

_svf() {
  local commands='info decompose pack generate perplexity logits merge help'
  local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _svf_words "$commands --help --version" "$current"
    return
  fi
  # --format=w4 comes as three words.
  if [ "$current" = '=' ]; then
    current=''
  elif [ "$option" = '=' ]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $option in
    --format | -f) _svf_words 'f32 bf16 bf16-split s8 s8-split w8 w4 w84' "$current" ;;
    --group) _svf_words '32 64 128' "$current" ;;
    --layers) _svf_words 'attn mlp all' "$current" ;;
    --expert | -e | --mix | --prompts | -p) _svf_files "$current" ;;
    --output | -o) _svf_files "$current" "$([ "$command" = logits ] && echo -f || echo -d)" ;;
    --bits | --rank | --energy | --threads | --tokens | -n | --temperature | -t | --top-k | \
      --top-p | --min-p | --seed | --stop | --sequences | --window | --top | --scale) ;;
    *)
      if [ "$command" = help ]; then
        _svf_words "$commands" "$current"
      elif [[ $current == -* ]]; then
        _svf_words "$(_svf_options "$command")" "$current"
      else
        _svf_files "$current"
      fi
      ;;
  esac
}

complete -F _svf svf
