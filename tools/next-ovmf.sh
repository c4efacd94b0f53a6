#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/next-ovmf.sh: fetches the OVMF of Debian's next release into build/next-ovmf, for tests and
# for run-ovmf.sh --firmware, and prints that folder. Debian 12's OVMF has no driver for SD cards.
# Nothing is installed. Environment and exit status: tools/fetch-package.sh.
set -euo pipefail

# The files that tests/guest/firmware.py takes from it.
share=usr/share/OVMF
exec "$(dirname "${BASH_SOURCE[0]}")/fetch-package.sh" next-ovmf forky ovmf-generic \
    "$share"/OVMF_{CODE_4M,VARS_4M,CODE_4M.secboot.strictnx,VARS_4M.snakeoil}.fd \
    usr/share/ovmf/PkKek-1-snakeoil.{key,pem}
