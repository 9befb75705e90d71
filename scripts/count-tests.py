#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts test functions in a log that `meson test` left (one JSON object a line, one line a test program).

A test program prints TAP (cmocka does when CMOCKA_MESSAGE_OUTPUT=TAP): each "ok" is a test that passed. A program that
crashes, runs out of time, stops before all the tests it announced, or reports none is a failure of its own: the failing
kind of silence must never look like success. A script, or a program in the suite "status", counts as one test: exit
status 0 passes, 77 skips.

The output of whatever failed is printed, then "N passed, M failed[, K skipped]".
"""
import json
import re
import sys

PLAN = re.compile(r"^1\.\.(\d+)", re.M)
LINE = re.compile(r"^(not )?ok (\d+)\b(.*)$", re.M)
TAIL = 120  # lines of a failing program's output that are shown
SCRIPT = (".sh", ".py")


def judge(test):
    """(passed, failed, skipped, what went wrong besides failing test functions or None)"""
    out = test.get("stdout") or ""
    result, status = test["result"], test["returncode"]
    planned = sum(int(n) for n in PLAN.findall(out))

    by_status = ":status / " in test["name"] or any(word.endswith(SCRIPT) for word in test["command"])
    if not planned and by_status:
        if result == "SKIP":
            return 0, 0, 1, None
        if result == "OK":
            return 1, 0, 0, None
        return 0, 1, 0, "ran out of time" if result == "TIMEOUT" else f"exit status {status}"

    passed = failed = skipped = 0
    for bad, _, rest in LINE.findall(out):
        if re.search(r"#\s*skip", rest, re.I):  # older cmocka writes "not ok 3 # SKIP"
            skipped += 1
        elif bad:
            failed += 1
        else:
            passed += 1
    seen = passed + failed + skipped

    if result == "TIMEOUT":
        trouble = f"ran out of time after {test['duration']:.0f} s, {seen} of {planned} tests reported"
    elif result == "SKIP":  # exit status 77: the program says that it cannot run here
        return passed, failed, max(skipped, 1), None
    elif status < 0:
        trouble = f"killed by signal {-status}, {seen} of {planned} tests reported"
    elif not planned:
        trouble = f"reported no test (exit status {status})"
    elif seen != planned:
        trouble = f"reported {seen} of {planned} tests (exit status {status})"
    elif status and not failed:
        trouble = f"exit status {status} though no test failed"
    else:
        return passed, failed, skipped, None
    return passed, failed + 1, skipped, trouble


def main():
    try:
        with open(sys.argv[1], encoding="utf-8", errors="replace") as f:
            tests = [json.loads(line) for line in f if line.strip()]
    except OSError:
        tests = []
    passed = failed = skipped = 0
    for test in sorted(tests, key=lambda t: t["name"]):
        p, f, s, trouble = judge(test)
        passed, failed, skipped = passed + p, failed + f, skipped + s
        if f:
            print(f"\n--- {test['name']}: {trouble or str(f) + ' failed'} ---")
            text = (test.get("stdout") or "") + (test.get("stderr") or "")
            print("\n".join(text.splitlines()[-TAIL:]))
    if not tests:
        print("no test was run")
    if failed:
        print()
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


sys.exit(main())
