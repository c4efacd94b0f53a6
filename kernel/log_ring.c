/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See log_ring.h. Memory order: a slot's words are written between two stores of `published`, 0 and
 * position + 1. A reader looks at it before and after: the acquire load pairs with the writer's
 * last store, so the words are at least as new as that; the fence before the second look pairs with
 * the writer's fence, so words that are newer show there.
 */
#include "log_ring.h"

#include <string.h>

#include "lib/bits.h"

/* What the words of a slot hold. */
struct log_part {
    uint64_t stamp;
    uint8_t level;
    uint8_t is_plain;
    uint8_t part;   /* number in its record, from 0 */
    uint8_t length; /* of the whole record's text */
    char text[LOG_PART_BYTES];
};
_Static_assert(sizeof(struct log_part) == LOG_RING_WORDS * sizeof(uint64_t), "fills a slot");
_Static_assert((LOG_TEXT_MAX + LOG_PART_BYTES - 1) / LOG_PART_BYTES == LOG_RING_PARTS_MAX, "parts");
_Static_assert(LOG_TEXT_MAX <= UINT8_MAX, "length");

static struct log_slot *slot_at(struct log_ring *ring, uint64_t position)
{
    return &ring->slots[position % LOG_RING_SLOTS];
}

uint32_t log_ring_parts(uint32_t length)
{
    return length == 0 ? 1 : (length + LOG_PART_BYTES - 1) / LOG_PART_BYTES;
}

bool log_ring_claim(struct log_ring *ring, uint32_t parts, uint64_t *position)
{
    /* An addition that is conditional on there being room. */
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    do {
        /* Acquire: what was read below the floor was read before we write there. A head that is old
         * by now may lie below the floor; it is not taken. */
        const uint64_t floor = atomic_load_explicit(&ring->floor, memory_order_acquire);
        if (head + parts > floor + LOG_RING_SLOTS) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&ring->head, &head, head + parts,
                                                    memory_order_relaxed, memory_order_relaxed));
    *position = head;
    return true;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void publish_part(struct log_slot *slot, uint64_t position, const struct log_part *part)
{
    uint64_t words[LOG_RING_WORDS];
    memcpy(words, part, sizeof(words));
    atomic_store_explicit(&slot->published, 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* 0 before the words */
    for (uint32_t i = 0; i < LOG_RING_WORDS; i++) {
        atomic_store_explicit(&slot->words[i], words[i], memory_order_relaxed);
    }
    atomic_store_explicit(&slot->published, position + 1, memory_order_release);
}

void log_ring_publish(struct log_ring *ring, uint64_t position, const struct log_record *record)
{
    const uint32_t parts = log_ring_parts(record->length);
    for (uint32_t i = 0; i < parts; i++) {
        struct log_part part = {
            .stamp = record->stamp,
            .level = record->level,
            .is_plain = record->is_plain,
            .part = (uint8_t)i,                /* below LOG_RING_PARTS_MAX */
            .length = (uint8_t)record->length, /* at most LOG_TEXT_MAX */
        };
        const uint32_t from = i * LOG_PART_BYTES;
        memcpy(part.text, record->text + from, bits_min(record->length - from, LOG_PART_BYTES));
        publish_part(slot_at(ring, position + i), position + i, &part);
    }
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static enum log_read read_part(const struct log_ring *ring, uint64_t position,
                               struct log_part *part)
{
    const struct log_slot *const slot = &ring->slots[position % LOG_RING_SLOTS];
    uint64_t words[LOG_RING_WORDS];
    const uint64_t before = atomic_load_explicit(&slot->published, memory_order_acquire);
    for (uint32_t i = 0; i < LOG_RING_WORDS; i++) {
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire); /* the words before the second look */
    const uint64_t after = atomic_load_explicit(&slot->published, memory_order_relaxed);
    if (before != position + 1 || after != before) {
        return position < log_ring_oldest(ring) ? LOG_READ_GONE : LOG_READ_NOT_YET;
    }
    memcpy(part, words, sizeof(*part));
    return LOG_READ_OK;
}

static void take_text(struct log_record *record, const struct log_part *part, uint32_t number)
{
    const uint32_t from = number * LOG_PART_BYTES;
    memcpy(record->text + from, part->text, bits_min(record->length - from, LOG_PART_BYTES));
}

enum log_read log_ring_read(const struct log_ring *ring, uint64_t position,
                            struct log_record *record, uint64_t *next)
{
    struct log_part part;
    enum log_read result = read_part(ring, position, &part);
    if (result != LOG_READ_OK || part.part != 0) {
        return result != LOG_READ_OK ? result : LOG_READ_INSIDE;
    }
    record->stamp = part.stamp;
    record->level = part.level;
    record->is_plain = part.is_plain != 0;
    record->length = part.length;
    take_text(record, &part, 0);
    const uint32_t parts = log_ring_parts(part.length);
    for (uint32_t i = 1; i < parts; i++) {
        result = read_part(ring, position + i, &part);
        if (result != LOG_READ_OK) {
            return result;
        }
        take_text(record, &part, i);
    }
    record->text[record->length] = '\0';
    *next = position + parts;
    return LOG_READ_OK;
}

uint64_t log_ring_oldest(const struct log_ring *ring)
{
    const uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    return head > LOG_RING_SLOTS ? head - LOG_RING_SLOTS : 0;
}

void log_ring_set_floor(struct log_ring *ring, uint64_t position)
{
    if (position > atomic_load_explicit(&ring->floor, memory_order_relaxed)) {
        /* Release: pairs with the claim's acquire. */
        atomic_store_explicit(&ring->floor, position, memory_order_release);
    }
}
