# SPDX-License-Identifier: GPL-2.0-only
"""tools/make-keys and tools/sign.sh (`make sign`) over the built loader.

BUILD and ESP in the environment name the folders of the build, as for the other tests.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))
import pe_file  # noqa: E402  pylint: disable=wrong-import-position

UNSIGNED = TOP / os.environ.get("BUILD", "build") / "BOOTX64.unsigned.EFI"


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], check=False, text=True, cwd=TOP,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


class SigningTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = Path(cls.folder.name)
        cls.keys = cls.work / "keys"
        cls.made = run("tools/make-keys", cls.keys, "A test")
        cls.signed = cls.work / "signed.efi"
        cls.sign = run("tools/sign.sh", cls.keys / "db.key", cls.keys / "db.crt", UNSIGNED,
                       cls.signed)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_keys_are_secret_and_certificates_are_theirs(self):
        self.assertEqual(self.made[0], 0, self.made[1])
        for name in ("PK", "KEK", "db"):
            self.assertEqual((self.keys / f"{name}.key").stat().st_mode & 0o077, 0)
            pem = run("openssl", "x509", "-in", self.keys / f"{name}.crt", "-noout", "-pubkey",
                      "-subject")
            der = run("openssl", "x509", "-in", self.keys / f"{name}.cer", "-inform", "DER",
                      "-noout", "-pubkey", "-subject")
            self.assertEqual(pem, der)
            self.assertIn(f"A test {name}", pem[1])
            public = run("openssl", "pkey", "-in", self.keys / f"{name}.key", "-pubout")[1]
            self.assertIn(public, pem[1])

    def test_keys_are_never_overwritten(self):
        before = (self.keys / "db.key").read_bytes()
        self.assertEqual(run("tools/make-keys", self.keys)[0], 1)
        self.assertEqual((self.keys / "db.key").read_bytes(), before)

    def test_signature_is_by_the_key_and_over_the_file(self):
        self.assertEqual(self.sign, (0, ""))
        self.assertEqual(run("sbverify", "--cert", self.keys / "db.crt", self.signed)[0], 0)
        self.assertNotEqual(run("sbverify", "--cert", self.keys / "KEK.crt", self.signed)[0], 0)
        changed = bytearray(self.signed.read_bytes())
        changed[0x4000] ^= 1
        copy = self.work / "changed.efi"
        copy.write_bytes(changed)
        self.assertNotEqual(run("sbverify", "--cert", self.keys / "db.crt", copy)[0], 0)

    def test_signed_file_follows_the_pe_rules_and_begins_as_the_unsigned(self):
        signed, unsigned = self.signed.read_bytes(), UNSIGNED.read_bytes()
        self.assertEqual(pe_file.findings(signed), [])
        self.assertEqual(signed[1024:len(unsigned)], unsigned[1024:])

    def test_certificates_with_a_wrong_length_are_found(self):
        signed = bytearray(self.signed.read_bytes())
        at = pe_file.parse(bytes(signed)).directories[pe_file.CERTIFICATE][0]
        signed[at] ^= 4
        signed[at + 2] = 0xFF
        self.assertIn("certificate at", "\n".join(pe_file.findings(bytes(signed))))

    def test_wrong_input_leaves_no_file(self):
        output = self.work / "none.efi"
        key, certificate = self.keys / "db.key", self.keys / "db.crt"
        for arguments, word in (
                (("", "", UNSIGNED, output), "KEY=file"),
                ((key, self.work / "no.crt", UNSIGNED, output), "cannot read"),
                ((key, self.keys / "KEK.crt", UNSIGNED, output), "sign: "),  # not this key's
                ((key, certificate, key, output), "sign: ")):  # no PE file
            status, text = run("tools/sign.sh", *arguments)
            self.assertEqual((status, output.exists()), (1, False))
            self.assertIn(word, text)
            self.assertFalse(output.with_suffix(".efi.part").exists())

    def test_make_sign_signs_the_file_on_the_esp(self):
        esp = self.work / "esp"
        build = os.environ.get("BUILD", "build")
        status, text = run("make", "-s", f"BUILD={build}", f"ESP={esp}", "sign",
                           f"KEY={self.keys}/db.key", f"CERT={self.keys}/db.crt")
        self.assertEqual(status, 0, text)
        loader = esp / "EFI/BOOT/BOOTX64.EFI"
        self.assertEqual(run("sbverify", "--cert", self.keys / "db.crt", loader)[0], 0)
        self.assertIn(f"  {loader}", text)  # behind its sha256
        self.assertEqual(run("make", "-s", f"BUILD={build}", f"ESP={esp}", "sign")[0], 2)
