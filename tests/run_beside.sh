#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run_beside.sh PROGRAM [ARGS...] -- a program of another build folder (sanitizers, fuzzers), from an empty folder for what a
# fuzzer finds. Skipped (exit status 77), and says so, where it was not built.
set -uo pipefail
program=$1
shift
if [[ ! -x $program ]]; then
	printf 'skipped: %s was not built (make test builds it)\n' "$program"
	exit 77
fi
scripts=$(cd "$(dirname "$0")/../scripts" && pwd)
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1
export LSAN_OPTIONS=suppressions=$scripts/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:suppressions=$scripts/ubsan.supp
if [[ $program == *fuzz_* ]]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	"$program" -artifact_prefix="$dir/" "$dir" "$@" >"$dir/log" 2>&1 </dev/null
	status=$?
	[[ $status = 0 ]] || { tail -60 "$dir/log"; for f in "$dir"/crash-* "$dir"/oom-* "$dir"/timeout-*; do [[ -f $f ]] && base64 "$f"; done; }
	exit $status
fi
exec "$program" "$@"
