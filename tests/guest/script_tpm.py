# SPDX-License-Identifier: GPL-2.0-only
"""Measured boot with a TPM 2.0 (swtpm): the kernel's replay agrees with the PCRs, and both with what
tools/predict-pcr says of the files; embedded kernel and one from the disk. And where they do not
agree, the PCR is named with both values: HOSTILE.EFI between firmware and loader extends a PCR past
the log, drops an event, says that the log is full, refuses to measure; a real TPM has no SHA-256
bank.
"""

import hashlib
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boot as boot_module
import guest_case
import images
import report

TOP = Path(__file__).resolve().parents[2]
MATCH = "events replayed: PCR 9 match, PCR 12 match"
NOT_COMPARED = "tpm: the event log was not compared with the PCRs: "
BOOTS = (
    boot_module.Boot("tpm-embedded", tpm=True, words="test=mm.nx exit", log_has=(MATCH,)),
    boot_module.Boot("tpm-kernel-file", tpm=True, firmware="2M", file="good.elf",
                     words="kernel=\\bad\\good.elf test=mm.nx exit", log_has=(MATCH,)),
    boot_module.Boot("tpm-load-options", tpm=True, medium="kernel", words="test=mm.nx exit",
                     log_has=(MATCH,)),
)


def broken(name, *log_has, faults="", **fields):
    """A boot that passes all the same."""
    words = f"hostile={faults} test=mm.nx exit" if faults else "test=mm.nx exit"
    return boot_module.Boot(f"tpm-{name}", tpm=True, firmware="2M", medium="kernel", words=words,
                            log_has=log_has, **fields)


EXTENDED = broken("extended-12", "hostile: extended a PCR",
                  "events replayed: PCR 9 match, PCR 12 mismatch", faults="tpm-extend:12")
DROPPED = broken("dropped-9", "hostile: dropped an event of the log",
                 "events replayed: PCR 9 mismatch, PCR 12 match", faults="tpm-drop:9")
TRUNCATED = broken("truncated", "warning: tpm: the firmware's event log is full",
                   f"{NOT_COMPARED}the firmware had no room for all of it", faults="tpm-truncated")
REFUSES = broken("refuses", "warning: tpm: measuring the kernel failed with status 0x",
                 "warning: tpm: measuring the command line failed with status 0x",
                 "warning: tpm: PCR 9 and 12 cannot be read: EIO",
                 "tpm: not everything was measured",
                 f"{NOT_COMPARED}the PCRs could not be read", faults="tpm-refuse")
SHA1_ONLY = broken("sha1-only", "warning: tpm: PCR 9 and 12 cannot be read: the SHA-256 bank is off",
                   "tpm: kernel, configuration and command line measured",
                   f"{NOT_COMPARED}the PCRs could not be read", tpm_banks=("sha1",))


class TpmCase(guest_case.GuestCase):
    def run_boot(self, boot):
        outcome = boot_module.run(boot, self.build_of(boot), self.folder / boot.name)
        return outcome, outcome.log.read_text("utf-8", "replace")

    def build_of(self, boot):
        hostile = guest_case.BUILD / "guest/HOSTILE.EFI"
        return self.build._replace(efi=hostile) if "hostile=" in boot.words else self.build

    def run_boots(self, boots):
        """Name of the boot -> (its log, `tpm` of its report); each must have passed."""
        with ThreadPoolExecutor(2) as pool:
            booted = list(pool.map(self.run_boot, boots))
        for outcome, log in booted:
            with self.subTest(outcome.boot.name):
                self.assertEqual(outcome.problems, [], log[-3000:])
                self.assertNotIn("hostile: called", log)
        return {outcome.boot.name: (log, report.extract(log)["tpm"]) for outcome, log in booted}


class TpmTest(TpmCase):
    def predict(self, boot):
        words = ["--options", boot.words]
        if boot.medium != "kernel":
            config = self.folder / f"{boot.name}.txt"
            config.write_bytes(boot.words.encode() + b"\n")
            words = ["--config", config]
        if boot.file:
            kernel = self.folder / boot.file
            kernel.write_bytes(images.make_kernel(boot.file, self.build.kernel))
            words += ["--kernel", kernel]
        done = subprocess.run([TOP / "tools/predict-pcr", "--json", *words, self.build.efi],
                              capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_log_pcrs_and_prediction_agree(self):
        booted = self.run_boots(BOOTS)
        for boot in BOOTS:
            with self.subTest(boot.name):
                _, tpm = booted[boot.name]
                self.assertEqual((tpm["measured"], tpm["replay"], tpm["log_truncated"]),
                                 (True, "match", False))
                predicted = self.predict(boot)
                events = [{**event, "type": 13} for event in predicted["events"]]
                self.assertEqual(tpm["events"], events)
                self.assertEqual({"9": tpm["pcr_9"], "12": tpm["pcr_12"]}, predicted["pcrs"])


def extended(pcr, digest):
    """TPM2_PCR_Extend on hexadecimal values."""
    return hashlib.sha256(bytes.fromhex(pcr) + bytes.fromhex(digest)).hexdigest()


class BrokenTpmTest(TpmCase):
    """Each boot passes: a mismatch is a warning."""

    def check_mismatch(self, log, tpm, pcr):
        """Both values of `pcr` stand in the log, and only that PCR's."""
        self.assertEqual((tpm["measured"], tpm["replay"]), (True, "mismatch"))
        other = "9" if pcr == "12" else "12"
        self.assertEqual(tpm[f"pcr_{other}"], tpm[f"log_pcr_{other}"])
        self.assertIn(f"tpm: PCR {pcr} holds {tpm[f'pcr_{pcr}']}, the event log gives "
                      f"{tpm[f'log_pcr_{pcr}']}", log)
        self.assertNotIn(f"tpm: PCR {other} holds", log)

    def test_what_does_not_agree_is_named_and_the_boot_goes_on(self):
        booted = self.run_boots((EXTENDED, DROPPED, TRUNCATED, REFUSES, SHA1_ONLY))

        log, tpm = booted[EXTENDED.name]
        self.check_mismatch(log, tpm, "12")
        self.assertEqual(tpm["pcr_12"], extended(tpm["log_pcr_12"], "a5" * 32))

        log, tpm = booted[DROPPED.name]
        self.check_mismatch(log, tpm, "9")
        self.assertEqual(tpm["log_pcr_9"], "00" * 32)  # the kernel was the only event
        self.assertEqual([event["pcr"] for event in tpm["events"]], [12])

        _, tpm = booted[TRUNCATED.name]
        self.assertEqual((tpm["replay"], tpm["log_truncated"]), ("not compared", True))

        _, tpm = booted[REFUSES.name]
        self.assertEqual((tpm["measured"], tpm["replay"], tpm["events"]),
                         (False, "not compared", []))

        _, tpm = booted[SHA1_ONLY.name]
        self.assertEqual((tpm["measured"], tpm["replay"], tpm["events"]),
                         (True, "not compared", []))
        for _, tpm in (booted[REFUSES.name], booted[SHA1_ONLY.name]):
            self.assertNotIn("pcr_9", tpm)
