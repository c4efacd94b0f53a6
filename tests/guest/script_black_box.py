# SPDX-License-Identifier: GPL-2.0-only
"""The black box over warm resets: each boot tells how the boot before ended. One machine, three
resets: a panic, a reset from outside at the prompt, and one in the middle of the self-tests. And
the UEFI variable, for memory that kept nothing.
"""

import re

import boot as boot_module
import guest_case
import outside
import report

SECOND_PORT = ("-chardev", "null,id=none", "-device", "isa-serial,chardev=none,index=1")


class BlackBoxTest(guest_case.GuestCase):
    def guest(self, name, words, **fields):
        """A guest that comes up again after a reset."""
        boot = boot_module.Boot(f"black-box-{name}", words=words, serial=False, **fields)
        work = self.folder / name
        work.mkdir()
        arguments = boot_module.qemu_arguments(boot, self.build, work)
        return outside.PromptGuest([a for a in arguments if a != "-no-reboot"], work)

    def last_boot(self, log):
        """(end, step, name) as the loader prints it."""
        end, step, name = re.search(r"^firstlight: black box: the last boot (.+) at step (\d+): "
                                    r"(\w+)$", log, re.M).groups()
        return end, int(step), name

    def reported_boot(self, log):
        """The same, and that the report says so too."""
        end, step, name = self.last_boot(log)
        self.assertEqual(report.extract(log)["last_boot"],
                         {"step": step, "name": name, "end": end})
        return end, step, name

    def test_next_boot_tells_how_the_last_one_ended(self):
        with self.guest("ends", "test=mm.areas panic=1") as guest:
            first = guest.read_to_prompt()
            self.assertIn("firstlight: black box: no record of an earlier boot\n", first)
            self.assertNotIn("last_boot", report.extract(first))

            log = guest.type("panic boo")  # and the machine comes up again
            end, step, name = self.reported_boot(log)
            self.assertEqual((end, name), ("stopped in a panic", "done"))
            self.assertRegex(log, r"(?m)^firstlight: black box: \| monitor: boo$")

            guest.command("system_reset")
            log = guest.read_to_prompt()
            self.assertEqual(self.reported_boot(log), ("came to its end", step, "done"))
            self.assertNotIn("black box: |", log)

    def test_next_boot_tells_the_step_that_hung(self):
        waiting = "gdb: waiting for a debugger"
        with self.guest("hangs", "gdb=ttyS1,wait", serial_arguments=SECOND_PORT) as guest:
            guest.read_until(waiting)
            guest.command("system_reset")
            log = guest.read_until(waiting)
            end, step, name = self.last_boot(log)
            self.assertEqual((end, name), ("stopped", "kernel_entry"))
            self.assertGreater(step, 15)  # the loader's steps count
            self.assertIn(f"black box: | {waiting}", log)
