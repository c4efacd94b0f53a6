# SPDX-License-Identifier: GPL-2.0-only
"""Measured boot with a TPM 2.0 (swtpm): the kernel's replay agrees with the PCRs, and both with what
tools/predict-pcr says of the files; embedded kernel and one from the disk.
"""

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
BOOTS = (
    boot_module.Boot("tpm-embedded", tpm=True, words="test=mm.nx exit", log_has=(MATCH,)),
    boot_module.Boot("tpm-kernel-file", tpm=True, firmware="2M", file="good.elf",
                     words="kernel=\\bad\\good.elf test=mm.nx exit", log_has=(MATCH,)),
    boot_module.Boot("tpm-load-options", tpm=True, medium="kernel", words="test=mm.nx exit",
                     log_has=(MATCH,)),
)


class TpmTest(guest_case.GuestCase):
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

    def run_boot(self, boot):
        outcome = boot_module.run(boot, self.build, self.folder / boot.name)
        return outcome, outcome.log.read_text("utf-8", "replace")

    def test_log_pcrs_and_prediction_agree(self):
        with ThreadPoolExecutor(2) as pool:
            booted = list(pool.map(self.run_boot, BOOTS))
        for outcome, log in booted:
            with self.subTest(outcome.boot.name):
                self.assertEqual(outcome.problems, [], log[-2000:])
                tpm = report.extract(log)["tpm"]
                self.assertEqual((tpm["measured"], tpm["replay"], tpm["log_truncated"]),
                                 (True, "match", False))
                predicted = self.predict(outcome.boot)
                events = [{**event, "type": 13} for event in predicted["events"]]
                self.assertEqual(tpm["events"], events)
                self.assertEqual({"9": tpm["pcr_9"], "12": tpm["pcr_12"]}, predicted["pcrs"])
