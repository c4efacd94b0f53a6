/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See black_box_record.h. No state: all of it is in the region.
 *
 *     | header | text, oldest first ...... | free |
 *
 * A reset may come at any instant. Text is written before the header that counts it, and each is
 * flushed in turn, so that only the instant of writing the header's 88 bytes can lose the record.
 */
#include "black_box_record.h"

#include <arch/cpu.h>

#include "lib/bits.h"
#include "lib/crc32c.h"
#include "lib/string.h"

#define TEXT_BYTES ((size_t)(BLACK_BOX_BYTES - sizeof(struct black_box)))
#define LINE_BYTES 32U /* no x86-64 CPU has shorter cache lines */

/* A reset drops what the caches hold. */
static void flush(const void *from, size_t size_bytes)
{
    const uint8_t *const bytes = from;
    for (size_t at = 0; at < size_bytes; at += LINE_BYTES) {
        x86_clflush(bytes + at);
    }
    if (size_bytes > 0) {
        x86_clflush(bytes + size_bytes - 1);
    }
    arch_mfence();
}

static char *text_of(void *region)
{
    return (char *)region + sizeof(struct black_box);
}

static uint32_t header_crc(struct black_box header)
{
    header.header_crc32c = 0;
    return crc32c(&header, sizeof(header));
}

static void write_header(void *region, struct black_box *header)
{
    header->header_crc32c = header_crc(*header);
    memcpy(region, header, sizeof(*header));
    flush(region, sizeof(*header));
}

static struct black_box read_header(const void *region)
{
    struct black_box header;
    memcpy(&header, region, sizeof(header));
    return header;
}

static bool is_mark(const struct black_box_mark *mark)
{
    return mark->state >= BLACK_BOX_RUNNING && mark->state <= BLACK_BOX_LEFT_FIRMWARE &&
           mark->name[sizeof(mark->name) - 1] == '\0';
}

bool black_box_is_whole(const void *region)
{
    const struct black_box header = read_header(region);
    if (header.magic != BLACK_BOX_MAGIC || header.version != BLACK_BOX_VERSION ||
        header.text_bytes > TEXT_BYTES || header.header_crc32c != header_crc(header)) {
        return false;
    }
    size_t size_bytes;
    const char *const text = black_box_text(region, &size_bytes);
    return crc32c_update(CRC32C_INITIAL, text, size_bytes) == header.text_crc32c &&
           is_mark(&header.now) && is_mark(&header.last);
}

void black_box_begin(void *region, const struct black_box_mark *last)
{
    struct black_box header = {
        .magic = BLACK_BOX_MAGIC,
        .version = BLACK_BOX_VERSION,
        .now = { .state = BLACK_BOX_RUNNING },
        .last = *last,
        .text_crc32c = CRC32C_INITIAL,
    };
    if (last->step == 0) {
        header.last = (struct black_box_mark){ .state = BLACK_BOX_RUNNING };
    }
    write_header(region, &header);
}

struct black_box_mark black_box_now(const void *region)
{
    return read_header(region).now;
}

struct black_box_mark black_box_before(const void *region)
{
    return read_header(region).last;
}

void black_box_erase(void *region)
{
    memset(region, 0, sizeof(struct black_box));
    flush(region, sizeof(struct black_box));
}

void black_box_step(void *region, uint32_t step, const char *name)
{
    struct black_box header = read_header(region);
    header.now.step = step;
    header.now.state = BLACK_BOX_RUNNING;
    memset(header.now.name, 0, sizeof(header.now.name));
    memcpy(header.now.name, name, bits_min(strlen(name), sizeof(header.now.name) - 1));
    write_header(region, &header);
}

void black_box_set_state(void *region, enum black_box_state state)
{
    struct black_box header = read_header(region);
    header.now.state = (uint32_t)state;
    write_header(region, &header);
}

/* Keeps the newest half of a full region. */
static void make_room(char *text, struct black_box *header)
{
    const size_t kept = TEXT_BYTES / 2;
    memmove(text, text + header->text_bytes - kept, kept);
    header->text_bytes = (uint32_t)kept;
    header->text_crc32c = crc32c_update(CRC32C_INITIAL, text, kept);
    flush(text, kept);
}

void black_box_append(void *region, const char *text, size_t size_bytes)
{
    if (size_bytes > TEXT_BYTES / 2) {
        text += size_bytes - TEXT_BYTES / 2;
        size_bytes = TEXT_BYTES / 2;
    }
    struct black_box header = read_header(region);
    if (header.text_bytes > TEXT_BYTES) {
        return; /* somebody wrote over it: there is no end to append to */
    }
    if (size_bytes > TEXT_BYTES - header.text_bytes) {
        make_room(text_of(region), &header);
    }
    char *const end = text_of(region) + header.text_bytes;
    memcpy(end, text, size_bytes);
    flush(end, size_bytes);
    header.text_bytes += (uint32_t)size_bytes;
    header.text_crc32c = crc32c_update(header.text_crc32c, text, size_bytes);
    write_header(region, &header);
}

const char *black_box_text(const void *region, size_t *size_bytes)
{
    *size_bytes = read_header(region).text_bytes;
    return (const char *)region + sizeof(struct black_box);
}

const char *black_box_verb(enum black_box_state state)
{
    switch (state) {
    case BLACK_BOX_RUNNING:
        return "stopped";
    case BLACK_BOX_AT_PROMPT:
        return "came to its end";
    case BLACK_BOX_PANIC:
        return "stopped in a panic";
    case BLACK_BOX_LEFT_FIRMWARE:
        return "left the firmware";
    }
    return "stopped";
}
