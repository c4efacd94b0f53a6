# SPDX-License-Identifier: GPL-2.0-only
"""screen.py itself: pictures made here are read back, damaged ones are not."""

import unittest

import screen

FONT_ROWS = {"A": [0x18, 0x24, 0x42, 0x7e], "b": [0x40, 0x7c, 0x42, 0x7c], " ": [0, 0, 0, 0]}


def psf1():
    glyphs = bytearray(256 * 4)
    for code in range(32, 127):
        glyphs[code * 4:code * 4 + 4] = bytes([code, 255 - code, code, 1])
    for character, rows in FONT_ROWS.items():
        glyphs[ord(character) * 4:ord(character) * 4 + 4] = bytes(rows)
    return b"\x36\x04\x00\x04" + bytes(glyphs)


def ppm(rows, width, scale=1, ink=screen.INK):
    """A picture of `rows` of text, drawn naively."""
    pixels = bytearray()
    for row in rows:
        for line in range(4 * scale):
            bits = "".join(f"{FONT_ROWS[c][line // scale]:08b}" for c in row)
            values = [ink if bit == "1" else 0 for bit in bits for _ in range(scale)]
            values = (values + [0] * width)[:width]
            pixels += bytes(value for value in values for _ in range(3))
    return b"P6\n%d %d\n255\n" % (width, 4 * scale * len(rows)) + bytes(pixels)


class ScreenTest(unittest.TestCase):
    def setUp(self):
        self.font = screen.read_psf1(psf1())

    def read(self, data):
        return screen.read_rows(screen.read_ppm(data), self.font)

    def test_text_is_read_back(self):
        self.assertEqual(self.read(ppm(["Ab A", " AAb"], 35)), ["Ab A", " AAb"])

    def test_scaled_text_is_read_back(self):
        row = "Ab" * 60  # 201 columns at a scale of 1 would be too many
        self.assertEqual(self.read(ppm([row, "b"], 1928, scale=2)), [row, "b"])

    def test_one_wrong_pixel_is_no_glyph(self):
        data = bytearray(ppm(["AA"], 16))
        data[-3:] = bytes([screen.INK] * 3)
        self.assertEqual(self.read(bytes(data)), ["A" + screen.UNKNOWN])

    def test_uneven_scaling_is_an_error(self):
        width = 1928
        whole = ppm(["A" * 120], width, scale=2)
        start = len(whole) - width * 8 * 3
        for places in ([(0, 0), (1, 0)],  # one line of two
                       [(0, 0), (0, 1)]):  # one column of two
            data = bytearray(whole)
            for x, y in places:
                at = start + (y * width + x) * 3
                data[at:at + 3] = bytes([screen.INK] * 3)
            with self.assertRaisesRegex(ValueError, "not scaled"):
                self.read(bytes(data))

    def test_other_colours_are_an_error(self):
        self.assertRaises(ValueError, self.read, ppm(["A"], 8, ink=0xff))
        data = bytearray(ppm(["A"], 8))
        data[-1] = screen.INK  # blue alone
        self.assertRaises(ValueError, self.read, bytes(data))

    def test_memory_is_a_picture_where_its_pixels_are_colours_and_no_more_was_drawn(self):
        masks = (0x000001ff, 0xffe00000, 0x000ffc00)  # 9, 11 and 10 bits, and one that is no colour
        ink = 400 | 1605 << 21 | 802 << 10
        memory = b"".join(word.to_bytes(4, "little") for word in
                          (0, ink, 0xa5a5a5a5, 0x1ff, 0xffc00, 0xa5a5a5a5))

        def read(data):
            return screen.read_memory(data, (2, 2), 3, masks, b"\xa5")

        wanted = bytes((0, 0, 0, 200, 200, 200, 255, 0, 0, 0, 0, 255))
        self.assertEqual(read(memory), screen.Picture(2, 2, wanted))
        with self.assertRaisesRegex(ValueError, "behind line 1"):
            read(memory[:-1] + b"\0")
        with self.assertRaisesRegex(ValueError, "a pixel of 0x00100000"):
            read(b"\0\0\x10\0" + memory[4:])

    def test_expected_rows_wrap_scroll_and_leave_out_the_report(self):
        log = ("loader\r\nfirstlight: kernel entered\r\nabcdefghijklmnopqrstuvwxyz\r\n"
               "@report {}\r\n> ")
        self.assertEqual(screen.expected_rows(log, 20, 6),
                         ["firstlight: kernel e", "ntered", "abcdefghijklmnopqrst", "uvwxyz", ">", ""])
        self.assertEqual(screen.expected_rows(log, 26, 2), ["abcdefghijklmnopqrstuvwxyz", ">"])

    def test_text_of_an_unknown_font_is_known_by_its_shape(self):
        text = screen.UnknownFont(screen.read_ppm(ppm(["   AbbA A", "   bA"], 80)), 8, 4)
        self.assertTrue(text.begins_a_row("AbbA A"))
        self.assertTrue(text.begins_a_row("xyyx x"))  # the same shape
        self.assertTrue(text.begins_a_row("bA"))
        for wrong in ("AbAb A", "AbbAxA", "AbbA AA", "bb", "bA A"):
            self.assertFalse(text.begins_a_row(wrong), wrong)
        # A cell that the edge cuts is none, though its half looks like one.
        cut = screen.UnknownFont(screen.read_ppm(ppm(["Ab"], 12)), 8, 4)
        self.assertTrue(cut.begins_a_row("A"))
        self.assertFalse(cut.begins_a_row("Ab"))
        blue = ppm(["Ab"], 16).replace(bytes([screen.INK] * 3), bytes([0, 0, screen.INK]))
        self.assertTrue(screen.UnknownFont(screen.read_ppm(blue), 8, 4).begins_a_row("Ab"))

    def test_log_from_a_line_on_is_found_to_its_end_and_to_the_character(self):
        log = "firmware\r\nstart\r\nabcdefghi\r\nend\r\n"
        rows = ["other", "start", "abcdefgh", "i", "end", "", ""]
        self.assertTrue(screen.shows_log_from("start", log, rows, 8))
        self.assertFalse(screen.shows_log_from("start", log, rows, 9))
        self.assertFalse(screen.shows_log_from("start", log, [*rows[:4], "emd", ""], 8))
        self.assertFalse(screen.shows_log_from("start", log, [*rows[:5], "more"], 8))
        self.assertFalse(screen.shows_log_from("start", log, rows[:4], 8))
        self.assertFalse(screen.shows_log_from("begin", log, rows, 8))
