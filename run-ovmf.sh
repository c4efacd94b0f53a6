#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ./run-ovmf.sh: installs what is missing, builds, boots Firstlight in QEMU under OVMF, and turns
# the end of the run into an exit status. Needs bash and coreutils; tools/deps.sh fetches the rest.
#
# How the end is known. QEMU runs beside this script, which only waits, so that the terminal
# belongs to QEMU and the guest alone. Everything on the serial line also goes to a log file.
#
#   guest writes isa-debug-exit   -> QEMU's exit status, (value << 1) | 1
#   reset, power-off, Ctrl-A X    -> QEMU exits 0; the SHUTDOWN event on QMP says which it was
#   loader back in the firmware   -> a watcher sees the line in the log and ends QEMU by QMP
#   loader refused by Secure Boot -> the same, by the firmware's line
#   time is over                  -> timeout(1) ends QEMU and exits 124
#
# Two runs at a time work: each has its own folder (FAT image, variables, log, QMP pipe); only the
# build and the copy of its result are under a lock. BUILD and ESP in the environment name other
# folders, as for make.
set -euo pipefail

# Exit status (design.md section 7).
readonly exit_pass=0 exit_failed=1 exit_panic=2 exit_lost=3 exit_setup=4 exit_timeout=5 exit_refused=6

readonly firmware_dir=/usr/share/OVMF
readonly snakeoil=/usr/share/ovmf/PkKek-1-snakeoil # .key and .pem

usage() {
    cat <<'EOF'
usage: ./run-ovmf.sh [options] [-- qemu arguments]

  -m SIZE               memory, e.g. 512M, 3G, 1T (default 256M)
  -c, --cpus N          processors (default 1)
      --cpu MODEL       QEMU's -cpu (default max)
  -a, --append "WORDS"  kernel command line
      --test[=PATTERN]  run self-tests, leave with the verdict; a glob over suite.case, or a suite
      --report FILE     boot, write the JSON report to FILE, leave with the verdict
      --timeout SECONDS end the run after so long (default 120 with --test or --report, else never)
      --gdb[=PORT]      wait for gdb on port 1234, or PORT, of this host
      --display         open a window with the guest's screen
      --firmware CODE.fd[,VARS.fd]
      --icount          repeatable instruction counts: one CPU, no disk, 2M firmware
      --kvm             use KVM where a trial boot shows that it works
      --image           boot the USB image (make image) as a USB stick; FAT=16 or 12 as there
      --secure-boot     boot under Secure Boot, a copy of the loader signed with Debian's public
                        test key; with --firmware those variables, and the loader as it is
  -h, --help

Ctrl-C goes to the guest; Ctrl-A X leaves.
Exit status: 0 pass, 1 a test failed or none ran, 2 kernel panic, 3 reset or power-off before a
verdict, 4 QEMU or set-up failed, 5 time-out, 6 the loader returned to the firmware.
EOF
}

say() { printf 'run-ovmf: %s\n' "$*" >&2; }

fail_setup() {
    say "$*"
    exit "$exit_setup"
}

# ---- options ----------------------------------------------------------------------------------

memory=256M
cpus=1
cpu_model=max
append=
test_pattern=
report_file=
time_limit=
gdb=no
gdb_port=1234
display=no
firmware=
icount=no
image=no
secure_boot=no
kvm=no
qemu_extra=()

parse_options() {
    while [ $# -gt 0 ]; do
        local option=$1
        case $option in
        --append=* | --report=* | --timeout=* | --cpu=* | --cpus=* | --firmware=*)
            option=${1%%=*}
            set -- "$option" "${1#*=}" "${@:2}"
            ;;
        esac
        case $option in
        -m | -c | --cpus | --cpu | -a | --append | --report | --timeout | --firmware)
            [ $# -ge 2 ] || fail_setup "$option needs a value"
            ;;
        esac
        case $option in
        -m) memory=$2 && shift ;;
        -c | --cpus) cpus=$2 && shift ;;
        --cpu) cpu_model=$2 && shift ;;
        -a | --append) append=$2 && shift ;;
        --report) report_file=$2 && shift ;;
        --timeout) time_limit=$2 && shift ;;
        --firmware) firmware=$2 && shift ;;
        --test) test_pattern='*' ;;
        --test=?*) test_pattern=${option#*=} ;;
        --gdb) gdb=yes ;;
        --gdb=?*) gdb=yes && gdb_port=${option#*=} ;;
        --display) display=yes ;;
        --icount) icount=yes ;;
        --kvm) kvm=yes ;;
        --image) image=yes ;;
        --secure-boot) secure_boot=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        --)
            shift
            qemu_extra=("$@")
            return
            ;;
        *) fail_setup "unknown option '$option'; --help lists them" ;;
        esac
        shift
    done
}

# Sets memory_mib from SIZE: a number with K, M, G or T; M where there is no letter, as for QEMU.
parse_memory() {
    [[ $memory =~ ^([1-9][0-9]{0,8})([KkMmGgTt]?)$ ]] ||
        fail_setup "-m takes a size such as 256M or 3G, not '$memory'"
    local number=${BASH_REMATCH[1]}
    case ${BASH_REMATCH[2]} in
    [Kk]) memory_mib=$((number / 1024)) ;;
    [Gg]) memory_mib=$((number * 1024)) ;;
    [Tt]) memory_mib=$((number * 1024 * 1024)) ;;
    *) memory_mib=$number ;;
    esac
    [ "$memory_mib" -gt 0 ] || fail_setup "-m $memory is less than a megabyte"
}

check_options() {
    parse_memory
    [[ $cpus =~ ^[1-9][0-9]{0,3}$ ]] || fail_setup "--cpus takes a number, not '$cpus'"
    if [ "$icount" = yes ] && { [ "$cpus" -ne 1 ] || [ "$kvm" = yes ]; }; then
        fail_setup "--icount works with one CPU and without KVM only"
    fi
    if [ "$icount" = yes ] && [ "$image$secure_boot" != nono ]; then
        fail_setup "--icount boots without a disk and without variables: no --image, no --secure-boot"
    fi
    if [ -z "$time_limit" ]; then
        time_limit=0
        [ -z "$test_pattern$report_file" ] || time_limit=120
    fi
    [[ $time_limit =~ ^[0-9]{1,7}$ ]] || fail_setup "--timeout takes seconds, not '$time_limit'"
    [[ $gdb_port =~ ^[1-9][0-9]{0,4}$ ]] || fail_setup "--gdb= takes a port, not '$gdb_port'"
    [[ $append != *[$'\r\n']* ]] || fail_setup "--append takes one line"
    [ -z "$test_pattern" ] || append+=" test=$test_pattern"
    [ -z "$test_pattern$report_file" ] || append+=" exit"
    # Nobody is there to read and press a key; a wait= in APPEND comes later and wins.
    [ -t 0 ] && [ -z "$test_pattern$report_file" ] || append="wait=0 ${append# }"
    append=${append% }
    append=${append# }
}

# ---- build ------------------------------------------------------------------------------------

# A folder of the tree as a path that works from anywhere.
in_tree() {
    case $1 in
    /*) printf '%s' "$1" ;;
    *) printf '%s' "$top/$1" ;;
    esac
}

build() {
    flock "$build_lock"
    local target=$efi_name
    [ "$image" = no ] || target=image
    # Named as make names them, so that this build and a plain `make` share their results.
    make -s -C "$top" "-j$(nproc)" "BUILD=$build_dir" "ESP=$esp_dir" "$target" >&2 ||
        fail_setup "the build failed"
}

# The words for this run, behind those of the tree, where a disk boot finds them: in the folder $1.
add_words() {
    [ -n "$append" ] || return 0
    mkdir -p "$1/firstlight"
    printf '%s\n' "$append" >>"$1/firstlight/cmdline.txt"
}

# Signs the loader in the folder $1 with the key that the snakeoil variables trust. Its pass phrase
# is no secret: Debian's package holds key and variables for tests.
sign_loader() {
    [ "$secure_boot" = yes ] && [ -z "$firmware" ] || return 0
    local key=$work/snakeoil.key loader=$1/EFI/BOOT/BOOTX64.EFI
    openssl rsa -in "$snakeoil.key" -passin pass:snakeoil -out "$key" 2>/dev/null ||
        fail_setup "cannot read $snakeoil.key"
    "$top/tools/sign.sh" "$key" "$snakeoil.pem" "$loader" "$loader" || fail_setup "could not sign"
}

# The ESP of this run. A FAT image and no folder through QEMU's vvfat: the guest may write to it,
# and no other run sees that.
make_disk() {
    local esp_copy=$work/esp disk=$work/esp.img
    cp -R "$(in_tree "$esp_dir")" "$esp_copy"
    add_words "$esp_copy"
    sign_loader "$esp_copy"
    truncate -s 64M "$disk"
    if ! mformat -i "$disk" -v FIRSTLIGHT -F -c 1 :: ||
        ! mcopy -i "$disk" -s -Q "$esp_copy"/* ::; then
        fail_setup "could not make the FAT image"
    fi
}

# The USB image as it was built; what differs in this run is written over it.
make_stick() {
    local changed=$work/changed stick=$work/stick.img
    cp "$(in_tree "$build_dir")/firstlight.img" "$stick" || fail_setup "there is no USB image"
    mkdir -p "$changed"
    mcopy -i "$stick@@1M" -s -Q :: "$changed" || fail_setup "cannot read the USB image"
    add_words "$changed"
    sign_loader "$changed"
    mcopy -i "$stick@@1M" -s -Q -D o "$changed"/* :: || fail_setup "cannot write the USB image"
}

build_and_copy() {
    mkdir -p "$(in_tree "$build_dir")"
    exec {build_lock}>"$(in_tree "$build_dir")/.lock"
    build
    if [ "$icount" = yes ]; then
        cp "$(in_tree "$efi_name")" "$work/BOOTX64.EFI"
    elif [ "$image" = yes ]; then
        make_stick
    else
        make_disk
    fi
    exec {build_lock}>&-
}

# ---- the machine ------------------------------------------------------------------------------

# QEMU option values are separated by commas; a comma in a file name is written twice.
quote() { printf '%s' "${1//,/,,}"; }

# Largest memory whose top stays below TCG's 40 physical address bits with QEMU's PCI window.
readonly forty_bit_limit_mib=$((960 * 1024))
# From here on memory is not reserved, so that a machine larger than the host starts.
readonly reserve_limit_mib=4096

# Address bits for memory beyond the limit. QEMU moves all RAM above 4 GiB to 1 TiB (a hole that
# AMD's IOMMU needs) and puts a PCI window behind it: four times the size leaves room for both.
needed_phys_bits() {
    local bits=42
    while [ $((1 << (bits - 20))) -lt $((memory_mib * 4)) ]; do
        bits=$((bits + 1))
    done
    printf '%d' "$bits"
}

choose_firmware() {
    local code vars flavour=_4M trust=
    # The 4M firmware builds its tables from 2 MiB pages for every address bit: minutes and
    # hundreds of MiB on a large machine. The 2M one uses 1 GiB pages, and counts repeatably.
    if [ "$secure_boot" = yes ]; then
        trust=.snakeoil # there are no such variables for the 2M firmware
    elif [ "$icount" = yes ] || [ "$memory_mib" -gt "$forty_bit_limit_mib" ]; then
        flavour=
    fi
    code=$firmware_dir/OVMF_CODE$flavour.fd
    vars=$firmware_dir/OVMF_VARS$flavour$trust.fd
    if [ -n "$firmware" ]; then
        code=${firmware%%,*}
        vars=
        [[ $firmware != *,* ]] || vars=${firmware#*,}
    fi
    local file
    for file in "$code" ${vars:+"$vars"}; do
        [ -r "$file" ] || fail_setup "no firmware file $file"
    done
    qemu_args+=(-drive "if=pflash,format=raw,unit=0,readonly=on,file=$(quote "$code")")
    if [ -n "$vars" ]; then
        cp "$vars" "$work/vars.fd"
        chmod u+w "$work/vars.fd"
        qemu_args+=(-drive "if=pflash,format=raw,unit=1,file=$(quote "$work/vars.fd")")
    fi
}

choose_memory() {
    local model=$cpu_model
    if [ "$memory_mib" -gt "$forty_bit_limit_mib" ] && [[ $model != *phys-bits=* ]]; then
        model+=,phys-bits=$(needed_phys_bits)
    fi
    qemu_args+=(-cpu "$model" -smp "$cpus" -m "${memory_mib}M")
    if [ "$memory_mib" -gt "$reserve_limit_mib" ]; then
        qemu_args+=(-object "memory-backend-ram,id=ram,size=${memory_mib}M,reserve=off"
            -machine memory-backend=ram)
    fi
}

choose_boot_medium() {
    if [ "$icount" = yes ]; then
        # The log kept until the end: printing costs instructions that are not the kernel's work.
        qemu_args+=(-icount "shift=6,sleep=off" -rtc "base=2024-01-01,clock=vm"
            -kernel "$work/BOOTX64.EFI" -append "${append:+$append }log=deferred")
    elif [ "$image" = yes ]; then
        qemu_args+=(
            -drive "if=none,id=stick,format=raw,file=$(quote "$work/stick.img")"
            -device "qemu-xhci,id=xhci"
            -device "usb-storage,bus=xhci.0,drive=stick,removable=on,bootindex=0")
    else
        qemu_args+=(
            -drive "if=none,id=esp,format=raw,file=$(quote "$work/esp.img")"
            -device "virtio-blk-pci,drive=esp,bootindex=0")
    fi
}

choose_screen() {
    if [ "$display" = yes ]; then
        qemu_args+=(-device VGA)
    else
        qemu_args+=(-display none)
    fi
}

# Ctrl-C to the guest (signal=off), Ctrl-A X and QEMU's monitor through the multiplexer.
make_qemu_arguments() {
    qemu_args=(-accel "$accelerator" -machine q35 -nodefaults -no-user-config -no-reboot -net none
        -device "isa-debug-exit,iobase=0xf4,iosize=0x04"
        -chardev "stdio,id=serial,mux=on,signal=off,logfile=$(quote "$work/serial.log")"
        -serial "chardev:serial" -mon "chardev=serial,mode=readline"
        -chardev "pipe,id=qmp,path=$(quote "$work/qmp")" -mon "chardev=qmp,mode=control")
    choose_firmware
    choose_memory
    choose_boot_medium
    choose_screen
    if [ "$gdb" = yes ]; then
        qemu_args+=(-gdb "tcp:127.0.0.1:$gdb_port" -S)
    fi
    qemu_args+=(${qemu_extra[@]+"${qemu_extra[@]}"})
}

# ---- KVM --------------------------------------------------------------------------------------

# A file /dev/kvm shows nothing: it may belong to root, refuse a register, or hang on the first
# instruction. So this script boots the same machine once with `dryrun`, for at most ten seconds.
kvm_trial_passes() {
    RUN_OVMF_TRIAL=kvm "$top/run-ovmf.sh" -m "${memory_mib}M" -c "$cpus" --cpu "$cpu_model" \
        ${firmware:+"--firmware=$firmware"} -a dryrun --timeout 10 \
        -- ${qemu_extra[@]+"${qemu_extra[@]}"} </dev/null >/dev/null 2>&1
}

choose_accelerator() {
    accelerator=${RUN_OVMF_TRIAL:-tcg}
    [ "$kvm" = yes ] || return 0
    say "trying KVM (at most ten seconds)"
    if kvm_trial_passes; then
        accelerator=kvm
    else
        say "KVM does not work here; using TCG"
    fi
}

# ---- the run ----------------------------------------------------------------------------------

readonly return_line='firstlight: returned to firmware: '
# OVMF's words for an image that Secure Boot does not let in; it then waits for a key for ever.
readonly denied_line='BdsDxe: failed to load Boot[0-9A-F]{4} .*: (Access Denied|Security Violation)'

# Prints the loader's code once its last line stands in the log, or `denied`; ends with QEMU. No
# pipeline: its end would wait for tail, which only ends with QEMU.
wait_for_return() {
    touch "$work/serial.log"
    local line pattern="${return_line}[[:alnum:]_.-]*"
    [ "$secure_boot" = no ] || pattern+="|$denied_line"
    line=$(grep -a -m 1 -o -E "$pattern" \
        < <(exec tail -n +1 -s 0.1 -f --pid="$qemu_pid" "$work/serial.log"))
    case $line in
    BdsDxe:*) printf 'denied' ;;
    *) printf '%s' "${line#"$return_line"}" ;;
    esac
}

# The reason of QMP's SHUTDOWN event (guest-reset, guest-shutdown, host-qmp-quit, ...), or nothing.
shutdown_reason() {
    local line
    while read -r -t 0.2 -u "$qmp_out" line; do
        if [[ $line =~ \"SHUTDOWN\".*\"reason\":\ *\"([a-z-]+)\" ]]; then
            printf '%s' "${BASH_REMATCH[1]}"
            return
        fi
    done
}

# Ends QEMU once the loader is back in the firmware, which would sit in its shell for ever.
start_watcher() {
    (
        code=$(wait_for_return)
        if [ -n "$code" ]; then
            printf '%s\n' "$code" >"$work/returned"
            printf '{"execute":"quit"}\n' >&"$qmp_in"
        fi
    ) </dev/null >/dev/null 2>&1 &
    watcher_pid=$!
}

announce_gdb() {
    say "waiting for gdb; in another terminal:"
    say "  gdb -x $top/tools/gdb/firstlight.py -ex 'target remote :$gdb_port' -ex 'fl start'"
}

# Runs QEMU to its end and sets qemu_status.
run_qemu() {
    mkfifo "$work/qmp.in" "$work/qmp.out"
    exec {qmp_in}<>"$work/qmp.in" {qmp_out}<>"$work/qmp.out"
    printf '{"execute":"qmp_capabilities"}\n' >&"$qmp_in"
    [ "$gdb" = no ] || announce_gdb
    # A background command would get /dev/null for its input; QEMU gets ours.
    timeout --foreground -k 5 "$time_limit" qemu-system-x86_64 "${qemu_args[@]}" <&0 &
    qemu_pid=$!
    start_watcher
    qemu_status=0
    wait "$qemu_pid" || qemu_status=$?
    qemu_pid=
    wait "$watcher_pid" 2>/dev/null || true
}

# From QEMU's end to our exit status, with a sentence where it is none of the guest's own.
judge() {
    local reason code
    if [ -s "$work/returned" ]; then
        code=$(<"$work/returned")
        [ "$code" != dry-run-ok ] || return "$exit_pass"
        if [ "$code" = denied ]; then
            say "Secure Boot: the firmware refused the loader, which is not signed by its keys"
            return "$exit_setup"
        fi
        say "the loader returned to the firmware: $code"
        return "$exit_refused"
    fi
    case $qemu_status in
    33) return "$exit_pass" ;;
    35) say "a test failed" && return "$exit_failed" ;;
    37) say "the kernel panicked" && return "$exit_panic" ;;
    39) say "no test ran" && return "$exit_failed" ;;
    124 | 137) say "no end within $time_limit seconds" && return "$exit_timeout" ;;
    0) ;;
    *) say "QEMU failed (status $qemu_status)" && return "$exit_setup" ;;
    esac
    reason=$(shutdown_reason)
    case $reason in
    host-*)
        [ -n "$test_pattern$report_file" ] || return "$exit_pass"
        say "left before a verdict"
        ;;
    guest-reset) say "the machine was reset before a verdict" ;;
    *) say "the machine was powered off before a verdict" ;;
    esac
    return "$exit_lost"
}

# The JSON behind the last `@report `, whole lines only.
write_report() {
    local json
    json=$(sed -n 's/^.*@report \({.*}\)\r*$/\1/p' "$work/serial.log" | tail -n 1)
    if [ -z "$json" ]; then
        say "no @report line on the serial line"
        return 1
    fi
    printf '%s\n' "$json" >"$report_file" || return 1
}

# shellcheck disable=SC2317  # reached through the EXIT trap
stop_qemu() {
    local pid
    # Not $qemu_pid: a signal may come between QEMU's start and that assignment.
    for pid in $(jobs -p); do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# shellcheck disable=SC2317  # reached through the EXIT trap
clean_up() {
    local status=$?
    trap '' INT TERM
    stop_qemu
    [ -z "${terminal:-}" ] || stty "$terminal" 2>/dev/null || true
    if [ -n "${keep:-}" ]; then
        say "serial log, disk and variables are kept in $work"
    elif [ -n "${work:-}" ]; then
        rm -rf "$work"
    fi
    exit "$status"
}

main() {
    parse_options "$@"
    check_options
    # With standard input closed QEMU would take the first file it opens for its terminal.
    [ -e "/proc/$$/fd/0" ] || exec </dev/null
    top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    build_dir=${BUILD:-build}
    esp_dir=${ESP:-esp}
    efi_name=$esp_dir/EFI/BOOT/BOOTX64.EFI

    local packages=run
    [ "$display" = no ] || packages=display
    "$top/tools/deps.sh" "$packages" || exit "$exit_setup"
    [ "$secure_boot" = no ] || "$top/tools/deps.sh" secure-boot || exit "$exit_setup"

    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 129' HUP
    trap 'exit 143' TERM
    terminal=$(stty -g 2>/dev/null || true)
    work=$(mktemp -d "${TMPDIR:-/tmp}/firstlight.XXXXXX") || fail_setup "no temporary folder"

    build_and_copy
    choose_accelerator
    make_qemu_arguments
    run_qemu

    local status=0
    judge || status=$?
    if [ -n "$report_file" ] && ! write_report && [ "$status" -eq 0 ]; then
        status=$exit_setup
    fi
    if [ -n "$test_pattern$report_file" ] && [ "$status" -ne 0 ]; then
        keep=yes
    fi
    exit "$status"
}

main "$@"
