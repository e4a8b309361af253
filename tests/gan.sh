#!/usr/bin/env bash
# gan on a few drawn digits, and what it says to those who use it wrongly.
#
#     tests/gan.sh PROGRAM
set -euo pipefail
source "$(dirname "$0")/example.sh"

"$program" --synthetic --images 80 --batch 16 --steps 20 --lr 0.0005 --seed 3 \
  --output drawn.png >out || fail "exit code $?"
is_png drawn.png 482 152  # Five rows of 16 images.
grep -q 'layers/0/linear/w .*| f32\[784,512\]' out || fail "$(cat out)"
losses=$(sed -n 's/^step .*: \([0-9.]*\) loss of the discriminator,.*/\1/p' out)
[ -n "$losses" ] || fail "no losses in: $(cat out)"
for loss in $losses; do
  awk -v a="$loss" 'BEGIN { exit !(a >= 0 && a < 3) }' || fail "a loss of $loss"
done
[ "$(ls)" = "$(printf '%s\n' drawn.png out)" ] || fail "left behind: $(ls)"

refused '--data DIR must name a folder'
refused '--batch: must be a number of at least 1, got 0' --synthetic --batch 0
refused 'cannot write /no/such/folder/drawn.png: No such file or directory' \
  --synthetic --images 10 --output /no/such/folder/drawn.png
