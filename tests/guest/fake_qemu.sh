#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stands in for qemu-system-x86_64 in test_run_ovmf.py: notes its arguments, says on the serial
# line (stdout and the logfile= of its arguments) what FAKE_SERIAL holds, and ends as told.
#
#   FAKE_ARGUMENTS  file that gets the arguments, one a line
#   FAKE_COMMANDS   file that gets the disk's cmdline.txt
#   FAKE_SERIAL     text for the serial line
#   FAKE_STATUS     exit status; `hang` waits until it is ended
#   FAKE_REASON     reason of a SHUTDOWN event on QMP
#   FAKE_ECHO       set: copies stdin to the serial line
set -u

[ -e "/proc/$$/fd/0" ] || exit 99

printf '%s\n' "$@" >>"${FAKE_ARGUMENTS:-/dev/null}"
log=/dev/null
for argument in "$@"; do
    plain=${argument//,,/$'\n'} # a doubled comma is a comma of the name
    value=${plain##*[,]}
    value=${value#*=}
    value=${value//$'\n'/,}
    case $plain in
    *,logfile=*) log=$value ;;
    pipe,id=qmp,*) qmp=$value ;;
    *stick.img) value+=@@1M ;;&
    *esp.img | *stick.img) mtype -i "$value" ::/firstlight/cmdline.txt >"${FAKE_COMMANDS:-/dev/null}" 2>&1 ;;
    esac
done

printf '%b' "${FAKE_SERIAL:-}" | tee -a "$log"
[ -z "${FAKE_ECHO:-}" ] || cat | tee -a "$log"
if [ -n "${FAKE_REASON:-}" ]; then
    printf '{"event": "SHUTDOWN", "data": {"guest": true, "reason": "%s"}}\n' \
        "$FAKE_REASON" >"$qmp.out"
fi
[ "${FAKE_STATUS:-0}" = hang ] || exit "${FAKE_STATUS:-0}"

# QMP's quit, or a signal.
trap 'exit 0' TERM
while read -r command; do
    [[ $command != *'"quit"'* ]] || exit 0
done <>"$qmp.in"
