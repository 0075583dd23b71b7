"""Asks the vectors of regular expressions of Python's re, compiled as docs/evaluation.md says."""

import json
import re
import sys


def compiled(pattern: str) -> re.Pattern[str]:
    out, in_class, at = "", False, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            out += pattern[at : at + 2]
            at += 2
            continue
        if char == "[":
            in_class = True
        elif char == "]":
            in_class = False
        out += "\\Z" if char == "$" and not in_class else char
        at += 1
    return re.compile(out, re.ASCII)


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)["accepted"]
    asked = wrong = 0
    for case in cases:
        pattern = compiled(case["pattern"])
        for texts, want in (case["matches"], True), (case["misses"], False):
            for text in texts:
                asked += 1
                if (pattern.search(text) is not None) != want:
                    wrong += 1
                    print(f"{case['pattern']!r} of {text!r}: not {want}", file=sys.stderr)
    print(asked)
    return 1 if wrong else 0


sys.exit(main())
