#!/usr/bin/env bash
# vqvae on a few drawn digits, and what it says to those who use it wrongly.
#
#     tests/vqvae.sh PROGRAM
set -euo pipefail
source "$(dirname "$0")/example.sh"

"$program" --synthetic --images 80 --batch 16 --steps 80 --seed 3 \
  --output codes.png >out || fail "exit code $?"
error() { sed -n "s/^$1 training: reconstruction error \([0-9.]*\), .*/\1/p" out; }
awk -v a="$(error before)" -v b="$(error after)" \
  'BEGIN { exit !(b > 0 && b < 0.8 && b < a) }' ||
  fail "the error did not fall: $(cat out)"
is_png codes.png 482 62  # Two rows of 16 images.
[ "$(ls)" = "$(printf '%s\n' codes.png out)" ] || fail "left behind: $(ls)"

refused '--data DIR must name a folder'
refused '--steps: must be a number of at least 0' --synthetic --steps -1
# Where the picture cannot be written, it says so before training.
refused 'cannot write /no/such/folder/codes.png: No such file or directory' \
  --synthetic --images 10 --output /no/such/folder/codes.png

# Images of 6 x 5: four does not divide that.
mkdir data
for part in train t10k; do
  { printf '\0\0\010\003\0\0\0\001\0\0\0\006\0\0\0\005'; head -c 30 /dev/zero; } \
    >data/$part-images-idx3-ubyte
  printf '\0\0\010\001\0\0\0\001\007' >data/$part-labels-idx1-ubyte
done
refused '4 must divide the height and width of images, got \[6, 5\]' --data data
