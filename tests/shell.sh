# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2015
#
# shell.sh -- what the shell tests share; sourced with the program's path as $1. They run in an empty folder.
set -uo pipefail
export LC_ALL=C
program=$(realpath "$1")
dir=$(mktemp -d)
trap 'chmod -R u+rwx "$dir"; rm -rf "$dir"' EXIT
cd "$dir" || exit 1
checks=0 failures=0

bad() {
	printf 'FAIL: %s\n' "$*"
	failures=$((failures + 1))
}

# works PATTERN ARGS...: status 0, and PATTERN somewhere on stdout.
works() {
	local pattern=$1
	shift
	checks=$((checks + 1))
	"$program" "$@" >out 2>err || bad "ganymede $*: status $?, $(cat err)"
	grep -qE -- "$pattern" out || bad "ganymede $*: no \"$pattern\" in: $(head -c 400 out)"
}

# refuses STATUS PATTERN ARGS...: that status, and one line on stderr that has PATTERN.
refuses() {
	local want=$1 pattern=$2 status
	shift 2
	checks=$((checks + 1))
	"$program" "$@" >out 2>err
	status=$?
	[ "$status" = "$want" ] || bad "ganymede $*: status $status, not $want: $(cat err)"
	[ "$(grep -c '^ganymede: ' err)" = 1 ] && [ "$(grep -c . err)" = 1 ] || bad "ganymede $*: not one line: $(cat err)"
	grep -qiE -- "$pattern" err || bad "ganymede $*: no \"$pattern\" in: $(cat err)"
}

# check MESSAGE COMMAND...: the command is true.
check() {
	local message=$1
	shift
	checks=$((checks + 1))
	"$@" || bad "$message"
}

# finish: how many checks there were; the status of the whole test.
finish() {
	printf '%d checks, %d failures\n' "$checks" "$failures"
	[ "$failures" = 0 ]
}
