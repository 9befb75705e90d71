#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_reproductions.sh PROGRAM ROOT -- docs/reproductions.md is what `ganymede reproduce --docs` makes of the recipes
# and the results; every result belongs to a recipe, and says where it comes from.
set -euo pipefail
program=$(realpath "$1")
cd "$2"
page=$(mktemp)
trap 'rm -f "$page"' EXIT
"$program" reproduce --docs -o "$page"
if ! cmp -s "$page" docs/reproductions.md; then
	echo "docs/reproductions.md is not current: run ganymede reproduce --docs"
	diff "$page" docs/reproductions.md | head -20
	exit 1
fi
for result in reproductions/*.json; do
	name=$(basename "$result" .json)
	grep -q '^reproduce *=' "recipes/$name.recipe" || { echo "$result belongs to no recipe"; exit 1; }
	for key in published how command commit machine date wall_seconds processor_seconds; do
		grep -q "\"$key\":" "$result" || { echo "$result does not say its $key"; exit 1; }
	done
done
