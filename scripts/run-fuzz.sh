#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run-fuzz.sh BUILD_DIR [SECONDS [NAME...]] -- runs every fuzz target of a build folder, or those named, for SECONDS
# each, starting from fuzz/corpus/NAME. New inputs stay in the build folder; an input that crashes is left there too, and its path printed.
set -euo pipefail

build=$(cd "${1:?usage: scripts/run-fuzz.sh BUILD_DIR [SECONDS]}" && pwd)
seconds=${2:-30}
shift $(($# < 2 ? $# : 2))
cd "$(dirname "$0")/.."

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/scripts/lsan.supp:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1:suppressions=$PWD/scripts/ubsan.supp}
export OMP_NUM_THREADS=1

# Of the programs that have ended: on a machine with other work a second of theirs is less than one of the clock.
cpu_seconds() {
	awk '{ print int(($16 + $17) / hertz) }' hertz="$(getconf CLK_TCK)" /proc/$$/stat
}

targets=0 failed=0 total=0
for program in "$build"/fuzz/fuzz_*; do
	if [[ ! -f $program || ! -x $program ]]; then
		continue
	fi
	name=$(basename "$program")
	name=${name#fuzz_}
	if [[ $# -gt 0 && " $* " != *" $name "* ]]; then
		continue
	fi
	targets=$((targets + 1))
	found=$build/fuzz/found/$name
	mkdir -p "$found"
	folders=("$found")
	if [[ -d fuzz/corpus/$name ]]; then
		folders+=("fuzz/corpus/$name")
	fi
	log=$build/fuzz/$name.log
	status=0
	before=$(cpu_seconds)
	"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz/$name-" "${folders[@]}" >"$log" 2>&1 </dev/null || status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
	total=$((total + ${runs:-0}))
	used=$(($(cpu_seconds) - before))
	if [[ $status -eq 0 ]]; then
		printf '%-20s %12s runs in %s CPU seconds\n' "$name" "${runs:-0}" "$used"
	else
		failed=$((failed + 1))
		printf '%-20s %12s runs, then failed (exit status %s):\n' "$name" "${runs:-0}" "$status"
		grep -v '^#' "$log" | tail -60
	fi
done

if [[ $targets -eq 0 ]]; then
	printf 'no fuzz target in %s/fuzz\n' "$build" >&2
	exit 1
fi
printf '%s targets, %s runs, %s failed\n' "$targets" "$total" "$failed"
[[ $failed -eq 0 ]]
