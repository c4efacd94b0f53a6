# SPDX-License-Identifier: GPL-2.0-only
"""A loader that refuses, seen by a person at the machine: the firmware's screen shows cause, code
and what to do until a key of the keyboard is pressed, and only then the firmware goes on. Each code
of docs/errors.md that a machine, a firmware or a command line can bring about is forced: in one
boot, where the UEFI shell starts HOSTILE.EFI again and again, on a CPU that lacks something, and,
where the loader stops, in hostile_matrix.py. What this emulator does not have (encrypted memory),
and what only a bug of the loader would bring about, is forced in another such boot, where a gdb at
QEMU's stub changes facts under the shipped loader.
"""

import re
import socket
import time
from typing import Callable, NamedTuple

import boot as boot_module
import guest_case
import hostile_matrix
import screen
from loader_debugger import Facts, LoaderDebugger

QUESTION = "firstlight: a key returns to the firmware, else 600 seconds do"
RETURNED = "firstlight: returned to firmware: "
COUNTDOWN = "any other key to continue"  # the shell, before startup.nsh
START = "fs0:\\firstlight\\loader.efi "
MEMMAP = "memmap"  # of the shell; in the end the sums by type:
LOADER_PAGES = re.compile(r"^ *(LoaderCode|LoaderData): *([\d,]+) Pages", re.M)
BEHIND_LOADER_PAGES = "BS_Code   :"


class Refusal(NamedTuple):
    code: str
    words: str
    cause: str  # how its line begins

    def lines(self):
        return f"firstlight: refused: {self.cause}", error_line(self.code)


def error_line(code):
    return f"firstlight: error {code}: docs/errors.md#{code}"


CPU = Refusal("cpu", "", "this CPU lacks what a 64-bit kernel needs")
IN_THE_SHELL = (
    Refusal("kernel-not-found", "kernel=\\none.elf", "kernel=\\none.elf cannot be read"),
    Refusal("kernel-not-elf", "kernel=\\startup.nsh", "the kernel image ("),
    Refusal("secure-boot", "kernel=\\startup.nsh hostile=secure-boot",
            "kernel=\\startup.nsh is not signed"),
    Refusal("la57", "hostile=la57", "the firmware runs on 5-level page tables"),
    Refusal("no-memory", "mem=1M", "no free range of "),
    Refusal("bad-memory-map", "hostile=unset-stride",
            "the firmware's memory map cannot be read"),
    Refusal("exit-refused", "hostile=overrun",
            "the firmware's memory map cannot be used for the exit"),
)


# ---- with a debugger ---------------------------------------------------------------------------

GUEST_BIT = 1 << 31  # CPUID 1 ECX: under a hypervisor
LAST_LEAF, ENCRYPTION_LEAF = 0x80000000, 0x8000001f
UP_TO_ENCRYPTION = {"rax": (0xffffffff, ENCRYPTION_LEAF)}
SME, SEV = 1, 2  # in EAX of the leaf; EBX has the number of the C bit
C_BIT = 47
# AMD64 Architecture Programmer's Manual, volume 2, "Secure Encrypted Virtualization" and "Secure
# Memory Encryption": SYSCFG.MemEncryptionModEn and SEV_STATUS.
SME_IN_TABLES = Facts({1: {"rcx": (GUEST_BIT, 0)}, LAST_LEAF: UP_TO_ENCRYPTION,
                       ENCRYPTION_LEAF: {"rax": (SME | SEV, SME), "rbx": (0x3f, C_BIT)}},
                      {0xc0010010: 1 << 23}, cr3=1 << C_BIT)
SEV_GUEST = Facts({1: {"rcx": (GUEST_BIT, GUEST_BIT)}, LAST_LEAF: UP_TO_ENCRYPTION,
                   ENCRYPTION_LEAF: {"rax": (SME | SEV, SEV), "rbx": (0x3f, C_BIT)}},
                  {0xc0010131: 1})
INTERRUPTS_ARE_OFF = "($eflags & 0x200) == 0"
EIO = -5
HOLES_COUNT = 24  # in struct page_audit_expectation, the audit's third argument


def lose_a_run(loader):
    """The map has one run of memory less than the firmware's RAM."""
    loader.run_to("mmap_emit_run")
    loader.leave()


def let_users_in(loader):
    loader.run_to("page_audit")
    loader.spoil_a_leaf(loader.value("$rcx"))


def forget_the_holes(loader):
    """The audit of the kernel's own tables expects pages where guards are. Its first line comes
    while other memory stands in for the black box."""
    loader.run_to("kernel_tables_audit")
    loader.run_to("page_audit")
    loader.gdb.command(f"set *(unsigned int *)($r8 + {HOLES_COUNT}) = 0")


def fail_a_step(loader):
    loader.run_to("boot_load_kernel")
    loader.leave(EIO)


def break_an_invariant(loader):
    """Deep in the plan, under a lock, something is asked for that is larger than all memory."""
    loader.run_to("stand_in_memory_ptr", INTERRUPTS_ARE_OFF)
    loader.set("r8", 1 << 40)


def shrink_the_block(loader):
    """The room for the bootinfo, when it is written: behind the exit."""
    loader.run_to("boot_block_write")
    loader.set("r9", 4096)


class Forced(NamedTuple):
    refusal: Refusal
    force: Callable


FORCED = (
    Forced(Refusal("sme", "", "the firmware's page tables are encrypted"),
           lambda loader: loader.play_cpu(SME_IN_TABLES)),
    Forced(Refusal("internal", "", 'step "load" failed: EIO'), fail_a_step),
    Forced(Refusal("encrypted-guest", "", "this virtual machine's memory is encrypted"),
           lambda loader: loader.play_cpu(SEV_GUEST)),
    Forced(Refusal("books", "", "the books of this memory map do not balance"), lose_a_run),
    Forced(Refusal("bad-page-tables", "", "the hand-over tables break a rule (EPROTO, "),
           let_users_in),
    Forced(Refusal("bad-page-tables", "", "the kernel's page tables break a rule ("),
           forget_the_holes),
    Forced(Refusal("internal", "", "BUG: "), break_an_invariant),
)
ROOM = "bootinfo-room"
SERIAL_SOCKET = ("-chardev", "socket,id=com1,path={work}/com1,server=on,wait=off,logfile={log}",
                 "-serial", "chardev:com1")


def stops_in_the_matrix():
    """Codes of the boots whose stop screen is compared with the serial line."""
    return {match[1] for boot in hostile_matrix.BOOTS if boot.screen_from
            for text in boot.log_has if (match := re.fullmatch(r"error ([\w-]+): .*", text))}


def shell_words(starts, last=""):
    """What boot.py puts behind the first start of the loader: the words of each start. Between the
    first and the second, and behind them all, the shell looks at the map; then the start `last`."""
    first, *others = (START + f"{words} wait=600".strip() for words in starts)
    lines = [first, MEMMAP, *others, MEMMAP, *([START + last] if last else [])]
    return "\r\n".join(lines).removeprefix(START)


class ErrorsTest(guest_case.GuestCase):
    def guest(self, efi=None, more=(), **fields):
        boot = boot_module.Boot("errors", screen=True, **fields)
        build = self.build._replace(efi=efi) if efi else self.build
        arguments = boot_module.qemu_arguments(boot, build, self.folder)
        return screen.Guest([*arguments, *more], self.folder)

    def press(self, guest):
        guest.command("send-key", keys=[{"type": "qcode", "data": "spc"}])

    def drawn(self, guest, texts, seconds=15):
        """The screen once all `texts` are on it; it may come after the serial line."""
        deadline = time.monotonic() + seconds
        while True:
            picture = screen.UnknownFont(guest.picture())
            missing = [text for text in texts if not picture.begins_a_row(text)]
            if not missing:
                return picture
            if time.monotonic() > deadline:
                raise AssertionError(f"not on the screen: {missing}")
            time.sleep(0.2)

    def check(self, guest, refusal, behind=0):
        """Waits for the refusal, reads serial line and screen, presses a key. What the log has in
        front of `behind` is of another start of the loader."""
        log = guest.wait_for(error_line(refusal.code), behind=behind)
        for line in refusal.lines():
            self.assertIn(f"\n{line}", log)
        picture = self.drawn(guest, [*refusal.lines(), QUESTION])
        # The same machinery does not see what is not there.
        self.assertFalse(picture.begins_a_row(RETURNED + refusal.code))
        self.assertNotIn(RETURNED + refusal.code, guest.log()[behind:])
        self.press(guest)
        guest.wait_for(RETURNED + refusal.code, behind=behind)

    def check_given_back(self, log):
        """The shell's two looks at the map saw the same number of pages of loaders."""
        pages = [match.groups() for match in LOADER_PAGES.finditer(log)]
        self.assertEqual(len(pages), 4, log[-3000:])
        self.assertEqual(pages[:2], pages[2:], "pages that the loader did not give back")

    def test_refusal_stays_on_the_screen_until_a_key_is_pressed(self):
        with self.guest(firmware="2M", medium="kernel", cpu="max,-msr", words="wait=600") as guest:
            self.check(guest, CPU)

    def test_every_refusal_is_on_screen_and_serial_line(self):
        words = shell_words(refusal.words for refusal in IN_THE_SHELL)
        with self.guest(guest_case.BUILD / "guest/HOSTILE.EFI", firmware="2M", medium="virtio",
                        start="shell", words=words) as guest:
            guest.wait_for(COUNTDOWN)
            self.press(guest)
            for refusal in IN_THE_SHELL:
                self.check(guest, refusal)  # the first that fails ends it: no key was pressed
            log = guest.wait_for(RETURNED + IN_THE_SHELL[-1].code)
            guest.wait_for(BEHIND_LOADER_PAGES, behind=len(log))
            self.check_given_back(guest.log())
            self.assertNotIn(hostile_matrix.FORBIDDEN, guest.log())

    def force(self, guest, loader, forced):
        loader.wait_loader()
        behind = len(guest.log())
        forced.force(loader)
        loader.go()
        self.check(guest, forced.refusal, behind)

    def check_stop(self, guest, behind):
        """The loader's own screen shows the serial line; a byte on that resets the machine."""
        log = guest.wait_for("or at a byte on the serial line", behind=behind)
        self.assertIn("\nfirstlight: stopped: the bootinfo block is larger than was foreseen", log)
        self.assertIn(f"\n{error_line(ROOM)}", log)
        font = screen.read_psf1((guest_case.BUILD / "font.psf").read_bytes())
        deadline = time.monotonic() + 15
        while not self.stop_screen_is(guest, font, log):
            self.assertLess(time.monotonic(), deadline, "the screen does not show the stop")
            time.sleep(0.2)
        self.assertIsNone(guest.process.poll())
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / "com1"))
            line.sendall(b" ")
            self.assertEqual(guest.process.wait(10), 0)

    def stop_screen_is(self, guest, font, log):
        picture = guest.picture()
        try:
            rows = screen.read_rows(picture, font)
        except ValueError:
            return False  # it is being drawn
        return screen.shows_log_from("firstlight: leaving boot services", log, rows,
                                     screen.grid_of(picture, font)[0])

    def test_every_refusal_that_no_firmware_brings_about(self):
        words = shell_words((forced.refusal.words for forced in FORCED), "wait=600")
        stub = self.folder / "gdb"
        with self.guest(firmware="2M", medium="virtio", start="shell", words=words,
                        serial_arguments=SERIAL_SOCKET,
                        more=("-gdb", f"unix:{stub},server=on,wait=off")) as guest:
            guest.wait_for(COUNTDOWN)
            with LoaderDebugger(stub, self.build.efi) as loader:
                loader.go()
                self.press(guest)
                for forced in FORCED:
                    self.force(guest, loader, forced)
                loader.wait_loader()
                log = guest.log()
                self.check_given_back(log)
                shrink_the_block(loader)
                loader.go()
                self.check_stop(guest, len(log))

    def test_no_code_is_missing_here(self):
        codes = re.findall(r"^## (.*)$", (guest_case.TOP / "docs/errors.md").read_text(), re.M)
        forced = {refusal.code for refusal in (CPU, *IN_THE_SHELL)} | stops_in_the_matrix()
        debugged = {forced.refusal.code for forced in FORCED} | {ROOM}
        self.assertEqual(forced & debugged, set())
        self.assertEqual(forced | debugged, set(codes))
