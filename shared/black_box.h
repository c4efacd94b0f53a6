/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The black box: what a boot wrote down of itself in RAM that a warm reset leaves alone, for the
 * next boot to read. One page-aligned region that the loader allocates (purpose
 * BOOTINFO_PURPOSE_BLACK_BOX in the ledger, mmap type 0x1000). Loader and kernel write to it in
 * turn through kernel/black_box_record.c; the next boot's loader reads it before it writes.
 *
 * Two CRCs: of the header, written anew with every change, and of the text, fed on as it grows. A
 * region whose CRCs do not fit is no record: fresh RAM, or one that was overwritten.
 */
#ifndef SHARED_BLACK_BOX_H
#define SHARED_BLACK_BOX_H

#include <stddef.h>
#include <stdint.h>

#define BLACK_BOX_MAGIC      UINT64_C(0x584f424b43414c42) /* "BLACKBOX" read as bytes */
#define BLACK_BOX_VERSION    1U
#define BLACK_BOX_BYTES      UINT64_C(0x8000)
#define BLACK_BOX_NAME_BYTES 24U

/** How a boot ended, as far as it could tell. */
enum black_box_state {
    BLACK_BOX_RUNNING = 1, /* it was on its way, or is */
    BLACK_BOX_AT_PROMPT,   /* it came to its end: the prompt, or back to the firmware */
    BLACK_BOX_PANIC,       /* the kernel gave up and said so */
    /* of a boot before only, by its UEFI variable: how it went on nobody knows */
    BLACK_BOX_LEFT_FIRMWARE,
};

/** Where a boot was. */
struct black_box_mark {
    uint32_t step;  /* 1, 2, ... through loader and kernel; 0: there is no such boot */
    uint32_t state; /* enum black_box_state */
    char name[BLACK_BOX_NAME_BYTES]; /* of the step, NUL-terminated */
};
_Static_assert(sizeof(struct black_box_mark) == 32, "contract");

struct black_box {
    uint64_t magic;
    uint32_t version;
    uint32_t header_crc32c; /* of this header, with this field as 0 */
    struct black_box_mark now;
    struct black_box_mark last; /* the boot before, as this one found it */
    uint32_t text_bytes;        /* used, of what follows the header */
    uint32_t text_crc32c;       /* of those bytes, a running value (lib/crc32c.h) */
};
_Static_assert(sizeof(struct black_box) == 88, "contract");
_Static_assert(offsetof(struct black_box, now) == 16, "contract");
_Static_assert(offsetof(struct black_box, text_bytes) == 80, "contract");

#endif
