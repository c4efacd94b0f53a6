# SPDX-License-Identifier: GPL-2.0-only
"""A flood of typed bytes: 64 KiB pasted at once at the prompt arrive complete and in order, while
the kernel echoes and answers every line.
"""

import os
import re
import select
import time

import boot as boot_module
import guest_case
import outside

LINES = 1024
LINE_BYTES = 64  # with the CR


def line(number):
    return f"z{number:04} {'abcdefghij' * 6}"[:LINE_BYTES - 1]


class FloodTest(guest_case.GuestCase):
    def paste(self, guest, text, end):
        """Types `text` as fast as the guest takes it and reads on to the prompt behind `end`."""
        os.set_blocking(guest.input, False)
        seen = b""
        deadline = time.monotonic() + 60
        while end not in seen or not seen.endswith(outside.PROMPT.encode()):
            self.assertLess(time.monotonic(), deadline, seen[-300:])
            readable, writable, _ = select.select([guest.output], [guest.input] if text else [], [],
                                                  0.5)
            if readable:
                seen += os.read(guest.output, 65536)
            if writable:
                text = text[os.write(guest.input, text[:4096]):]
        return seen.decode("ascii", "replace")

    def test_64_kib_pasted_at_once_arrive_complete(self):
        boot = boot_module.Boot("flood", firmware="2M", medium="kernel", serial=False,
                                words="test=mm.areas")
        work = self.folder / boot.name
        work.mkdir()
        with outside.PromptGuest(boot_module.qemu_arguments(boot, self.build, work), work) as guest:
            guest.read_to_prompt()
            text = "".join(line(number) + "\r" for number in range(LINES)).encode()
            self.assertEqual(len(text), 64 * 1024)
            seen = self.paste(guest, text + b"log\r", b"breaks ")
        state = seen[seen.rindex("serial port at "):]
        echoed = re.findall(r"(?:^firstlight> |\A)(z\d{4} [a-j]+)\r?$", seen, re.M)
        self.assertEqual(echoed, [line(number) for number in range(LINES)])
        answered = re.findall(r'unknown command "(z\d{4})"', seen)
        self.assertEqual(answered, [f"z{number:04}" for number in range(LINES)])
        self.assertIn("overruns 0, garbled 0", state)
