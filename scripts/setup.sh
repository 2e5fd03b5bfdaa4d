#!/usr/bin/env bash
# Make .venv from the locks, or with --gpu .venv-gpu: another Python and another torch, so the two stand beside each other.
# Idempotent: a stamp that holds the digest of everything installed makes the second call take milliseconds. Every expected
# failure is one line on standard error and exit code 2.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv lock=locks/local.txt minor=11
need_gb=8 # 4.7 GB of packages, plus bytecode and the installer's cache
if [ "${1:-}" = --gpu ]; then
  shift
  venv=.venv-gpu lock=locks/gpu.txt minor=12
  need_gb=25 # an estimate: torch with CUDA 13 and vLLM, plus bytecode and the installer's cache
fi
driver=580 # as verif/system/gpu.py: the first that runs CUDA 13

fail() {
  echo "verif setup: $*" >&2
  exit 2
}

right_python() {
  "$1" -c "import sys; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" "python3.$minor" python3 python; do
    [ -n "$candidate" ] || continue
    if right_python "$candidate"; then
      command -v "$candidate"
      return
    fi
    [ "$candidate" != "${PYTHON:-}" ] || fail "PYTHON=$PYTHON is not a Python 3.$minor ($("$candidate" --version 2>&1 | head -n 1))."
  done
  fail "Python 3.$minor was not found (python3 here: $(python3 --version 2>&1 | head -n 1)). Install it, or name it: make PYTHON=/path/to/python3.$minor ..."
}

# The first card and its driver as nvidia-smi says them, "NVIDIA L4, 580.95.05"; nothing where there is none.
card() {
  nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1 || true
}

check_card() {
  local seen major
  seen=$(card)
  [ -n "$seen" ] || fail "no NVIDIA GPU is seen here (nvidia-smi). Without GPU=1 everything runs on CPU."
  major=${seen##*, }
  major=${major%%.*}
  case "$major" in "" | *[!0-9]*) fail "nvidia-smi says no driver's version: $seen." ;; esac
  [ "$major" -ge "$driver" ] || fail "$seen: the driver is older than $driver, which CUDA 13 needs. Install a newer one."
}

check_machine() {
  local system free_gb
  system="$(uname -s)-$(uname -m)"
  [ "$system" = "Linux-x86_64" ] || fail "the lock is for Linux x86-64, and this is $system. Verification alone works anywhere: pip install -e ."
  free_gb=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
  [ "$free_gb" -ge "$need_gb" ] || fail "$need_gb GB of disk are needed below $PWD, and $free_gb GB are free."
  # A full machine shows only where something is written.
  (: >.verif-setup-probe) 2>/dev/null || fail "cannot write below $PWD."
  rm -f .verif-setup-probe
}

# uv does not read pip's configuration: hand on where pip was told to look for wheels (a local folder of
# them, often the CPU build of torch). Elsewhere uv takes torch from PyTorch's own CPU index.
find_links() {
  "$venv/bin/python" -m pip config list 2>/dev/null |
    sed -n "s/^\(:env:\|[a-z]*\)\.find-links='\(.*\)'$/\2/p" | head -n 1
}

install() {
  local python links backend=()
  check_machine
  if [ "$minor" = 12 ]; then check_card; fi
  python=$(find_python)
  if ! right_python "$venv/bin/python"; then
    echo "verif setup: creating $venv with $python"
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "$python cannot create a virtual environment. On Debian: apt-get install python3.$minor-venv"
  fi
  scripts/locked.sh locks/uv.txt >"$venv/locked-uv.txt" && scripts/locked.sh "$lock" >"$venv/locked.txt" ||
    fail "locks/hashes.txt does not go with the locks."
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$venv/locked-uv.txt" ||
    fail "pip could not install $(tail -n 1 locks/uv.txt). Is the package index reachable?"
  links=$(find_links)
  if [ -n "$links" ]; then export UV_FIND_LINKS="${links// /,}"; fi
  if [ "$lock" = locks/local.txt ] && ! ls ${links:+${links%% *}}/torch-*+cpu-*.whl >/dev/null 2>&1; then
    backend=(--torch-backend cpu)
  fi
  local uv=("$venv/bin/uv" pip install --python "$venv/bin/python" --no-deps --quiet)
  echo "verif setup: installing $(grep -c == "$lock") locked packages into $venv (a minute or two)"
  "${uv[@]}" --compile-bytecode "${backend[@]}" --require-hashes -r "$venv/locked.txt" || fail "the locked packages could not be installed; see the message above."
  if [ "$lock" = locks/local.txt ]; then
    "${uv[@]}" --no-build-isolation ./infra/vllm_cpu_metadata || fail "the vllm metadata distribution could not be installed."
  fi
  "${uv[@]}" --no-build-isolation -e . || fail "verif itself could not be installed."
}

if [ -x "$venv/bin/verif" ] && [ -f "$venv/.verif-stamp" ]; then have=$(cat "$venv/.verif-stamp"); else have=none; fi
want=$(
  {
    cat "$lock" locks/uv.txt locks/hashes.txt scripts/locked.sh infra/vllm_cpu_metadata/pyproject.toml scripts/setup.sh
    sed -n '/^\[project.scripts\]/,/^$/p' pyproject.toml # the rest of it does not change what is installed
  } | sha256sum | cut -c1-64
)
# The path is part of the stamp: an environment that was moved or copied has scripts that point elsewhere.
want="$want $PWD"
[ "$have" != "$want" ] || exit 0
[ "${1:-}" != --check ] || exit 1 # only asked
if [ "${1:-}" = --adopt ]; then # made elsewhere from the same locks, as in infra/docker/cpu.Dockerfile
  echo "$want" >"$venv/.verif-stamp"
  exit 0
fi

# Two `make` at once: the second waits for the first and then finds the stamp.
exec 9>.setup.lock
if command -v flock >/dev/null; then flock 9; fi
if [ -f "$venv/.verif-stamp" ] && [ "$(cat "$venv/.verif-stamp")" = "$want" ]; then exit 0; fi
install
echo "$want" >"$venv/.verif-stamp"
if [ "$lock" = locks/local.txt ] && [ -n "$(card)" ]; then
  echo "verif setup: $(card) is seen. Recipes with train.gpus use it with GPU=1: make run RECIPE=one-gpu GPU=1"
fi
echo "verif setup: done"
