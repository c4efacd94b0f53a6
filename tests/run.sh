#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ./tests/run.sh: installs what is missing, then runs everything (`make test`). The last line is
# `N passed, N failed`; exit status 0 where none failed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/deps.sh test
exec make -s --no-print-directory test
