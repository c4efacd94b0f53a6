/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Framing of GDB's remote protocol: bytes of a serial line to payloads and back. A reader takes one
 * byte at a time and says when a payload is whole; a writer builds one packet in a buffer of the
 * caller. Pure, no state of its own; kernel and host. What payloads mean is gdb_stub.h's business.
 *
 * @spec GDB manual (13), appendix "GDB Remote Serial Protocol", sections Overview and Packet
 *       Acknowledgment: `$payload#checksum`, checksum = sum of the payload's bytes as sent mod 256
 *       in two hexadecimal digits; `}` escapes the next byte, which is sent XOR 0x20.
 */
#ifndef GDB_GDB_PACKET_H
#define GDB_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kstatus.h"

/** Bytes of the largest payload, either way: what the stub advertises as PacketSize. */
#define GDB_PACKET_BYTES 2048U

/** Bytes of a packet in a writer's buffer at most: the payload, `$`, `#` and two digits. */
#define GDB_PACKET_WIRE_BYTES (GDB_PACKET_BYTES + 4U)

#define GDB_BREAK_BYTE 0x03U /* what gdb sends for Ctrl-C, outside of packets */

enum gdb_packet_state {
    GDB_PACKET_STATE_IDLE,
    GDB_PACKET_STATE_BODY,
    GDB_PACKET_STATE_SUM_HIGH,
    GDB_PACKET_STATE_SUM_LOW,
};

struct gdb_packet_reader {
    char payload[GDB_PACKET_BYTES + 1]; /* unescaped; a NUL behind it once it is whole */
    size_t length;                      /* bytes, may contain NULs */
    enum gdb_packet_state state;
    bool is_escaped;  /* the next byte is to be XORed */
    bool is_too_long; /* bytes were dropped */
    uint8_t sum;      /* of the bytes as they came */
    uint8_t told;     /* first digit of the checksum, shifted */
    bool told_is_bad; /* it was no digit */
};

enum gdb_packet_event {
    GDB_PACKET_NOTHING,
    GDB_PACKET_WHOLE,    /* payload and length hold until the next byte is fed */
    GDB_PACKET_BAD,      /* the checksum is wrong */
    GDB_PACKET_TOO_LONG, /* arrived well, but does not fit */
    GDB_PACKET_ACK,      /* `+` outside of a packet */
    GDB_PACKET_NACK,     /* `-` outside of a packet */
    GDB_PACKET_BREAK,    /* GDB_BREAK_BYTE outside of a packet */
};

/** Empties @p reader: it waits for `$`. */
void gdb_packet_reader_init(struct gdb_packet_reader *reader);

/** Takes one @p byte of the line. Any bytes are accepted. @return what it completed */
enum gdb_packet_event gdb_packet_feed(struct gdb_packet_reader *reader, uint8_t byte);

/** A packet being built. `is_cut`: something did not fit; the packet must not be sent. */
struct gdb_packet_writer {
    char *bytes; /* GDB_PACKET_WIRE_BYTES of them, the caller's */
    size_t length;
    bool is_cut;
};

/** Begins a packet in @p bytes, GDB_PACKET_WIRE_BYTES long. */
void gdb_packet_begin(struct gdb_packet_writer *writer, char *bytes);

/** Adds @p text as it is; it holds none of `# $ } *`. */
void gdb_packet_put(struct gdb_packet_writer *writer, const char *text);

/** Adds one byte of binary data, escaped where it must be. */
void gdb_packet_put_escaped(struct gdb_packet_writer *writer, uint8_t byte);

/** Adds @p byte as two hexadecimal digits. */
void gdb_packet_put_byte(struct gdb_packet_writer *writer, uint8_t byte);

/** Adds @p value as a hexadecimal number without leading zeros. */
void gdb_packet_put_number(struct gdb_packet_writer *writer, uint64_t value);

/** Ends the packet with its checksum: bytes[0 .. length) can be sent. */
void gdb_packet_end(struct gdb_packet_writer *writer);

/** The value of a hexadecimal digit, or -1. */
int gdb_hex_digit(char c);

/**
 * Reads a hexadecimal number of 1 to 16 digits at *@p text and moves *@p text behind it.
 * @return K_OK; K_EINVAL where there is no digit; K_EOVERFLOW for more than 16 digits (*@p text
 *         and @p value untouched on error)
 */
MUST_CHECK enum kstatus gdb_hex_number(const char **text, uint64_t *value);

/** Reads @p size_bytes pairs of digits at @p text. @return K_OK; K_EINVAL (@p bytes then holds what
 *  came before the bad pair) */
MUST_CHECK enum kstatus gdb_hex_bytes(const char *text, uint8_t *bytes, size_t size_bytes);

#endif
