# SPDX-License-Identifier: GPL-2.0-only
"""The black box over warm resets: each boot tells how the boot before ended. One machine, three
resets: a panic, a reset from outside at the prompt, and one in the middle of the self-tests. And
the UEFI variable, for memory that kept nothing: two machines with one file of variables. (Stores
that take nothing: hostile_matrix.py.)
"""

import json
import re
import subprocess

import boot as boot_module
import guest_case
import outside
import report
import secure_variables

VARIABLE = "FirstlightBlackBox"
SECOND_PORT = ("-chardev", "null,id=none", "-device", "isa-serial,chardev=none,index=1")


def stored_variables(work):
    """Name -> bytes of the variables that a boot left in the firmware's flash."""
    return {variable.name: variable.data
            for variable in secure_variables.read((work / "vars.fd").read_bytes())}


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
        self.assertNotIn(VARIABLE, stored_variables(self.folder / "ends"))

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


class VariableTest(guest_case.GuestCase):
    def run_boot(self, name, words="", **fields):
        """A boot that passes; its log and its folder."""
        work = self.folder / name
        boot = boot_module.Boot(f"variable-{name}", words=f"{words} test=mm.areas exit", **fields)
        outcome = boot_module.run(boot, self.build, work)
        log = outcome.log.read_text("utf-8", "replace").replace("\r", "")
        self.assertEqual(outcome.problems, [], log[-2000:])
        return log, work

    def read_report(self, work, name):
        return subprocess.run(["mtype", "-i", work / "esp.img", f"::/firstlight/{name}"],
                              check=True, capture_output=True, text=True).stdout

    def test_next_machine_tells_how_far_the_last_boot_came(self):
        log, first = self.run_boot("writes", "blackbox=efi")
        self.assertIn("firstlight: black box: no record of an earlier boot\n", log)
        self.assertNotIn("last_boot", report.extract(log))
        value = stored_variables(first)[VARIABLE]

        # Other memory, the same flash. Without the word nothing is written.
        log, second = self.run_boot("reads", variables=first / "vars.fd")
        told = re.search(r"^firstlight: black box: memory kept no record; an earlier boot left the "
                         r"firmware at step (\d+): (\w+)$", log, re.M)
        self.assertEqual(told[2], "exit")
        last = {"step": int(told[1]), "name": "exit", "end": "left the firmware"}
        self.assertEqual(report.extract(log)["last_boot"], last)
        self.assertEqual(json.loads(self.read_report(second, "report-000.json"))["last_boot"], last)
        self.assertIn(f"last boot: left the firmware at step {told[1]}: exit\n",
                      self.read_report(second, "report-000.txt"))
        self.assertEqual(stored_variables(second)[VARIABLE], value)

    def test_variable_is_kept_under_secure_boot(self):
        log, work = self.run_boot("secure", "blackbox=efi", secure="signed", medium="virtio")
        self.assertIn("Secure Boot on\n", log)
        self.assertNotIn("warning: black box", log)
        self.assertIn(VARIABLE, stored_variables(work))
