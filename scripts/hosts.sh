#!/usr/bin/env bash
# Other people's libraries, for the tests that run verif inside them: scripts/hosts.sh [NAME ...] makes .hosts/NAME from
# locks/host-NAME.txt. Best effort: a test whose library is missing skips and says so. NeMo Gym wants Python 3.13.14 and
# 160 packages, so it is not made here; its test takes an environment that stands in .hosts/nemo-gym.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || scripts/setup.sh || exit 2
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(trl skyrl-gym ms-swift inspect-ai verifiers)

for name in "${names[@]}"; do
  lock=locks/host-$name.txt folder=.hosts/$name
  if [ ! -f "$lock" ]; then
    echo "hosts: there is no $lock" >&2
    exit 2
  fi
  cmp -s "$lock" "$folder/lock.txt" && continue
  rm -rf "$folder"
  mkdir -p .hosts
  if head -n 1 "$lock" | grep -q "beside the packages"; then
    where=(--python .venv/bin/python --target "$folder")
  else
    "$uv" venv --quiet --python .venv/bin/python "$folder" || continue
    where=(--python "$folder/bin/python")
  fi
  if scripts/locked.sh "$lock" >.hosts/locked.txt &&
    timeout 300 "$uv" pip install --quiet --no-deps --require-hashes "${where[@]}" -r .hosts/locked.txt; then
    cp "$lock" "$folder/lock.txt"
    echo "hosts: $name"
  else
    rm -rf "$folder"
    echo "hosts: could not install $name; its tests will skip"
  fi
done
