/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The log's memory: a ring of records that any context may add to without a lock, an exception in
 * the middle of another writer included, and that any number of readers may walk.
 *
 * A ring has LOG_RING_SLOTS slots, counted by positions that never wrap; position p lies in slot
 * p % LOG_RING_SLOTS. A record takes one to LOG_RING_PARTS_MAX neighbouring positions:
 *
 *     writer   claims its positions with one atomic step on `head`: they are its own, and their
 *              order is the order of the log
 *              fills each slot, then publishes it: published = position + 1
 *     reader   takes the record at a position where all its parts are published; what was claimed
 *              and is not published yet is not skipped, so no order is lost
 *
 *         floor              head - slots ... head
 *     ... | kept, not shown yet            | free
 *
 * A claim that would overwrite what lies at or above `floor` (what nobody has shown yet) is
 * refused: the caller shows some of it, and tries again. Below it old records go as new ones come;
 * a reader that was too slow is told so, never given half a record.
 *
 * The slots are read and written as atomic words, so that a reader that is overtaken reads old or
 * new words, and sees by `published` that it did. The ring is its owner's; zeroed is empty. Pure;
 * kernel and host.
 */
#ifndef KERNEL_LOG_RING_H
#define KERNEL_LOG_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RING_SLOTS     512U /* of 128 bytes: 64 KiB */
#define LOG_RING_WORDS     15U
#define LOG_PART_BYTES     108U /* of text in a slot */
#define LOG_RING_PARTS_MAX 3U
#define LOG_TEXT_MAX       255U /* bytes of text in a record */

struct log_slot {
    _Atomic uint64_t published; /* position + 1 of what lies here; anything else: not that */
    _Atomic uint64_t words[LOG_RING_WORDS];
};
_Static_assert(sizeof(struct log_slot) == 128, "64 KiB for 512 slots");

struct log_ring {
    _Atomic uint64_t head;  /* the next position that is claimed */
    _Atomic uint64_t floor; /* positions from here on must not be overwritten */
    struct log_slot slots[LOG_RING_SLOTS];
};

struct log_record {
    uint64_t stamp;  /* of the caller's clock */
    uint8_t level;   /* enum log_level */
    bool is_plain;   /* shown as it is: no stamp, no word for the level */
    uint32_t length; /* bytes of text, at most LOG_TEXT_MAX */
    char text[LOG_TEXT_MAX + 1];
};

enum log_read {
    LOG_READ_OK,
    LOG_READ_NOT_YET, /* nothing there yet, or a writer is still at it */
    LOG_READ_GONE,    /* overwritten */
    LOG_READ_INSIDE,  /* in the middle of a record */
};

/** Positions that a text of @p length bytes takes. */
uint32_t log_ring_parts(uint32_t length);

/**
 * Claims @p parts positions. The caller must publish them, soon: readers wait for them.
 * @return false where that would overwrite what is not shown yet (nothing is claimed)
 */
bool log_ring_claim(struct log_ring *ring, uint32_t parts, uint64_t *position);

/** Fills and publishes the positions that were claimed for @p record. */
void log_ring_publish(struct log_ring *ring, uint64_t position, const struct log_record *record);

/**
 * Reads the record at @p position.
 * @param next  receives the position behind it; only with LOG_READ_OK
 */
enum log_read log_ring_read(const struct log_ring *ring, uint64_t position,
                            struct log_record *record, uint64_t *next);

/** The lowest position that may still be read. */
uint64_t log_ring_oldest(const struct log_ring *ring);

/** Lets everything below @p position be overwritten. Never moves down. One caller at a time. */
void log_ring_set_floor(struct log_ring *ring, uint64_t position);

#endif
