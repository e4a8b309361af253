#!/usr/bin/env bash
# mnist on a few drawn digits and on IDX files, and what it says to those who
# use it wrongly.
#
#     tests/mnist.sh PROGRAM
set -euo pipefail
source "$(dirname "$0")/example.sh"

# Drawn digits: it learns what it sees.
"$program" --synthetic --images 320 --batch 16 --epochs 6 --lr 0.02 --seed 3 \
  >out || fail "exit code $?"
grep -q '^Total: ' out || fail "no table of variables"
[ "$(grep -c '^\[Epoch ' out)" = 6 ] || fail "not six epochs in: $(cat out)"
wrong=$(sed -n 's/^\[Epoch 5\] .*(\([0-9]*\) wrong)$/\1/p' out)
[ "$wrong" -le 20 ] || fail "$wrong of 64 wrong"

# The same from files: bright and dark images, 20 of each, one part packed.
bytes() { printf "%0.s\\x$1" $(seq "$2"); }
images() { printf '\0\0\010\003\0\0\0\050\0\0\0\006\0\0\0\005'; }
mkdir data
for part in train t10k; do
  { images; for i in $(seq 20); do bytes f0 30; bytes 10 30; done; } \
    >data/$part-images-idx3-ubyte
  { printf '\0\0\010\001\0\0\0\050'; for i in $(seq 20); do printf '\3\7'; done; } \
    >data/$part-labels-idx1-ubyte
done
gzip data/train-images-idx3-ubyte
"$program" --data data --batch 10 --epochs 3 >out || fail "exit code $?"
grep -q '^40 images of 6 x 5 to learn from, 40 to test with' out ||
  fail "$(cat out)"
grep -q '^\[Epoch 2\] .* test acc: 100.00% (0 wrong)$' out || fail "$(cat out)"

refused '--data DIR must name a folder with train-images-idx3-ubyte'
refused '--synthetic draws digits' --epochs 3
refused '/no/such/folder is no folder' --data /no/such/folder
refused 'excludes' --data data --synthetic
refused '--epochs: must be a number of at least 0' --synthetic --epochs -1
refused 'no finite number' --synthetic --images 200 --lr 1e30

# Damage is found before training.
truncate -s -1 data/t10k-labels-idx1-ubyte
refused 't10k-labels-idx1-ubyte is cut short: \[40\] needs 40 bytes, got 39' \
  --data data
[ ! -s out ] || fail "it began with damaged data: $(cat out)"
rm data/t10k-labels-idx1-ubyte
refused 'data must hold t10k-labels-idx1-ubyte' --data data
