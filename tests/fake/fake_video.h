/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Video memory that counts how it is used: every access to its pages faults, is counted as a read
 * or a write by what the CPU says about the fault, and is then let through for one instruction. An
 * instruction that reads and writes in one counts as a write. Some microseconds an access: for
 * small pictures. One at a time; the caller owns the struct. x86-64 Linux hosts.
 */
#ifndef FAKE_VIDEO_H
#define FAKE_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_video {
    volatile uint32_t *pixels;
    size_t size_bytes; /* whole pages */
    uint64_t reads;
    uint64_t writes;
};

/** Makes memory of at least @p size_bytes, each pixel @p fill, and starts to watch it.
 *  @return false where the host does not play along */
bool fake_video_open(struct fake_video *video, size_t size_bytes, uint32_t fill);

/** Stops watching: from here on the test itself may read the pixels, uncounted. */
void fake_video_stop(struct fake_video *video);

/** Gives the memory back. */
void fake_video_close(struct fake_video *video);

#endif
