# SPDX-License-Identifier: GPL-2.0-only
"""Framebuffers as today's PCs have them, and as broken firmware describes them. HOSTILE.EFI puts
its own graphics output before the loader: above 4 GiB, in the 64-bit BAR of a PCI device that is in
no memory map or amid free RAM, with RGB or bitmask pixels, lines apart, off a page. What was drawn
is read where a monitor's cable would: from the memory itself, outside of the guest.
"""

import contextlib
import re
import time
from typing import NamedTuple

import boot as boot_module
import guest_case
import hostile_matrix
import ktap
import outside
import report
import screen
from script_outside import MMIO_POOL, PAT_WC

SHARED_BYTES = 16 << 20
UNTOUCHED = b"\xa5"
GIB = 1 << 30
# Red, green, blue: as hostile_screen.c has them. No two are equally wide.
MASKS = (0x000001ff, 0xffe00000, 0x000ffc00)
RGB = (0x0000ff, 0x00ff00, 0xff0000)
WIDTH, HEIGHT = 1024, 768
COUNTDOWN = "any other key to continue"  # the shell, before startup.nsh
RETURNED = "firstlight: returned to firmware: dry-run-ok"
FIRST_LINE = "firstlight: kernel entered"
LAST_WORDS = "firstlight: reset in 30 seconds, or at a byte on the serial line"


class Mode(NamedTuple):
    """A mode of WIDTH x HEIGHT pixels; the words of `hostile=` that make it are words()."""
    place: str
    masks: tuple
    pitch: int  # pixels
    offset: int  # bytes from the place's start

    def words(self):
        pixels = {RGB: "gop-rgb", MASKS: "gop-masks"}[self.masks]
        return f"{self.place},{pixels},gop-pitch:{self.pitch},gop-offset:{self.offset}"

    def pixels(self):
        """What the loader calls them."""
        return "RGB" if self.masks == RGB else "masks {:x} {:x} {:x}".format(*self.masks)

    def picture(self, memory):
        return screen.read_memory(memory, (WIDTH, HEIGHT), self.pitch, self.masks, UNTOUCHED)

    def size(self):
        return self.pitch * HEIGHT * 4


# With the size of a firmware that forgot what lies between the lines.
HIGH_BAR = Mode(f"gop-bar,gop-size:{WIDTH * HEIGHT * 4}", RGB, 1100, 0x1004)
HIGH_RAM = Mode("gop-free", MASKS, 1029, 0xffc)
STOP = Mode("gop-bar", MASKS, 1056, 0x2ffc)


class Refused(NamedTuple):
    """What a firmware says of its framebuffer, and why the loader does without."""
    words: str
    why: str


TOO_SMALL = "a framebuffer smaller than its mode, and RAM where that would be"
NO_ADDRESS = "an address that this CPU does not have"
REFUSED = (
    Refused("blt-only", "only the firmware can draw on it"),
    Refused("gop-bar,gop-width:0", "a mode without pixels"),
    Refused("gop-bar,gop-pitch:1023", "lines longer than their distance"),
    Refused("gop-free,gop-size:0", TOO_SMALL),
    Refused(f"gop-free,gop-size:{WIDTH * HEIGHT * 4 - 1}", TOO_SMALL),
    Refused(f"gop-base:{(1 << 40) - 4096}", NO_ADDRESS),
    Refused(f"gop-base:{(1 << 64) - 4096}", NO_ADDRESS),
)


class FramebufferTest(guest_case.GuestCase):
    def setUp(self):
        super().setUp()
        self.font = screen.read_psf1((guest_case.BUILD / "font.psf").read_bytes())
        self.shared = self.folder / "shared"
        self.shared.write_bytes(UNTOUCHED * SHARED_BYTES)

    @contextlib.contextmanager
    def guest(self, words, **fields):
        """HOSTILE.EFI with a screen of the firmware's own and a device with memory to show."""
        boot = boot_module.Boot("framebuffer", firmware="2M", serial=False, screen=True,
                                words=words, **{"medium": "kernel", **fields})
        build = self.build._replace(efi=guest_case.BUILD / "guest/HOSTILE.EFI")
        device = ["-object", f"memory-backend-file,id=shared,share=on,mem-path={self.shared},"
                             f"size={SHARED_BYTES}", "-device", "ivshmem-plain,memdev=shared"]
        arguments = boot_module.qemu_arguments(boot, build, self.folder)
        with outside.PromptGuest([*arguments, *device], self.folder) as guest:
            yield guest

    def drawn(self, read, mode, fits, seconds=15):
        """The rows of text in the bytes that read() gives, once they fit; the screen comes after
        the serial line, and one that is being drawn cannot be read."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                rows = screen.read_rows(mode.picture(read()), self.font)
            except ValueError as error:
                rows = [str(error)]
            if fits(rows) or time.monotonic() > deadline:
                return rows
            time.sleep(0.2)

    def bar_bytes(self, mode):
        """The framebuffer in the shared memory, of which nothing else was written to."""
        memory = self.shared.read_bytes()
        end = mode.offset + mode.size()
        self.assertEqual(memory[:mode.offset].strip(UNTOUCHED), b"")
        self.assertEqual(memory[end:].strip(UNTOUCHED), b"")
        return memory[mode.offset:end]

    def check_mapping(self, guest, base, size):
        """The pool has the framebuffer's pages and no more, all write-combining."""
        text = guest.type("vm leaves")
        leaves = [(leaf, outside.PAGE_BYTES[name]) for leaf, name in outside.kernel_leaves(text)
                  if leaf.virt >= MMIO_POOL]
        self.assertEqual([leaf for leaf, _ in leaves],
                         [leaf for leaf in outside.qemu_leaves(guest.qemu("info tlb"))
                          if leaf.virt >= MMIO_POOL])
        self.assertEqual(len(re.findall(r" wc$", text, re.M)), len(leaves))
        wanted = base & -4096
        for leaf, page_bytes in leaves:
            self.assertEqual(leaf.phys, wanted)
            wanted += page_bytes
        self.assertEqual(wanted, base + size + 4095 & -4096)
        registers = outside.kernel_registers(guest.type("vm regs"))
        self.assertEqual(registers["PAT"] >> 8 * PAT_WC & 0xff, 1)
        for leaf, _ in (leaves[0], leaves[-1]):
            entry, level = outside.raw_leaf(guest.physical_word, registers["CR3"], leaf.virt)
            self.assertEqual(entry & (1 << (7 if level == 1 else 12) | 1 << 4 | 1 << 3),
                             1 << (7 if level == 1 else 12), f"{leaf.virt:#x}: {entry:#x}")

    def check_kernel(self, guest, log, mode, base):
        """The books, and what the loader and the kernel say of the screen."""
        self.assertTrue(ktap.parse(log).ok(), log[-3000:])
        self.assertNotIn(hostile_matrix.FORBIDDEN, log)
        found = report.extract(log)
        self.assertEqual(report.check(found, {}), [])
        self.assertEqual(found["page_tables"]["violations"], 0)
        self.assertIn(f"firstlight: screen: {WIDTH}x{HEIGHT}, {mode.pitch} pixels a line, at "
                      f"{base:#018x}, {mode.pixels()}\n", log)
        self.assertIn(f"] screen: {WIDTH}x{HEIGHT} pixels at {base:#018x}, ", log)
        self.assertIn("\n0 violations\n", guest.type("vm audit"))
        self.assertIn("balanced", guest.type("usage"))
        self.assertNotIn("NOT BALANCED", guest.type("usage"))
        return found

    def test_bar_above_4g_with_rgb_pixels_shows_the_serial_log(self):
        with self.guest(f"hostile={HIGH_BAR.words()} test=mm.areas") as guest:
            log = guest.read_to_prompt(40)
            expected = screen.expected_rows(log, WIDTH // 8, HEIGHT // 16)
            rows = self.drawn(lambda: self.bar_bytes(HIGH_BAR), HIGH_BAR, expected.__eq__)
            firmware_screen = screen.UnknownFont(guest.picture())
            bar = int(re.search(r"BAR2: 64 bit prefetchable memory at 0x([0-9a-f]+)",
                                guest.qemu("info pci"))[1], 16)
            self.check_kernel(guest, log, HIGH_BAR, bar + HIGH_BAR.offset)
            self.check_mapping(guest, bar + HIGH_BAR.offset, HIGH_BAR.size())
        self.assertEqual(rows, expected)
        self.assertGreater(bar, 4 * GIB)
        # The firmware's own screen is as the loader left it.
        self.assertTrue(firmware_screen.begins_a_row("firstlight: leaving boot services"))
        self.assertFalse(firmware_screen.begins_a_row(FIRST_LINE))

    def test_free_ram_above_4g_with_bitmask_pixels_shows_the_serial_log(self):
        with self.guest(f"hostile={HIGH_RAM.words()} test=mm.*", memory="5G") as guest:
            log = guest.read_to_prompt(40)
            expected = screen.expected_rows(log, WIDTH // 8, HEIGHT // 16)
            base = int(re.search(r"pixels a line, at 0x([0-9a-f]{16})", log)[1], 16)
            path = self.folder / "pixels"

            def read():
                guest.command("pmemsave", val=base, size=HIGH_RAM.size(), filename=str(path))
                return path.read_bytes()

            rows = self.drawn(read, HIGH_RAM, expected.__eq__)
            found = self.check_kernel(guest, log, HIGH_RAM, base)
        self.assertEqual(rows, expected)
        self.assertGreater(base, 4 * GIB)
        pages = [(e["base"], e["base"] + e["size"]) for e in found["mmap"]
                 if e["reason"] == "framebuffer"]
        self.assertEqual(pages, [(base & -4096, base + HIGH_RAM.size() + 4095 & -4096)])

    def test_stop_screen_in_a_bar_above_4g_shows_the_serial_log(self):
        with self.guest(f"hostile={STOP.words()},refuse:1000") as guest:
            log = guest.read_until(LAST_WORDS, 40)
            start = "firstlight: leaving boot services"

            def fits(rows):
                return screen.shows_log_from(start, log, rows, WIDTH // 8)

            rows = self.drawn(lambda: self.bar_bytes(STOP), STOP, fits)
        self.assertTrue(fits(rows), "\n".join(rows))

    def test_impossible_framebuffer_is_named_and_left_alone(self):
        start = " dryrun noreport wait=0\r\nfs0:\\firstlight\\loader.efi "
        words = start.join([*(f"hostile={refused.words}" for refused in REFUSED),
                            "hostile=gop-bar", "hostile=gop-bar,gop-unmapped,refuse:1000"])
        with self.guest(words, medium="virtio", start="shell") as guest:
            guest.read_until(COUNTDOWN)
            guest.command("send-key", keys=[{"type": "qcode", "data": "spc"}])
            log = guest.read_until(LAST_WORDS, 40)
        starts = log.split("hostile: started with: ")[1:]
        self.assertEqual(len(starts), len(REFUSED) + 2)
        for refused, text in zip(REFUSED, starts):
            with self.subTest(refused.words):
                self.assertIn(f"firstlight: screen: none: {refused.why}", text)
                self.assertIn(RETURNED, text)
        self.assertIn(f"screen: {WIDTH}x{HEIGHT}, ", starts[-2])  # good, and not drawn on yet
        self.assertIn(RETURNED, starts[-2])
        self.assertIn("warning: the firmware does not map the screen's memory", starts[-1])
        self.assertNotIn(hostile_matrix.FORBIDDEN, log)
        self.assertEqual(self.shared.read_bytes().strip(UNTOUCHED), b"")
