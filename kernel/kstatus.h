/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one error type of the tree: 0 or a negative errno value (Linux's numbers, so that a log line
 * can be looked up). Functions that return it put their result through the last out-parameter and
 * write it only on success.
 */
#ifndef KSTATUS_H
#define KSTATUS_H

#include "lib/compiler.h"

enum kstatus {
    K_OK = 0,
    K_EPERM = -1,      /* refused by policy */
    K_ENOENT = -2,     /* nothing there (not mapped, no such table) */
    K_EIO = -5,        /* a device or the firmware failed */
    K_ENOEXEC = -8,    /* not an image that can be run */
    K_EAGAIN = -11,    /* not now: the lock is held read-only */
    K_ENOMEM = -12,    /* out of page frames or room */
    K_EFAULT = -14,    /* an address outside of what it must lie in */
    K_EBUSY = -16,     /* in use */
    K_EEXIST = -17,    /* already there (mapped) */
    K_EINVAL = -22,    /* an argument or input that can not be right */
    K_ENOSPC = -28,    /* a table is full */
    K_ERANGE = -34,    /* out of the range that is supported */
    K_EPROTO = -71,    /* the other side broke the protocol */
    K_EOVERFLOW = -75, /* arithmetic wraps */
    K_EILSEQ = -84,    /* bytes that are no valid encoding */
    K_ENOTSUP = -95,   /* not supported here */
    K_ETIMEDOUT = -110,
};

/** The name of @p status, e.g. "ENOMEM"; "unknown" for a number that is none of ours. */
const char *kstatus_name(enum kstatus status);

/** Drops a status on purpose; the caller says why in a comment. (A cast to void does not silence
 *  gcc.) */
static inline void kstatus_ignore(enum kstatus status)
{
    (void)status;
}

#endif
