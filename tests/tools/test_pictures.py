# SPDX-License-Identifier: GPL-2.0-only
"""tools/pictures: its PNG files decode to the pixels that went in; those in docs/ are small."""

import importlib.machinery
import importlib.util
import random
import struct
import sys
import unittest
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/guest"))
import screen  # noqa: E402  pylint: disable=wrong-import-position



def load(path):
    """The script at `path` as a module; its name has no suffix."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


pictures = load(TOP / "tools/pictures")


def chunks(data):
    """(kind, content) of a PNG file, checksums checked."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("no PNG")
    at = 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4:at + 8], data[at + 8:at + 8 + size]
        if struct.unpack_from(">I", data, at + 8 + size)[0] != zlib.crc32(kind + content):
            raise ValueError(f"checksum of {kind!r}")
        yield kind, content
        at += 12 + size


def pixels_of(data):
    """Width, height and pixels of a PNG with a palette and unfiltered rows."""
    parts = dict(chunks(data))
    width, height, bits, *rest = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert rest == [3, 0, 0, 0]
    palette = [parts[b"PLTE"][i:i + 3] for i in range(0, len(parts[b"PLTE"]), 3)]
    row_bytes = 1 + (width * bits + 7) // 8
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == row_bytes * height
    pixels = []
    for y in range(height):
        row = rows[y * row_bytes:(y + 1) * row_bytes]
        assert row[0] == 0
        number = int.from_bytes(row[1:], "big")
        for x in range(width):
            shift = 8 * (row_bytes - 1) - bits * (x + 1)
            pixels.append(palette[number >> shift & (1 << bits) - 1])
    return width, height, b"".join(pixels)


class PngTest(unittest.TestCase):
    def test_every_depth_and_odd_widths_come_back(self):
        generator = random.Random(1)
        for colours in (1, 2, 3, 4, 5, 16, 17, 256):
            palette = [bytes((i, 255 - i, i // 2)) for i in range(colours)]
            for width, height in ((1, 1), (7, 3), (64, 9)):
                pixels = b"".join(generator.choice(palette) for _ in range(width * height))
                picture = screen.Picture(width, height, pixels)
                self.assertEqual(pixels_of(pictures.png(picture)), (width, height, pixels))

    def test_too_many_colours_are_refused(self):
        pixels = b"".join(struct.pack(">I", i)[1:] for i in range(257))
        with self.assertRaises(ValueError):
            pictures.png(screen.Picture(257, 1, pixels))


class PicturesInTheDocumentsTest(unittest.TestCase):
    def test_every_picture_is_there_shown_and_small(self):
        folder = TOP / "docs/pictures"
        self.assertEqual({p.stem for p in folder.iterdir()}, set(pictures.PICTURES))
        self.assertLess(sum(p.stat().st_size for p in folder.iterdir()),
                        pictures.TOTAL_LIMIT_BYTES)
        text = (TOP / "docs/real-pc.md").read_text("utf-8")
        for path in folder.iterdir():
            self.assertIn(f"](pictures/{path.name})", text)
            self.assertEqual(next(chunks(path.read_bytes()))[0], b"IHDR")
