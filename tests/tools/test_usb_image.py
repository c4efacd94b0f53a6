# SPDX-License-Identifier: GPL-2.0-only
"""tools/usb-image.sh: the image read back by other programs and by hand, and its bytes repeat."""

import hashlib
import os
import struct
import subprocess
import tempfile
import unittest
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SECTOR, START = 512, 2048
ESP_TYPE = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")  # as it lies on the disk
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
FORMS = {"32": 64, "16": 16, "12": 4}  # width of the FAT -> MiB of the partition
# sgdisk says "No problems found" of what it has repaired in memory, and this above it.
TROUBLE = "caution|warning|error"
FILES = {"EFI/BOOT/BOOTX64.EFI": bytes(range(256)) * 900,
         "firstlight/cmdline.txt": b"# nothing\n", "firstlight/A name, long.txt": b"x\r\n",
         "empty": b""}


def sector(data, number):
    return data[number * SECTOR:(number + 1) * SECTOR]


def make_tree(folder, files):
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


class UsbImageTest(unittest.TestCase):
    """sgdisk sleeps for a second after it has written: the images that tests only read are made
    once."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        top = Path(cls.folder.name)
        cls.tree = make_tree(top / "tree", FILES)
        cls.made = {}
        for width in FORMS:
            cls.made[width] = top / f"fat{width}.img"
            subprocess.run([str(TOP / "tools/usb-image.sh"), "--fat", width, str(cls.tree),
                            str(cls.made[width])], check=True, stdin=subprocess.DEVNULL)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = Path(folder.name)
        self.image = self.work / "x.img"

    def run_tool(self, *arguments, **environment):
        done = subprocess.run([str(TOP / "tools/usb-image.sh"), *map(str, arguments)], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], **environment})
        self.said = done.stdout + done.stderr
        return done.returncode

    def make(self, width, tree=None, **environment):
        status = self.run_tool("--fat", width, tree or self.tree, self.image, **environment)
        self.assertEqual((status, self.said), (0, ""))
        return self.image.read_bytes()

    def read(self, width="32"):
        return self.made[width].read_bytes()

    def outside(self, *arguments):
        done = subprocess.run(arguments, check=False, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": PATH})
        return done.returncode, done.stdout

    def partition(self, data):
        file = self.work / "partition"
        file.write_bytes(data[START * SECTOR:-33 * SECTOR])
        return file

    def test_sgdisk_and_fsck_find_nothing(self):
        for width in FORMS:
            with self.subTest(width):
                data = self.read(width)
                status, text = self.outside("sgdisk", "-v", str(self.made[width]))
                self.assertEqual(status, 0)
                self.assertIn("No problems found", text)
                self.assertNotRegex(text.lower(), TROUBLE)
                status, text = self.outside("fsck.vfat", "-n", str(self.partition(data)))
                self.assertEqual((status, len(text.splitlines())), (0, 2), text)

    def test_broken_image_is_found_by_the_same_tools(self):
        data = bytearray(self.read())
        data[SECTOR + 40] ^= 1  # the header's first usable sector: its CRC is wrong then
        self.image.write_bytes(data)
        self.assertRegex(self.outside("sgdisk", "-v", str(self.image))[1].lower(), TROUBLE)
        fat = START * SECTOR + 32 * SECTOR
        data[fat + 12:fat + 16] = b"\0\0\0\0"  # loses a cluster that is in use
        self.assertNotEqual(self.outside("fsck.vfat", "-n", str(self.partition(bytes(data))))[0], 0)

    def test_protective_mbr_covers_the_disk(self):
        for width, mib in FORMS.items():
            data = self.read(width)
            kind, start, count = struct.unpack_from("<4xB3xII", data, 446)
            self.assertEqual((kind, start, count), (0xEE, 1, (mib + 2) * 2048 - 1))
            self.assertEqual(data[462:512], bytes(48) + b"\x55\xaa")  # no second partition

    def test_both_tables_hold_one_system_partition(self):
        data = self.read()
        last = len(data) // SECTOR - 1
        for own, other, table_at in ((1, last, 2), (last, 1, last - 32)):
            header = sector(data, own)
            signature, size, crc, mine, backup, table, count, entry_bytes, table_crc = \
                struct.unpack_from("<8s4xII4xQQ32xQIII", header)
            self.assertEqual((signature, mine, backup, table), (b"EFI PART", own, other, table_at))
            blank = header[:16] + bytes(4) + header[20:size]
            self.assertEqual(zlib.crc32(blank), crc)
            entries = data[table * SECTOR:table * SECTOR + count * entry_bytes]
            self.assertEqual(zlib.crc32(entries), table_crc)
            first, end = struct.unpack_from("<QQ", entries, 32)
            self.assertEqual((entries[:16], first, end), (ESP_TYPE, START, START + 64 * 2048 - 1))
            self.assertEqual(entries[entry_bytes:], bytes((count - 1) * entry_bytes))

    def test_width_of_the_fat_follows_from_its_clusters(self):
        """UEFI and every other reader count clusters; the name in the boot sector must agree."""
        for width, (low, high) in {"12": (1, 4085), "16": (4085, 65525),
                                   "32": (65525, 1 << 28)}.items():
            boot = sector(self.read(width), START)
            per_cluster, reserved, fats, roots, small, _, fat16, _, _, hidden, large, fat32 = \
                struct.unpack_from("<BHBHHBHHHIII", boot, 13)
            sectors = small or large
            data_sectors = sectors - reserved - fats * (fat16 or fat32) - roots * 32 // SECTOR
            self.assertEqual((sectors, hidden), (FORMS[width] * 2048, START))
            self.assertTrue(low <= data_sectors // per_cluster < high)
            name_at = 82 if width == "32" else 54
            self.assertEqual(boot[name_at:name_at + 8], f"FAT{width}   ".encode())

    def test_files_come_back_and_nothing_else_is_there(self):
        for width in FORMS:
            back = self.work / f"back-{width}"
            back.mkdir()
            status, text = self.outside("mcopy", "-s", "-i", f"{self.made[width]}@@1M", "::*", str(back))
            self.assertEqual(status, 0, text)
            found = {str(p.relative_to(back)): p.read_bytes()
                     for p in back.rglob("*") if p.is_file()}
            self.assertEqual(found, FILES)

    def test_same_files_give_the_same_bytes(self):
        """Another order of making, other times, another folder and zone."""
        for width in FORMS:
            first = hashlib.sha256(self.read(width)).hexdigest()
            other = make_tree(self.work / f"other-{width}", dict(reversed(FILES.items())))
            for file in other.rglob("*"):
                os.utime(file, (1000000000, 1000000000))
            again = self.make(width, other, TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
            self.assertEqual(hashlib.sha256(again).hexdigest(), first)

    def test_times_are_the_source_date(self):
        first = self.make("12", SOURCE_DATE_EPOCH="1000000000")
        self.assertEqual(self.make("12", SOURCE_DATE_EPOCH="1000000000"), first)
        self.assertNotEqual(self.read("12"), first)
        for image, day in ((self.image, "2001-09-09"), (self.made["12"], "2024-01-01")):
            self.assertIn(day, self.outside("mdir", "-i", f"{image}@@1M", "::/firstlight")[1])

    def test_too_much_for_the_form_leaves_no_image(self):
        tree = make_tree(self.work / "large", {"big": bytes(5 << 20)})
        self.assertEqual(self.run_tool("--fat", "12", tree, self.image), 1)
        self.assertIn("does not go into a FAT12 image", self.said)
        self.assertEqual([p.name for p in self.work.iterdir() if p.is_file()], [])

    def test_wrong_arguments_are_refused(self):
        for arguments in ((), ("--fat", "64", self.tree, self.image), (self.work / "no", self.image),
                          (self.tree,)):
            self.assertEqual(self.run_tool(*arguments), 1)
            self.assertFalse(self.image.exists())
