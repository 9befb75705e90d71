#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run-tests.sh BUILD_DIR [meson test arguments] -- runs the tests of a build folder and counts test functions, not
# programs: every cmocka test counts as one, a shell test as one. Last line: "N passed, M failed[, K skipped]".
# Exit status 0 only when something passed and nothing failed.
set -uo pipefail

if [[ $# -lt 1 ]]; then
	printf 'usage: scripts/run-tests.sh BUILD_DIR [meson test arguments]\n' >&2
	exit 2
fi
build=$1
shift
here=$(cd "$(dirname "$0")" && pwd)

# cmocka speaks TAP, one line for each test function. Idle OpenMP threads sleep instead of spinning, because several
# test programs share the cores.
export CMOCKA_MESSAGE_OUTPUT=TAP
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$here/lsan.supp:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1:suppressions=$here/ubsan.supp}

log=$build/meson-logs/testlog.json
rm -f "$log"
meson test -C "$build" --no-rebuild "$@" </dev/null |
	grep --line-buffered -E '^ *[0-9]+/[0-9]+ |ERROR|error:'
exec python3 "$here/count-tests.py" "$log"
