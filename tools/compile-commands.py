#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turns the commands of `make -nB V=1` on standard input into a compile_commands.json."""

import json
import os
import shlex
import sys


def main():
    entries = []
    for line in sys.stdin.read().replace("\\\n", " ").splitlines():
        words = line.split()
        if "-c" in words and "-o" in words:
            source = words[words.index("-c") + 1]
            if source.endswith(".c"):
                entries.append({"directory": os.getcwd(), "file": source,
                                "arguments": shlex.split(line)})
    json.dump(entries, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0 if entries else 1


if __name__ == "__main__":
    sys.exit(main())
