#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Under limits of address space and of processes every command ends, with all of its output or with
# a message that says what is missing; and svf-decompose has no thread but its own.
# Arguments: see cli.sh.
source "$(dirname "$0")/cli.sh"

tiny_model model
expect 0 decompose model -o svf --threads 1
decompose=$(dirname "$svf")/svf-decompose
"$decompose" --help > help
"$svf" logits svf Hello > logits
"$svf" generate svf Hello --tokens 4 -q > text

# The command in out and err, ended before it is too late. The loader may say that a library does not
# fit; LLVM's OpenMP, whose threads take more than was tried, ends the process itself, and says so;
# 137: it had to be killed.
limited() { # what the output must be if the command works, command...
  local wanted=$1 code=0
  shift
  timeout -s KILL 1000 "$@" > out 2> err < /dev/null || code=$?
  case $code in
    0) cmp -s out "$wanted" || die "$*: exit code 0, but another output" ;;
    1 | 4) [ "$(wc -l < err)" -eq 1 ] || die "$*: not one line of error" ;;
    134) grep -q '^OMP: Error #34: System unable to allocate' err || die "$*: exit code 134" ;;
    127) grep -q 'error while loading shared libraries' err || die "$*: exit code 127" ;;
    *) die "$*: exit code $code" ;;
  esac
  [ "$code" -ne 0 ] || works=$((works + 1))
}

# --- Address space --------------------------------------------------------------------------------
works=0
: > nothing
address_space() { # the largest limit comes last, and is enough
  local kilobytes
  for kilobytes in 40000 60000 80000 100000 120000 150000 200000 300000 1500000; do
    works=0
    ulimit -S -v $kilobytes
    limited "$@"
    ulimit -S -v unlimited
  done
  [ "$works" -eq 1 ] || die "${*:2}: fails under any limit"
}
if [ "$(ulimit -v)" = unlimited ]; then
  address_space help "$decompose" --help
  address_space nothing "$decompose" model -o svf # there is nothing to do
  address_space logits "$svf" logits svf Hello
  address_space text "$svf" generate svf Hello --tokens 4 -q
  for threads in 1 3; do
    for kilobytes in 60000 80000 120000 200000 300000 1500000; do
      ulimit -S -v $kilobytes
      limited nothing "$decompose" model -o "within-$threads-$kilobytes" --threads $threads
      ulimit -S -v unlimited
    done
    cmp -s svf/factors-00003.safetensors within-$threads-1500000/factors-00003.safetensors ||
      die "--threads $threads: other factors"
  done
fi

# --- Processes and threads ------------------------------------------------------------------------
# A limit on processes binds no superuser; then the commands run as another user, who must see them.
mkdir programs theirs
cp "$svf" "$decompose" programs
chmod -R a+rX .
chmod 777 theirs
cat > processes.py << 'EOF'
import fcntl, os, resource, subprocess, sys, time

def limit():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(64999)
        os.setuid(64999)
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

def run(*command):
    done = subprocess.run(command, preexec_fn=limit, stdin=subprocess.DEVNULL, timeout=1000,
                          capture_output=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{command}: exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout

# The threads of a command that waits because nobody reads what it prints.
def threads(*command, **environment):
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    try:
        while os.write(writer, b"x"):
            pass
    except BlockingIOError:
        fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    child = subprocess.Popen(command, stdout=writer, env={**os.environ, **environment})
    asleep = 0
    while asleep < 20:
        if child.poll() is not None:
            sys.exit(f"{command} does not print")
        asleep = asleep + 1 if state(child.pid) == "S" else 0
        time.sleep(0.01)
    count = len(os.listdir(f"/proc/{child.pid}/task"))
    child.kill()
    child.wait()
    os.close(reader)
    os.close(writer)
    return count

def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()[0]

svf, decompose = sys.argv[1:]
try:
    subprocess.run([svf, "--version"], preexec_fn=limit, check=True, stdout=subprocess.DEVNULL)
except (OSError, subprocess.SubprocessError):
    print("another user cannot run it here: processes are not limited")
else:
    assert run(decompose, "--help") == open("help", "rb").read()
    assert run(svf, "logits", "svf", "Hello", "--threads", "4") == open("logits", "rb").read()
    assert run(svf, "generate", "svf", "Hello", "--tokens", "4", "-q", "--threads", "4") == \
        open("text", "rb").read()
    run(decompose, "model", "-o", "theirs/svf", "--threads", "4")
for value in "1", "7", "":
    for words in ["--help"], ["model", "-o", "svf", "--json"]: # there is nothing to do
        count = threads(decompose, *words, OPENBLAS_NUM_THREADS=value)
        if count != 1:
            sys.exit(f"{words}: {count} threads")
EOF
"$PYTHON" processes.py "programs/$(basename "$svf")" programs/svf-decompose > out 2> err || die "processes.py"
