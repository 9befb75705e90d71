#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# growth.sh GANYMEDE [PART...]: what a training step costs as batch, width, picture side, threads and data grow, and whether a
# run of a million tiny steps keeps its memory. Parts: batch width side threads data leak. ROW_SECONDS=1 for each row.
set -euo pipefail
program=$(realpath "$1")
shift
parts=${*:-batch width side threads data leak}
seconds=${ROW_SECONDS:-.4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# row LABEL BENCH OPTION...: ms, GFLOP needed, GFLOP/s, peak MB, seconds to the first step
row() {
  local label=$1
  shift
  "$program" bench "$@" --seconds "$seconds" | tail -1 | awk -v l="$label" '
    { printf "| %s | %.2f | %.3f | %.1f | %.0f | %.3f |\n", l, $4, $5 * $2, $6, $10, $11 }'
}

head_of() {
  printf '\n| %s | ms a step | GFLOP | GFLOP/s | peak MB | first step, s |\n| --- | --- | --- | --- | --- | --- |\n' "$1"
}

for part in $parts; do
  case $part in
  batch)
    head_of 'dcgan, 32 px, width 32: batch'
    for n in 8 16 32 64 128; do row "$n" dcgan-32 --width 32 --batch $n; done ;;
  width)
    head_of 'dcgan, 32 px, batch 32: width'
    for n in 16 32 64 128; do row "$n" dcgan-32 --width $n --batch 32; done ;;
  side)
    head_of 'dcgan, width 16, batch 16: side'
    for n in 16 32 64 128; do row "$n" dcgan-32 --size $n --width 16 --batch 16; done ;;
  threads)
    head_of 'threads'
    for n in 1 2; do
      OMP_NUM_THREADS=$n row "dcgan-32, $n" dcgan-32
      OMP_NUM_THREADS=$n row "gan-mlp, $n" gan-mlp
    done ;;
  data)
    # IDX files of 8x8 pictures of noise: magic, count, rows, columns, all big-endian
    head_of 'gan-mlp, batch 64: pictures of 8x8 in an IDX file'
    for n in 1000 10000 100000 1000000; do
      {
        printf '\x00\x00\x08\x03'
        printf '%08x' $n | sed 's/../\\x&/g' | xargs -0 printf
        printf '\x00\x00\x00\x08\x00\x00\x00\x08'
        head -c $((n * 64)) /dev/urandom
      } > "$work/data-idx3-ubyte"
      row "$n" gan-mlp --data "$work/data-idx3-ubyte"
    done ;;
  leak)
    printf '\n| a million steps of gan, width 4, batch 4: step | resident kB |\n| --- | --- |\n'
    OMP_NUM_THREADS=1 "$program" train gan --data ring8 --width 4 --batch 4 --steps 1000000 --outdir "$work/runs" \
      --save-every 500000 --sample-every 500000 > "$work/log" 2>&1 &
    pid=$!
    next=0 first='' last=''
    while kill -0 $pid 2> "$work/errors"; do
      step=$(tr '\r' '\n' < "$work/log" | sed -n 's/^step \([0-9]*\)\/.*/\1/p' | tail -1)
      if [ "${step:-0}" -gt "$next" ]; then
        kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2> "$work/errors" || true)
        [ -z "$kb" ] || printf '| %s | %s |\n' "$step" "$kb"
        last=${kb:-$last}
        [ "$next" -lt 100000 ] || first=${first:-$last}
        next=$((next + 100000))
      fi
      sleep .2
    done
    wait $pid || { tail -3 "$work/log"; exit 1; }
    [ -n "$first" ] || { echo 'growth: the run was over too soon to look at'; exit 1; }
    grown=$((last - first))
    echo "resident memory grew by $grown kB after the first tenth"
    [ "$grown" -lt 1024 ] || exit 1 ;;
  *) echo "growth: no part $part" >&2; exit 2 ;;
  esac
done
