/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdb_packet.h. No state; runs in the kernel and on the host.
 */
#include "gdb/gdb_packet.h"

#define ESCAPE     0x7dU /* '}' */
#define ESCAPE_XOR 0x20U

static const char digits[] = "0123456789abcdef";

int gdb_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum kstatus gdb_hex_number(const char **text, uint64_t *value)
{
    uint64_t number = 0;
    const char *at = *text;
    for (int digit = gdb_hex_digit(*at); digit >= 0; digit = gdb_hex_digit(*at)) {
        if (at - *text == 16) {
            return K_EOVERFLOW;
        }
        number = (number << 4) | (uint64_t)digit;
        at++;
    }
    if (at == *text) {
        return K_EINVAL;
    }
    *text = at;
    *value = number;
    return K_OK;
}

enum kstatus gdb_hex_bytes(const char *text, uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        const int high = gdb_hex_digit(text[2 * i]);
        const int low = high < 0 ? -1 : gdb_hex_digit(text[2 * i + 1]);
        if (low < 0) {
            return K_EINVAL;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return K_OK;
}

/* ---- reading ------------------------------------------------------------------------------------
 */

void gdb_packet_reader_init(struct gdb_packet_reader *reader)
{
    reader->length = 0;
    reader->state = GDB_PACKET_STATE_IDLE;
}

static void begin_body(struct gdb_packet_reader *reader)
{
    reader->length = 0;
    reader->sum = 0;
    reader->is_escaped = false;
    reader->is_too_long = false;
    reader->state = GDB_PACKET_STATE_BODY;
}

static enum gdb_packet_event feed_idle(uint8_t byte)
{
    switch (byte) {
    case '+':
        return GDB_PACKET_ACK;
    case '-':
        return GDB_PACKET_NACK;
    case GDB_BREAK_BYTE:
        return GDB_PACKET_BREAK;
    default:
        return GDB_PACKET_NOTHING;
    }
}

static void feed_body(struct gdb_packet_reader *reader, uint8_t byte)
{
    if (byte == '#') {
        reader->state = GDB_PACKET_STATE_SUM_HIGH;
        return;
    }
    reader->sum = (uint8_t)(reader->sum + byte);
    if (byte == ESCAPE && !reader->is_escaped) {
        reader->is_escaped = true;
        return;
    }
    if (reader->length == GDB_PACKET_BYTES) {
        reader->is_too_long = true;
        return;
    }
    reader->payload[reader->length++] = (char)(reader->is_escaped ? byte ^ ESCAPE_XOR : byte);
    reader->is_escaped = false;
}

static enum gdb_packet_event finish(struct gdb_packet_reader *reader, uint8_t byte)
{
    const int low = gdb_hex_digit((char)byte);
    reader->state = GDB_PACKET_STATE_IDLE;
    if (reader->told_is_bad || low < 0 || (uint8_t)(reader->told + low) != reader->sum) {
        return GDB_PACKET_BAD;
    }
    reader->payload[reader->length] = '\0';
    return reader->is_too_long ? GDB_PACKET_TOO_LONG : GDB_PACKET_WHOLE;
}

enum gdb_packet_event gdb_packet_feed(struct gdb_packet_reader *reader, uint8_t byte)
{
    if (byte == '$') { /* only at a start: what came before lost its end */
        begin_body(reader);
        return GDB_PACKET_NOTHING;
    }
    switch (reader->state) {
    case GDB_PACKET_STATE_IDLE:
        return feed_idle(byte);
    case GDB_PACKET_STATE_BODY:
        feed_body(reader, byte);
        return GDB_PACKET_NOTHING;
    case GDB_PACKET_STATE_SUM_HIGH: {
        const int high = gdb_hex_digit((char)byte);
        reader->told_is_bad = high < 0;
        reader->told = (uint8_t)(high < 0 ? 0 : high * 16);
        reader->state = GDB_PACKET_STATE_SUM_LOW;
        return GDB_PACKET_NOTHING;
    }
    case GDB_PACKET_STATE_SUM_LOW:
        return finish(reader, byte);
    }
    return GDB_PACKET_NOTHING;
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void put_raw(struct gdb_packet_writer *writer, char c)
{
    if (writer->length == GDB_PACKET_BYTES + 1) { /* the `$` counts */
        writer->is_cut = true;
        return;
    }
    writer->bytes[writer->length++] = c;
}

void gdb_packet_begin(struct gdb_packet_writer *writer, char *bytes)
{
    writer->bytes = bytes;
    writer->length = 0;
    writer->is_cut = false;
    put_raw(writer, '$');
}

void gdb_packet_put(struct gdb_packet_writer *writer, const char *text)
{
    for (; *text != '\0'; text++) {
        put_raw(writer, *text);
    }
}

void gdb_packet_put_escaped(struct gdb_packet_writer *writer, uint8_t byte)
{
    /* `*` too: it would read as a run length. */
    if (byte == '#' || byte == '$' || byte == '*' || byte == ESCAPE) {
        put_raw(writer, (char)ESCAPE);
        byte ^= ESCAPE_XOR;
    }
    put_raw(writer, (char)byte);
}

void gdb_packet_put_byte(struct gdb_packet_writer *writer, uint8_t byte)
{
    put_raw(writer, digits[byte >> 4]);
    put_raw(writer, digits[byte & 0xfU]);
}

void gdb_packet_put_number(struct gdb_packet_writer *writer, uint64_t value)
{
    unsigned shift = 60;
    while (shift > 0 && (value >> shift) == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        put_raw(writer, digits[(value >> shift) & 0xfU]);
        if (shift == 0) {
            return;
        }
    }
}

void gdb_packet_end(struct gdb_packet_writer *writer)
{
    uint8_t sum = 0;
    for (size_t i = 1; i < writer->length; i++) {
        sum = (uint8_t)(sum + (uint8_t)writer->bytes[i]);
    }
    writer->bytes[writer->length++] = '#';
    writer->bytes[writer->length++] = digits[sum >> 4];
    writer->bytes[writer->length++] = digits[sum & 0xfU];
}
