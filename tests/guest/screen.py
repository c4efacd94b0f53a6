# SPDX-License-Identifier: GPL-2.0-only
"""A guest's screen as text: screendumps by QMP, glyphs recognised by the font they were drawn with.

What a screen must show follows from the serial log alone: expected_rows() wraps and scrolls it as a
terminal does. Nothing here knows the kernel's own table of characters.
"""

import json
import socket
import subprocess
import time
from collections import Counter
from typing import NamedTuple

PAPER, INK = 0, 0xc8  # of every colour
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Picture(NamedTuple):
    width: int
    height: int
    pixels: bytes  # three bytes each


class Font(NamedTuple):
    width: int
    height: int
    characters: dict  # rows as a tuple of integers -> character


def read_ppm(data):
    """A binary PPM of 8 bits a colour, as QEMU writes it."""
    magic, size, most, pixels = data.split(b"\n", 3)
    width, height = map(int, size.split())
    if (magic, most, len(pixels)) != (b"P6", b"255", width * height * 3):
        raise ValueError("not a PPM that QEMU writes")
    return Picture(width, height, pixels)


def channels(data, masks):
    """Red, green and blue of 32-bit pixels, a byte each; ValueError for a bit that is no colour's.
    `masks`: the bits of the three, each at least eight in a run."""
    words = memoryview(data).cast("I")
    colours = masks[0] | masks[1] | masks[2]
    shown = {}
    for word in set(words):
        if word & ~colours:
            raise ValueError(f"a pixel of {word:#010x}")
        shown[word] = bytes(round((word & mask) * 255 / mask) for mask in masks)
    return b"".join(shown[word] for word in words)


def read_memory(memory, size, pitch, masks, untouched):
    """The Picture in a framebuffer's bytes: `size` is (width, height), `pitch` the pixels from one
    line to the next. ValueError where what lies behind a line is not the byte `untouched`."""
    width, height = size
    pixels = []
    for y in range(height):
        line = memory[y * pitch * 4:(y + 1) * pitch * 4]
        if line[width * 4:] != untouched * (pitch - width) * 4:
            raise ValueError(f"somebody drew behind line {y}")
        pixels.append(line[:width * 4])
    return Picture(width, height, channels(b"".join(pixels), masks))


def read_psf1(data):
    """ASCII of a PSF1 font without looking at its table: Debian's fonts keep ASCII in place."""
    if data[:2] != b"\x36\x04":
        raise ValueError("not a PSF1 font")
    height = data[3]
    glyphs = [tuple(data[4 + i * height:4 + (i + 1) * height]) for i in range(256)]
    return Font(8, height, {glyphs[code]: chr(code) for code in range(32, 127)})


def scale_of(picture, font):
    """The smallest that leaves at most 200 columns."""
    scale = 1
    while picture.width // (font.width * scale) > 200:
        scale += 1
    return scale


def grid_of(picture, font):
    scale = scale_of(picture, font)
    return (picture.width // (font.width * scale), picture.height // (font.height * scale))


def bits_of(picture):
    """The picture's lines as strings of 0 and 1; ValueError for any colour but ours."""
    red, green, blue = (picture.pixels[i::3] for i in range(3))
    if not red == green == blue or not set(red) <= {PAPER, INK}:
        raise ValueError(f"not black and grey alone: {sorted(set(red))[:9]} {sorted(set(blue))[:9]}")
    text = red.translate(bytes(ord("1" if value == INK else "0") for value in range(256))).decode()
    return [text[i:i + picture.width] for i in range(0, len(text), picture.width)]


def _unscaled(line, scale):
    """Every `scale`th pixel; None where the ones between differ."""
    sample = line[::scale]
    return sample if "".join(bit * scale for bit in sample) == line else None


def read_rows(picture, font):
    """The characters in the picture's cells, a string a row, trailing blanks cut."""
    lines = bits_of(picture)
    columns, rows = grid_of(picture, font)
    scale = scale_of(picture, font)
    text = []
    for row in range(rows):
        top = row * font.height * scale
        block = [lines[top + i] for i in range(font.height * scale)]
        if any(block[i] != block[i - i % scale] for i in range(len(block))):
            raise ValueError(f"row {row} is not scaled by {scale} down")
        samples = [_unscaled(line[:columns * font.width * scale], scale)
                   for line in block[::scale]]
        if None in samples:
            raise ValueError(f"row {row} is not scaled by {scale} across")
        cells = [tuple(int(sample[at:at + font.width], 2) for sample in samples)
                 for at in range(0, columns * font.width, font.width)]
        text.append("".join(font.characters.get(cell, UNKNOWN) for cell in cells).rstrip())
    return text


def wrap(lines, columns):
    """Lines as the rows of a terminal, trailing blanks cut."""
    return [line[at:at + columns].rstrip() for line in lines
            for at in range(0, len(line) or 1, columns)]


def expected_rows(log, columns, rows):
    """The last `rows` rows of `log` on a terminal, from its first kernel line on."""
    lines = log.replace("\r", "").split("\n")
    first = next(i for i, line in enumerate(lines) if line == "firstlight: kernel entered")
    wrapped = wrap([line for line in lines[first:] if not line.startswith("@report ")], columns)
    blank = [""] * max(0, rows - len(wrapped))
    return wrapped[-rows:] + blank


def shows_log_from(start, log, rows, columns):
    """Whether `rows` of a screen, from the one that reads `start` on, are the end of `log` from
    there on, and nothing behind it."""
    lines = log.replace("\r", "").split("\n")
    if start not in lines or start not in rows:
        return False
    wanted = wrap(lines[lines.index(start):], columns)
    shown = rows[rows.index(start):]
    most = max(len(wanted), len(shown))
    return shown + [""] * (most - len(shown)) == wanted + [""] * (most - len(wanted))


class UnknownFont:
    """A picture of text in a font that nobody here has. A line is recognised by its shape: equal
    characters look equal, different ones different, and blanks have no ink. Ink is what is not the
    commonest colour. The cells of EDK2's console are 8 x 19 pixels."""

    def __init__(self, picture, width=8, height=19):
        self.width, self.height = width, height
        colours = [picture.pixels[i::3] for i in range(3)]
        paper = Counter(zip(*colours)).most_common(1)[0][0]
        ink = 0
        for colour, blank in zip(colours, paper):
            digits = bytes(ord("01"[value != blank]) for value in range(256))
            ink |= int.from_bytes(colour.translate(digits), "big")
        text = ink.to_bytes(len(colours[0]), "big").decode()
        self.lines = [text[at:at + picture.width] for at in range(0, len(text), picture.width)]
        self.stripes = {}

    def _stripe(self, left):
        """A cell's width of the whole picture from a column on, line by line: each cell there is one
        piece of it. A search comes by many times."""
        if left not in self.stripes:
            self.stripes[left] = "".join(line[left:left + self.width] for line in self.lines)
        return self.stripes[left]

    def _fits(self, text, top, left):
        if left + len(text) * self.width > len(self.lines[0]):
            return False
        cell_of, character_of = {}, {}
        for at, character in enumerate(text):
            stripe = self._stripe(left + at * self.width)
            cell = stripe[top * self.width:(top + self.height) * self.width]
            if (("1" in cell) == (character == " ")
                    or cell_of.setdefault(character, cell) != cell
                    or character_of.setdefault(cell, character) != character):
                return False
        return True

    def begins_a_row(self, text):
        """Whether `text` can stand in the first columns; the console may have a margin."""
        ink = min(row.find("1") % (len(row) + 1) for row in self.lines)  # leftmost of all
        return any(self._fits(text, top, left)
                   for left in range(max(0, ink - self.width + 1), ink + 1)
                   for top in range(len(self.lines) - self.height + 1))


class Guest:
    """A running QEMU with a QMP socket; serial log in work/serial.log. Use as a context."""

    def __init__(self, arguments, work, output=subprocess.DEVNULL):
        self.work = work
        self.log_file = work / "serial.log"
        path = work / "qmp.sock"
        self.process = subprocess.Popen([*arguments, "-qmp", f"unix:{path},server=on,wait=off"],
                                        stdin=subprocess.DEVNULL, stdout=output,
                                        stderr=subprocess.STDOUT)
        self.socket = socket.socket(socket.AF_UNIX)
        self.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def connect(self, path):
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.process.kill()
                    raise
                time.sleep(0.05)
        self.socket.settimeout(60)
        self.stream = self.socket.makefile("rw", encoding="utf-8")
        self.stream.readline()  # greeting
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise RuntimeError(f"{name}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def log(self):
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def wait_for(self, text, seconds=90, behind=0):
        """Waits until `text` stands in the log, behind its first characters; returns the log from
        there."""
        deadline = time.monotonic() + seconds
        while text not in (log := self.log()[behind:]):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise AssertionError(f"no {text!r} in the log: {log[-2000:]}")
            time.sleep(0.1)
        return log

    def picture(self, **device):
        """What the screen shows; with device=ID that of one of several."""
        path = self.work / "screen.ppm"
        self.command("screendump", filename=str(path), **device)
        return read_ppm(path.read_bytes())
