/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A frame allocator for host tests: single frames out of a stretch of fake RAM, filled with junk
 * when handed out, with a fault plan. It counts what is out, and remembers every bad free.
 */
#ifndef FAKE_FRAMES_H
#define FAKE_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "mm/frame_allocator.h"

#define FAKE_FRAMES_MAX 65536U

struct fake_frames {
    struct frame_allocator allocator; /* pass &fake->allocator */
    uint64_t base;                    /* physical, bytes */
    uint32_t total;                   /* frames */
    uint32_t out;                     /* frames handed out and not given back */
    uint32_t calls;                   /* of allocate, failed ones too */
    uint32_t bulk_calls;              /* for many frames at once, failed ones too */
    uint32_t fail_from;               /* calls with this number (from 1) on fail; 0: none */
    uint32_t fail_count;              /* how many of them; 0: all */
    bool no_free;                     /* free is K_ENOTSUP, as with the bump allocator */
    uint32_t frees;                   /* good ones */
    uint32_t bad_frees;               /* double, wild, or more than one frame */
    uint32_t next;                    /* where the search starts */
    bool taken[FAKE_FRAMES_MAX];
};

/** Declares [base, base + total frames) as fake RAM and starts with all of it free. */
void fake_frames_init(struct fake_frames *fake, uint64_t base, uint32_t total_frames);

/** Makes calls of allocate fail, counted from now: the @p call-th (from 1) and @p count - 1 more
 *  (0: all from there on). @p call 0 switches that off. */
void fake_frames_fail(struct fake_frames *fake, uint32_t call, uint32_t count);

/** Makes @p fake serve many frames at once as well (frame_allocator_allocate_some): each of them
 *  counts as a call, and one that fails makes the whole fail. */
void fake_frames_offer_bulk(struct fake_frames *fake);

/** Whether the frame at @p phys is handed out. */
bool fake_frames_is_out(const struct fake_frames *fake, phys_addr_t phys);

#endif
