#!/bin/sh
# The pins of these locks with the hashes of locks/hashes.txt, as pip and uv read them: scripts/locked.sh locks/local.txt ...
# A pin without a hash ends it with its name: what is installed is what was locked, wherever it was fetched from.
set -eu
hashes=$(dirname "$0")/../locks/hashes.txt
awk '
  FILENAME == ARGV[1] { line[$1] = $0; next }
  /^#/ || NF == 0 { next }
  !($1 in line) { print "verif setup: " $1 " has no hash in locks/hashes.txt." > "/dev/stderr"; lacking = 1; next }
  { print line[$1] }
  END { exit lacking }
' "$hashes" "$@"
