#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/shim.sh: fetches Debian 12's shim, signed by Microsoft, into build/shim, for tests, and prints
# that folder. Not in tools/deps.sh: the package brings GRUB's and its own installers, which write to
# the system's EFI partition. Environment and exit status: tools/fetch-package.sh.
set -euo pipefail

# The file that tests/guest/firmware.py takes from it.
exec "$(dirname "${BASH_SOURCE[0]}")/fetch-package.sh" shim bookworm shim-signed \
    usr/lib/shim/shimx64.efi.signed
