#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGTERM ends a command wherever it is, and limits of the system are named; nothing waits for ever.
# Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model
expect 0 decompose model -o svf --threads 1

# --- Signals --------------------------------------------------------------------------------------
# Run svf with a standard output that is a full pipe, which nobody reads, wait until it sleeps in
# writing to it, send it a signal, and print how it ended: there is no other way out than the signal.
cat > blocked.py <<'END'
import fcntl, os, signal, subprocess, sys, time
name, arguments = sys.argv[1], sys.argv[2:]
reader, writer = os.pipe()
os.set_blocking(writer, False)
try:
    while True:
        os.write(writer, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(writer, True)
p = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=writer)
def state():
    return open(f"/proc/{p.pid}/stat").read().rsplit(")", 1)[1].split()[0]
def ticks():
    return open(f"/proc/{p.pid}/stat").read().rsplit(")", 1)[1].split()[11]
idle, before = 0, None
while idle < 10:
    time.sleep(0.05)
    now = ticks()
    idle = idle + 1 if state() == "S" and now == before else 0
    before = now
p.send_signal(getattr(signal, name))
try:
    print(p.wait(timeout=60))
except subprocess.TimeoutExpired:
    p.kill()
    print("never")
END

# A text is printed while it is generated; after ten seconds nobody waits for its reader any more.
blocked() { # signal, message, arguments...
  local signal=$1 message=$2
  shift 2
  "$PYTHON" blocked.py "$signal" "$svf" "$@" > ended 2> err || die "svf $*: not run"
  [ "$(cat ended)" = 130 ] || die "svf $* after $signal: $(cat ended)"
  [ "$(cat err)" = "$message" ] || die "svf $* after $signal: the message"
  [ -z "$(find . -name '*.tmp')" ] || die "svf $* after $signal: temporary files"
}
for signal in SIGTERM SIGINT; do
  blocked $signal 'svf logits: interrupted' logits svf Hello --top 100 --json --threads 1
done
cp "$source/LICENSE" book
blocked SIGTERM 'svf perplexity: interrupted' perplexity svf book --threads 1
blocked SIGTERM 'svf generate: interrupted' generate svf Hello -n 20 --threads 1

# --- Limits ---------------------------------------------------------------------------------------
# Address space for one thread, not for thousands, each of which has a stack.
for command in "generate svf Hello" "logits svf Hello" "perplexity svf book" "pack svf -o never" \
  "merge svf -o never" "decompose model -o never"; do
  # shellcheck disable=SC2086
  (ulimit -v 1000000 && ulimit -s 8192 &&
    fails 1 '4096 threads cannot be started|ulimit -u|ulimit -v|--threads' $command --threads 4096)
done
[ ! -e never ] || die "a job that could not start made something"
# What is enough is used, and the command ends.
for limit in 400000 1000000; do
  rm -rf new
  (ulimit -v $limit && ulimit -s 8192 && expect 0 decompose model -o new --threads 1 &&
    expect 0 generate new Hello -n 2 --threads 2 && expect 0 info new)
done
(ulimit -v 300000 && ulimit -s 8192 &&
  fails 1 'MB of address space|ulimit -v|--threads' decompose model -o never --threads 4)
# One process, and so no second thread. The limit does not bind root, who becomes nobody for it.
chmod 755 .
limited=(prlimit --nproc=1)
[ "$(id -u)" -ne 0 ] || limited=(setpriv --reuid 65534 --regid 65534 --clear-groups prlimit --nproc=1)
if "${limited[@]}" "$svf" --version > out 2>&1; then
  for command in "generate svf Hello" "perplexity svf book" "decompose model -o never"; do
    code=0
    # shellcheck disable=SC2086
    "${limited[@]}" "$svf" $command --threads 2 > out 2> err || code=$?
    [ $code -eq 1 ] && [ ! -s out ] && [ "$(wc -l < err)" -eq 1 ] &&
      grep -q '2 threads cannot be started: .*ulimit -u' err || die "svf $command: exit code $code"
  done
  "${limited[@]}" "$svf" generate svf Hello -n 2 --threads 1 > out 2> err || die "one thread"
  [ -s out ] || die "one thread: no text"
fi
echo "svf: ends by signals and within limits"
