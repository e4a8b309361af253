#!/usr/bin/env bash
# char_rnn on a small text, and what it says to those who use it wrongly.
#
#     tests/char_rnn.sh PROGRAM TEXT
set -euo pipefail
text=$(realpath "$2")
source "$(dirname "$0")/example.sh"

# More steps than the text has chunks: it goes on from the start.
for i in 1 2; do
  "$program" --text "$text" --steps 40 --batch 8 --length 20 --lr 0.01 \
    --seed 3 --temperature 0.5 --output model.safetensors >all ||
    fail "exit code $?"
  grep -v '^step ' all >out$i  # Without the times.
done
cmp out1 out2 || fail "another result with the same seed"
bits=$(sed -n 's/^held-out bits per character: \([0-9.]*\) .*/\1/p' out1)
single=$(sed -n 's/^held-out.*(single characters \([0-9.]*\),.*/\1/p' out1)
again=$(sed -n 's/^the same after loading .*: \([0-9.]*\)$/\1/p' out1)
[ -n "$bits" ] || fail "no bits per character in: $(cat out1)"
[ "$bits" = "$again" ] || fail "$bits before saving, $again after loading"
awk "BEGIN { exit !($bits < $single) }" ||
  fail "$bits bits; without looking at the text it takes $single"
grep -q '^Total: ' out1 || fail "no table of variables"
grep -q '^A sample:' out1 || fail "no sample"

: >empty
refused '--text: cannot read' --text /no/such/file
refused 'is a directory' --text "$folder"
refused 'characters are needed, got 0' --text empty
refused '--batch, --length: 1000 places of 65 characters are needed' \
  --text "$text" --batch 1000
refused '--steps: must be a number of at least 0, got -3' --steps -3
refused '--length: must be a number of at least 1, got 0' --length 0
refused '--lr: must be a number above 0, got x' --lr x
refused '--temperature: must be a number above 0, got 0' --temperature 0
