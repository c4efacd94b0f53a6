# SPDX-License-Identifier: GPL-2.0-only
"""secure_variables.py over OVMF's own variables, which hold Debian's snakeoil keys."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import secure_variables

SNAKEOIL = Path("/usr/share/OVMF/OVMF_VARS_4M.snakeoil.fd")
CERTIFICATE = Path("/usr/share/ovmf/PkKek-1-snakeoil.pem")


def variables(path):
    return {v.name: v.data for v in secure_variables.read(Path(path).read_bytes())}


class SecureVariablesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        for name in ("PK", "KEK", "db"):
            (self.work / f"{name}.cer").write_bytes(f"certificate {name}".encode())

    def test_keys_are_read_from_the_file(self):
        der = subprocess.run(["openssl", "x509", "-in", str(CERTIFICATE), "-outform", "DER"],
                             check=True, capture_output=True).stdout
        found = variables(SNAKEOIL)
        for name in ("PK", "KEK", "db"):
            self.assertEqual(found[name][44:], der)
            mine = secure_variables.signature_list(der)
            self.assertEqual(found[name][:28], mine[:28])  # all but the owner

    def test_enrolled_keys_replace_the_others_and_nothing_else(self):
        output = self.work / "vars.fd"
        secure_variables.enrol(SNAKEOIL, self.work, output)
        before, after = variables(SNAKEOIL), variables(output)
        for name in ("PK", "KEK", "db"):
            self.assertEqual(after.pop(name)[44:], f"certificate {name}".encode())
            before.pop(name)
        self.assertEqual(after, before)
        self.assertEqual(output.stat().st_size, SNAKEOIL.stat().st_size)

    def test_machine_owner_key_is_added_for_boot_services_alone(self):
        output = self.work / "vars.fd"
        output.write_bytes(SNAKEOIL.read_bytes())
        secure_variables.enrol_mok(output, self.work / "db.cer")
        *others, mok = secure_variables.read(output.read_bytes())
        self.assertEqual(others, list(secure_variables.read(SNAKEOIL.read_bytes())))
        self.assertEqual((mok.name, mok.data[44:], mok.header[3]),
                         ("MokList", b"certificate db", 3))
        self.assertEqual(output.stat().st_size, SNAKEOIL.stat().st_size)

    def test_variables_that_do_not_go_into_the_store_are_refused(self):
        output = self.work / "vars.fd"
        output.write_bytes(SNAKEOIL.read_bytes())
        (self.work / "db.cer").write_bytes(bytes(1 << 20))
        with self.assertRaises(ValueError):
            secure_variables.enrol_mok(output, self.work / "db.cer")
        self.assertEqual(output.read_bytes(), SNAKEOIL.read_bytes())

    def test_template_without_keys_is_refused(self):
        with self.assertRaises(ValueError):
            secure_variables.enrol(SNAKEOIL.with_name("OVMF_VARS_4M.fd"), self.work,
                                   self.work / "vars.fd")
        self.assertFalse((self.work / "vars.fd").exists())
