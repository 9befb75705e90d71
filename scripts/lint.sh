#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# lint.sh BUILD_DIR -- formatting, clang-tidy over every C file that the build knows, shellcheck, and the house rules.
# Exit status 1 if any of them has something to say.
set -uo pipefail

build=$(cd "${1:?usage: scripts/lint.sh BUILD_DIR}" && pwd)
cd "$(dirname "$0")/.." || exit 1
failed=0

have() { command -v "$1" >/dev/null 2>&1 || { printf 'lint: no %s here, skipped\n' "$1"; return 1; }; }

mapfile -t c_files < <(git ls-files '*.c' '*.h')
mapfile -t shell_files < <(git ls-files '*.sh' .ci/run)

if have clang-format && [[ ${#c_files[@]} -gt 0 ]]; then
	clang-format --dry-run --Werror "${c_files[@]}" || failed=1
fi
if have clang-tidy; then
	# The build is gcc's: warning flags that clang does not know are no finding.
	python3 -c '
import json, os, sys
root, build = os.getcwd(), sys.argv[1]
seen = {os.path.realpath(os.path.join(e["directory"], e["file"])) for e in json.load(open(build + "/compile_commands.json"))}
print("\n".join(sorted(os.path.relpath(f, root) for f in seen if f.startswith(root) and not f.startswith(build))))
' "$build" | xargs -r -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet --warnings-as-errors='*' \
		--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument \
		2> >(grep -vE '^[0-9]+ warnings? (generated|treated as error)|^Suppressed |^Use -header-filter' >&2) || failed=1
fi
if have shellcheck && [[ ${#shell_files[@]} -gt 0 ]]; then
	shellcheck "${shell_files[@]}" || failed=1
fi
tests/check_layers.sh || failed=1

if [[ $failed -eq 0 ]]; then
	printf 'lint: nothing to say\n'
fi
exit "$failed"
