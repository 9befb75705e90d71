#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check-format.sh [SOURCE] -- whether clang-format would change any C file. Versions disagree in details, so only the one that
# the sources were formatted with says so; with another one, or none, this is skipped (exit status 77), and says it.
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 1
want=14
for program in clang-format-$want clang-format; do
	have=$("$program" --version 2>/dev/null | grep -oE 'version [0-9]+' | grep -oE '[0-9]+')
	if [[ $have = "$want" ]]; then
		git ls-files '*.c' '*.h' | xargs "$program" --dry-run --Werror || exit 1
		exit 0
	fi
done
printf 'skipped: formatting is held by clang-format %s, and that is not here\n' "$want"
exit 77
