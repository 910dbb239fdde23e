#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# safetensors writes files that only their owner can read (mode 0600), whatever the umask says:
# save_file writes a temporary file, which has that mode, and renames it. A file that others could
# read is replaced by one that they cannot.
#
# Whom it bites: whoever makes a model as one user and serves it as another, in a container or from
# a shared directory.
#
# Exits with 1 once the library behaves otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q install safetensors==0.8.0 numpy==2.4.6
umask 022
touch "$work/again.safetensors"
"$work/venv/bin/python" - "$work" << 'EOF'
import os
import sys
import numpy as np
import safetensors
from safetensors.numpy import save_file

def mode(name):
    return os.stat(f"{sys.argv[1]}/{name}").st_mode & 0o777

print("safetensors", safetensors.__version__)
before = mode("again.safetensors")
for name in ("new.safetensors", "again.safetensors"):
    save_file({"a": np.zeros(2)}, f"{sys.argv[1]}/{name}")
print(f"umask 022: a new file {mode('new.safetensors'):04o}; one that existed {before:04o}, "
      f"now {mode('again.safetensors'):04o}")
sys.exit(not (mode("new.safetensors") == 0o600 and before == 0o644
              and mode("again.safetensors") == 0o600))
EOF
echo "as described"
