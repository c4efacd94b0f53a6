# SPDX-License-Identifier: GPL-2.0-only
"""A real gdb debugs the kernel over the second serial line, through the stub inside the kernel. What
gdb sees is compared with what QEMU's monitor sees, with the ELF file and with the prompt.
"""

import os
import re
import select
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import boot as boot_module
import outside
from gdb_driver import Gdb, GdbError

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
ESP = TOP / os.environ.get("ESP", "esp")
ELF = BUILD / "kernel.elf"
PANIC_STATUS = 37
COMMANDS = TOP / "tools/gdb/firstlight.py"
POINTS_OF_INTEREST = ("0x0", "0xffff800000000000", "0xffff800000200000", "0xffff800001234567",
                      "0xffffa10000000000", "0xffff8000fffff000")


def elf_symbols():
    done = subprocess.run(["nm", str(ELF)], check=True, text=True, capture_output=True)
    return {name: int(value, 16) for value, _, name in
            (line.split() for line in done.stdout.splitlines() if len(line.split()) == 3)}


def qemu_bytes(guest, address, count):
    """Bytes at a virtual address as QEMU's monitor shows them."""
    text = guest.qemu(f"x /{count}xb 0x{address:x}")
    return bytes(int(byte, 16) for byte in re.findall(r"\b0x([0-9a-f]{2})\b", text))


def gdb_bytes(gdb, address, count):
    text = gdb.command(f"x/{count}xb 0x{address:x}")
    return bytes(int(byte, 16) for byte in re.findall(r"\b0x([0-9a-f]{2})\b", text))


def walk_facts(text):
    """What `vm walk` and `fl pt` both say: entries without accessed and dirty bits, and the end."""
    entries = [(name, int(index), int(value, 16) & ~0x60) for name, index, value in
               re.findall(r"\+- (\w+)\[(\d+)\] 0x([0-9a-f]{16})", text)]
    return entries, re.findall(r"CR3 0x\w+|-> 0x\w+ \w+|0x\w+ is not mapped", text)


def buddy_facts(text):
    """What `buddy` and `fl buddy` both say: totals, and calls by order."""
    calls = re.findall(r"^ *(\d+)(?: +\d+)*? +(\d+) +(\d+)$", text, re.M)
    return calls, re.findall(r"^total .*$", text, re.M)


class Guest:
    """A guest with the kernel's stub on its second serial port, behind a Unix socket."""

    def __init__(self, words):
        self.folder = tempfile.TemporaryDirectory()
        work = Path(self.folder.name)
        self.socket = work / "gdb.sock"
        build = boot_module.Build(ESP / "EFI/BOOT/BOOTX64.EFI", BUILD / "kernel.stripped.elf")
        boot = boot_module.Boot("gdb", firmware="2M", medium="kernel", serial=False, words=words)
        self.prompt = outside.PromptGuest(
            [*boot_module.qemu_arguments(boot, build, work),
             "-chardev", f"socket,id=gdb,path={self.socket},server=on,wait=off",
             "-device", "isa-serial,chardev=gdb,iobase=0x2f8,irq=3,index=1"], work)

    def close(self):
        self.prompt.__exit__(None, None, None)
        self.folder.cleanup()

    def attach(self):
        """A gdb that has stopped the kernel; nobody told it where the image is."""
        gdb = Gdb([str(ELF)])
        gdb.command(f"target remote {self.socket}")
        gdb.stops.clear()
        return gdb


class GdbTest(unittest.TestCase):
    """One boot; every test attaches anew and leaves the kernel at its prompt."""

    @classmethod
    def setUpClass(cls):
        cls.guest = Guest("gdb=ttyS1 test=arch.trap")
        cls.log = cls.guest.prompt.read_to_prompt()

    @classmethod
    def tearDownClass(cls):
        cls.guest.close()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def prompt_works(self):
        self.assertIn("balanced", self.guest.prompt.type("usage"))

    def type_only(self, line):
        """Types a line whose command will stop at a breakpoint."""
        os.write(self.guest.prompt.input, line.encode() + b"\r")

    def start_until(self, gdb, line):
        """Lets the kernel run the command `line`; the stop that it meets."""
        gdb.resume()
        self.type_only(line)
        return gdb.wait_stop()

    def let_go(self, gdb):
        """Detaches from a kernel that stands inside a command."""
        gdb.command("detach")
        gdb.kill()
        self.guest.prompt.read_to_prompt()

    def test_registers_are_those_that_qemu_sees(self):
        with self.guest.attach() as gdb:
            theirs = outside.qemu_registers(self.guest.prompt.qemu("info registers"))
            self.assertEqual(set(theirs), {"CR0", "CR2", "CR3", "CR4", "EFER"})
            self.assertEqual({name: gdb.value(f"${name.lower()}") for name in theirs}, theirs)
            self.assertEqual(gdb.value("$cs"), 8)
            self.assertIn("gdb_server_poll", gdb.command("backtrace"))
            self.assertIn("<unavailable>", gdb.command("info registers st0"))
            with self.assertRaises(GdbError):
                gdb.command("set $cr3 = 0")
            gdb.command("set $rbx = $rbx")
            gdb.command("detach")
        self.prompt_works()

    def test_symbols_are_where_the_elf_and_the_loader_say(self):
        base = int(re.search(r"kernel at 0x([0-9a-f]+)", self.log)[1], 16) + (0xffff8 << 44)
        symbols = elf_symbols()
        with self.guest.attach() as gdb:
            for name in ("kernel_main", "usage_command", "_end"):
                self.assertEqual(gdb.value(f"(unsigned long)&{name}") % (1 << 64),
                                 base + symbols[name])
            gdb.command("detach")

    def test_breakpoint_shows_arguments_and_leaves_no_trace(self):
        with self.guest.attach() as gdb:
            gdb.command("break vm_command")
            address = gdb.value("(unsigned long)&vm_command") % (1 << 64)
            before = qemu_bytes(self.guest.prompt, address, 32)
            self.assertNotIn(0xcc, before[:16])
            gdb.resume()
            # While it runs INT3 is there, for QEMU and for the CPU, and the audit finds nothing.
            self.wait_running(address, before)
            self.type_only("vm audit")
            self.assertIn('reason="breakpoint-hit"', gdb.wait_stop())
            self.assertIn('argument=', gdb.command("info args").replace(" ", ""))
            self.assertIn('"audit"', gdb.command("print argument"))
            self.assertIn("command_run", gdb.command("backtrace"))
            self.assertEqual(qemu_bytes(self.guest.prompt, address, 32), before)
            self.assertEqual(gdb_bytes(gdb, address, 32), before)
            table = gdb.value("(unsigned long)&monitor_commands") % (1 << 64)
            self.assertEqual(gdb_bytes(gdb, table, 64), qemu_bytes(self.guest.prompt, table, 64))
            gdb.resume()
            self.assertIn("0 violations", self.guest.prompt.read_to_prompt())
            gdb.stops.clear()
            gdb.command("interrupt")
            self.assertIn("SIGINT", gdb.wait_stop())
            gdb.command("detach")
        self.assertEqual(qemu_bytes(self.guest.prompt, address, 32), before)
        self.prompt_works()

    def wait_running(self, address, before):
        """Until the breakpoint is armed: gdb answers before the kernel runs."""
        for _ in range(200):
            now = qemu_bytes(self.guest.prompt, address, 32)
            if now != before:
                break
        differ = [i for i, pair in enumerate(zip(now, before)) if pair[0] != pair[1]]
        self.assertEqual([now[i] for i in differ], [0xcc])

    def test_steps_over_instructions_lines_and_functions(self):
        with self.guest.attach() as gdb:
            gdb.command("break usage_command")
            self.start_until(gdb, "usage")
            gdb.command("delete")
            here = gdb.value("$rip")
            for _ in range(10):
                lines = re.findall(r"^[ =>]*0x([0-9a-f]+)[^:]*:\s+(\w+)",
                                   gdb.command("x/2i $rip"), re.M)
                gdb.step()
                if not re.match(r"call|j|ret", lines[0][1]):
                    self.assertEqual(gdb.value("$rip") % (1 << 64), int(lines[1][0], 16))
            self.assertNotEqual(gdb.value("$rip"), here)
            self.assertIn('reason="end-stepping-range"', gdb.step("next"))
            self.assertEqual(gdb.value("($eflags >> 8) & 1"), 0)  # no trap flag for the program
            for _ in range(5):  # the steps may have ended some calls below
                stop = gdb.step("finish")
                self.assertIn('reason="function-finished"', stop)
                if 'func="command_run"' in stop:
                    break
            self.assertIn('func="command_run"', stop)
            self.let_go(gdb)
        self.prompt_works()

    def test_watchpoint_shows_the_old_and_the_new_value(self):
        with self.guest.attach() as gdb:
            gdb.command("watch -location 'kernel/selftest/selftest.c'::running_pattern")
            stop = self.start_until(gdb, "test arch.nothing")
            self.assertIn('reason="watchpoint-trigger"', stop)
            self.assertIn("arch.nothing", stop)
            self.assertIn('func="selftest_run"', stop)
            self.let_go(gdb)
        self.prompt_works()

    def test_read_watchpoint_stops_at_a_read(self):
        with self.guest.attach() as gdb:
            gdb.command("awatch -location 'kernel/verdict.c'::has_failed")
            stop = self.start_until(gdb, "exit now")
            self.assertIn("access-watchpoint-trigger", stop)
            gdb.command("delete")
            gdb.command("return")  # out of the verdict; `exit` itself is not wanted
            gdb.command("break power_debug_exit")
            gdb.resume()
            gdb.wait_stop()
            gdb.command("return")
            self.let_go(gdb)
        self.prompt_works()

    def test_four_hardware_breakpoints_and_not_five(self):
        names = ("usage_command", "areas_command", "memmap_command", "help_command")
        with self.guest.attach() as gdb:
            for name in names:
                gdb.command(f"hbreak {name}")
            for name in names[:2]:
                self.assertIn(f'func="{name}"', self.start_until(gdb, name.removesuffix("_command")))
                gdb.resume()
                self.guest.prompt.read_to_prompt()
                gdb.command("interrupt")
                gdb.wait_stop()
            gdb.command("hbreak report_command")
            self.assertIn("Could not insert hardware", gdb.refuse_to_run("stepi"))
            gdb.command("detach")
        self.prompt_works()

    def test_bad_addresses_are_errors(self):
        with self.guest.attach() as gdb:
            for address in ("0", "0x1000", "0xdead000000000000", "0xffffffffffffffff"):
                with self.assertRaisesRegex(GdbError, "Cannot access memory"):
                    gdb.command(f"x/xb {address}")
            with self.assertRaisesRegex(GdbError, "Cannot access memory"):
                gdb.command("set var *(char *)&kernel_main = 0x90")  # read-only text
            for place in ("*trap_dispatch", "*(char *)&monitor_commands"):
                gdb.command(f"break {place}")
                self.assertIn("Cannot insert breakpoint", gdb.refuse_to_run("stepi"))
                gdb.command("delete")
            gdb.command("detach")
        self.prompt_works()

    def test_memory_can_be_written(self):
        with self.guest.attach() as gdb:
            address = gdb.value("(unsigned long)&kept.bytes") % (1 << 64)
            old = gdb_bytes(gdb, address, 32)
            new = bytes((i * 37) % 256 for i in range(17))  # `$`, `#` and `}` are among them
            for offset in (0, 3):
                (self.folder / "new").write_bytes(new)
                gdb.command(f"restore {self.folder / 'new'} binary {address + 8 + offset}")
                seen = qemu_bytes(self.guest.prompt, address, 32)
                self.assertEqual(seen[8 + offset:25 + offset], new)
            (self.folder / "old").write_bytes(old)
            gdb.command(f"restore {self.folder / 'old'} binary {address}")
            self.assertEqual(qemu_bytes(self.guest.prompt, address, 32), old)
            gdb.command("detach")

    def test_fl_commands_say_what_the_prompt_says(self):
        said = {}
        with self.guest.attach() as gdb:
            base = gdb.value("(unsigned long)&_text") % (1 << 64)
            gdb.command("symbol-file")
            gdb.command(f"source {COMMANDS}")
            self.assertIn(f"kernel at 0x{base:x}\n", gdb.command("fl kernel"))
            self.assertIn("kernel_main", gdb.command("backtrace"))
            said = {line: gdb.command(f"fl {line}") for line in
                    ("memmap", "buddy", *(f"pt {place}" for place in POINTS_OF_INTEREST))}
            gdb.command("detach")
        check_fl(self, said, self.guest.prompt.type)

    def test_monitor_gives_what_the_prompt_gives(self):
        with self.guest.attach() as gdb:
            told = {line: gdb.command(f"monitor {line}") for line in ("usage", "areas", "nonsense")}
            gdb.command("detach")
        for line, text in told.items():
            self.assertEqual(text, self.guest.prompt.type(line))

    def test_exception_stops_and_can_be_taken_back(self):
        with self.guest.attach() as gdb:
            gdb.command("break usage_command")
            self.start_until(gdb, "usage")
            gdb.command("delete")
            gdb.command("set $good = $rip")
            gdb.command("set $rip = 0")
            self.assertIn("SIGSEGV", gdb.step("stepi"))
            self.assertEqual(gdb.value("$cr2"), 0)
            gdb.command("set $rip = $good")
            gdb.command("queue-signal 0")
            gdb.resume()
            self.assertIn("balanced", self.guest.prompt.read_to_prompt())
            gdb.command("interrupt")
            gdb.wait_stop()
            gdb.command("detach")
        self.prompt_works()

    def test_debugger_that_dies_leaves_nothing_behind(self):
        gdb = self.guest.attach()
        address = gdb.value("(unsigned long)&areas_command") % (1 << 64)
        before = qemu_bytes(self.guest.prompt, address, 32)
        gdb.command("break areas_command")
        gdb.resume()
        self.wait_running(address, before)
        gdb.kill()
        with self.guest.attach() as gdb:
            self.assertIn("No breakpoints", gdb.command("info breakpoints"))
            gdb.command("detach")
        self.assertEqual(qemu_bytes(self.guest.prompt, address, 32), before)
        self.assertIn("areas", self.guest.prompt.type("areas"))


def check_fl(test, said, prompt):
    """Compares what `fl` commands said with the answers of the kernel's own prompt."""
    test.assertEqual(said["memmap"], prompt("memmap"))
    test.assertGreater(len(said["memmap"].splitlines()), 10)
    test.assertEqual(buddy_facts(said["buddy"]), buddy_facts(prompt("buddy")))
    test.assertEqual(len(buddy_facts(said["buddy"])[0]), 19)
    for place in POINTS_OF_INTEREST:
        walk = walk_facts(said[f"pt {place}"])
        test.assertGreater(len(walk[0]), 0)
        test.assertEqual(walk, walk_facts(prompt(f"vm walk {place}")))


class QemuStubTest(unittest.TestCase):
    """./run-ovmf.sh --gdb with gdb in batch mode, as docs/debugging.md shows it."""

    def read_until(self, stream, wanted, seconds=90):
        text = ""
        while wanted not in text:
            self.assertTrue(select.select([stream], [], [], seconds)[0], f"no {wanted!r}: {text}")
            got = os.read(stream.fileno(), 65536)
            self.assertTrue(got, f"ended before {wanted!r}: {text}")
            text += got.decode("utf-8", "replace").replace("\r", "")
        return text

    def prompt(self, line):
        self.script.stdin.write(line.encode() + b"\r")
        self.script.stdin.flush()
        text = self.read_until(self.script.stdout, f"\n{outside.PROMPT}")
        return text.split("\n", 1)[1].removesuffix(outside.PROMPT)

    def batch(self, port, commands):
        """Output of gdb by command."""
        arguments = ["gdb", "-nx", "-batch", "-x", str(COMMANDS),
                     "-ex", f"target remote 127.0.0.1:{port}"]
        for line in commands:
            arguments += ["-ex", f"echo \\n@@{line}\\n", "-ex", line]
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, timeout=150, check=False,
                              env={**os.environ, "DEBUGINFOD_URLS": ""})
        self.assertEqual(done.returncode, 0, done.stdout)
        parts = [part.split("\n", 1) for part in done.stdout.split("\n@@")[1:]]
        return {name: text for name, text in parts}

    def test_finds_loader_and_kernel_and_agrees_with_the_prompt(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.script = subprocess.Popen(
            [str(TOP / "run-ovmf.sh"), f"--gdb={port}", "-a", "test=mm.areas", "--timeout", "180"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end)
        self.assertIn(f"target remote :{port}", self.read_until(self.script.stderr, "fl start"))
        said = self.batch(port, [
            "fl loader", "fl start", "info symbol $rip", "print bootinfo->magic", "break monitor_run", "continue",
            "fl memmap", "fl buddy", *(f"fl pt {place}" for place in POINTS_OF_INTEREST),
            "info line kernel_main", "info scope mm_init", "info line mm_init", "detach"])
        for command, text in said.items():
            self.assertNotIn("Internal error", text, command)
        log = self.read_until(self.script.stdout, outside.PROMPT)
        runs_at = int(re.search(r"runs at 0x([0-9a-f]+)", log)[1], 16)
        self.assertIn(f"kernel at 0x{runs_at:x}\n", said["fl start"])
        self.assertRegex(said["fl loader"], r"loader at 0x[0-9a-f]+000\n")
        self.assertIn(said["fl loader"].splitlines()[-1], said["fl start"])
        self.assertIn("kernel_main in section .text", said["info symbol $rip"])
        self.assertIn(str(int.from_bytes(b"IRSTLGH1", "little")), said["print bootinfo->magic"])
        address = runs_at + elf_symbols()["kernel_main"]
        self.assertIn(f"starts at address 0x{address:x}", said["info line kernel_main"])
        check_fl(self, {name.removeprefix("fl "): text for name, text in said.items()}, self.prompt)
        self.script.stdin.write(b"exit\r")
        self.script.stdin.flush()
        self.assertEqual(self.script.wait(30), 0)

    def end(self):
        if self.script.poll() is None:
            self.script.terminate()
            self.script.wait(30)
        for stream in (self.script.stdin, self.script.stdout, self.script.stderr):
            stream.close()


class EarlyTest(unittest.TestCase):
    def test_waits_at_boot_and_hands_a_crash_over_before_the_end(self):
        guest = Guest("gdb=ttyS1,wait")
        self.addCleanup(guest.close)
        process = guest.prompt.process
        self.wait_for_text(guest, "gdb: waiting for a debugger")
        self.assertNotIn("books:", self.text)  # that early
        with guest.attach() as gdb:
            self.assertIn("gdb_server_start", gdb.command("backtrace"))
            gdb.command("break mm_init")
            gdb.resume()
            self.assertIn('func="mm_init"', gdb.wait_stop())
            gdb.command("set $rip = 8")
            self.assertIn("SIGSEGV", gdb.step("stepi"))
            gdb.resume("signal SIGSEGV")  # passed on: the kernel's own way with it
            self.assertIn("SIGSEGV", gdb.wait_stop(60))
            text = self.text
            text += self.read_some(guest)
            self.assertIn("unexpected page fault (#PF) at 0x0000000000000008", text)
            self.assertEqual(gdb.value("$rip"), 8)
            self.assertIsNone(process.poll())
            gdb.command("detach")
        self.assertEqual(process.wait(30), PANIC_STATUS)

    def test_crash_without_a_debugger_waits_for_one(self):
        guest = Guest("gdb=ttyS1 test=mm.areas")
        self.addCleanup(guest.close)
        process = guest.prompt.process
        guest.prompt.read_to_prompt()
        guest.prompt.qemu("nmi")
        self.wait_for_text(guest, "gdb: waiting for a debugger on ttyS1")
        self.assertIn("unexpected non-maskable interrupt", self.text)  # the dump came first
        with guest.attach() as gdb:
            self.assertIn("monitor_run", gdb.command("backtrace"))
            self.assertIn("SIGINT", gdb.command("info program"))
            self.assertIn("0x", gdb.command("monitor vm walk 0xffff800000200000"))
            gdb.command("detach")
        self.assertEqual(process.wait(30), PANIC_STATUS)

    def read_some(self, guest):
        return os.read(guest.prompt.output, 1 << 20).decode("utf-8", "replace")

    def wait_for_text(self, guest, wanted):
        self.text = ""
        while wanted not in self.text:
            self.assertTrue(select.select([guest.prompt.output], [], [], 60)[0], self.text[-300:])
            self.text += self.read_some(guest)


if __name__ == "__main__":
    unittest.main()
