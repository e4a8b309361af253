#!/usr/bin/env bash
# char_mlp on a small text, and what it says to those who use it wrongly.
#
#     tests/char_mlp.sh PROGRAM TEXT
set -euo pipefail
program=$1
text=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

"$program" --text "$text" "$text" --steps 30 --batch 32 --seed 3 \
  --output model.safetensors >out || fail "exit code $?"
bits=$(sed -n 's/^held-out bits per character: \([0-9.]*\) .*/\1/p' out)
again=$(sed -n 's/^the same after loading .*: \([0-9.]*\)$/\1/p' out)
[ -n "$bits" ] || fail "no bits per character in: $(cat out)"
[ "$bits" = "$again" ] || fail "$bits before saving, $again after loading"
grep -q '^Total: ' out || fail "no table of variables"
grep -q '^A sample:' out || fail "no sample"

# Wrong use: exit code 2, one line on standard error that names what is wrong.
refused() {
  local word=$1
  shift
  local status=0
  "$program" "$@" >out 2>err || status=$?
  [ "$status" = 2 ] || fail "$*: exit code $status"
  [ "$(wc -l <err)" = 1 ] || fail "$*: $(cat err)"
  grep -q -- "$word" err || fail "$*: $(cat err)"
}
: >empty
refused '--text: cannot read' --text /no/such/file
refused 'is a directory' --text "$folder"
refused 'characters are needed, got 0' --text empty
refused '--steps: must be a number of at least 0, got -3' --steps -3
refused '--lr: must be a number above 0, got x' --lr x
