#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SIGTERM ends a command wherever it is, and leaves nothing behind; what long jobs say before that.
# Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model
expect 0 decompose model -o svf --threads 1

# --- Signals --------------------------------------------------------------------------------------
# Run svf with a standard output that is a full pipe, which nobody reads, wait until it sleeps in
# writing to it, send it a signal, and print how it ended: there is no other way out than the signal.
cat > blocked.py <<'END'
import os, signal, subprocess, sys, time
name, ignored, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
signal.signal(signal.SIGINT, signal.SIG_DFL)
if ignored:
    signal.signal(getattr(signal, ignored), signal.SIG_IGN)
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
if ignored:
    p.send_signal(getattr(signal, ignored))
    time.sleep(0.2)
    if p.poll() is not None:
        sys.exit(f"ended by {ignored}, which was ignored")
p.send_signal(getattr(signal, name))
try:
    print(p.wait(timeout=1000))
except subprocess.TimeoutExpired:
    p.kill()
    print("never")
END

# A text is printed while it is generated; after ten seconds nobody waits for its reader any more.
blocked() { # signal, message, arguments...
  local signal=$1 message=$2
  shift 2
  "$PYTHON" blocked.py "$signal" "$ignored" "$svf" "$@" > ended 2> err || die "svf $*: not run"
  [ "$(cat ended)" = 130 ] || die "svf $* after $signal: $(cat ended)"
  [ "$(cat err)" = "$message" ] || die "svf $* after $signal: the message"
  [ -z "$(find . -name '*.tmp')" ] || die "svf $* after $signal: temporary files"
}
ignored=
for signal in SIGTERM SIGINT; do
  blocked $signal 'svf logits: interrupted' logits svf Hello --top 100 --json --threads 1
done
cp "$source/LICENSE" book
blocked SIGTERM 'svf perplexity: interrupted' perplexity svf book --threads 1
blocked SIGTERM 'svf generate: interrupted' generate svf Hello -n 20 --threads 1
# What was ignored before, as SIGINT is in the background of a script, stays ignored.
ignored=SIGINT
blocked SIGTERM 'svf logits: interrupted' logits svf Hello --top 100 --json --threads 1
ignored=SIGTERM
blocked SIGINT 'svf logits: interrupted' logits svf Hello --top 100 --json --threads 1

# Run svf, which stops itself before its lock of the new model and after it, up to the `stop`th
# time. Then lock the directory `other`, if one is given, as another job would, and end svf.
cat > stopped.py <<'END'
import fcntl, os, signal, subprocess, sys
module, stop, other, arguments = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
p = subprocess.Popen(arguments, env={**os.environ, "LD_PRELOAD": module})
stops = 0
while os.WIFSTOPPED(status := os.waitpid(p.pid, os.WUNTRACED)[1]):
    stops += 1
    if stops == stop:
        if other:
            fcntl.flock(os.open(other, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(p.pid, signal.SIGTERM)
    os.kill(p.pid, signal.SIGCONT)
sys.exit(os.waitstatus_to_exitcode(status) if stops >= stop else "it did not stop")
END
stopped() { # stop, other, arguments...
  local code=0
  "$PYTHON" stopped.py "$tools/cli_stop.so" "$1" "$2" "$svf" "${@:3}" > out 2> err || code=$?
  [ $code -eq 130 ] || die "svf ${*:3}, stop $1: exit code $code"
  [ "$(wc -l < err)" -eq 1 ] && grep -q "^svf $3: stopped" err || die "svf ${*:3}: the message"
}

# Empty directories go with the job that made them, others stay.
mkdir mine
for way in new new/sub new//sub/ ./new/. new/../mine mine mine/new; do
  for stop in 1 2; do
    for command in "pack svf" "merge svf" "decompose model"; do
      # shellcheck disable=SC2086
      stopped $stop '' $command -o $way --threads 1
      [ -d mine ] || die "$command -o $way: a directory of the user's is removed"
      [ ! -e new ] && [ ! -e mine/new ] || die "$command -o $way: a directory is left"
    done
  done
done
stopped 1 new/sub merge svf -o new/sub --threads 1
[ -d new/sub ] || die "a directory is removed although another job has locked it"
rm -r new

# A thread that was about to make a file when the process looked for what it has to remove. (In a
# directory that the job makes itself the process closes the thread's descriptor before.)
for arguments in "--threads 2" "--threads 3 --bf16" "--threads 2 --layers mlp"; do
  code=0
  mkdir late
  # shellcheck disable=SC2086
  LD_PRELOAD=$tools/cli_late.so "$svf" decompose model -o late $arguments > out 2> err || code=$?
  [ $code -eq 130 ] && grep -q '^svf decompose: stopped; ' err || die "decompose $arguments: exit code $code"
  [ -z "$(find late -name '*.tmp')" ] || die "decompose $arguments: a temporary file is left"
  # shellcheck disable=SC2086
  expect 0 decompose model -o late $arguments
  rm -r late
done

# --- Progress -------------------------------------------------------------------------------------
# Where standard error is no terminal, jobs that take long print a line for each tenth, others none.
progress() { # command, model
  rm -rf new
  LD_PRELOAD=$tools/cli_clock.so "$svf" "$1" "$2" -o new --threads 1 > out 2> err || die "$1 with a fast clock"
  local tenths
  tenths=$(grep -cE "^svf $1: [0-9]+ of [0-9]+ done, [0-9]+:[0-9]{2} left\$" err) || true
  [ "$tenths" -ge 7 ] && [ "$tenths" -le 9 ] || die "$1 prints $tenths lines of progress"
  rm -r new
  LD_PRELOAD=$tools/cli_clock.so "$svf" "$1" "$2" -o new --threads 1 -q > out 2> err || die "$1 -q"
  [ ! -s err ] || die "$1 -q prints progress"
}
progress decompose model
progress merge svf
progress pack svf

echo "svf: ends by signals"
