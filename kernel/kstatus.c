/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Names of status codes for log lines. Stateless; compiled for loader, kernel and host.
 */
#include "kstatus.h"

const char *kstatus_name(enum kstatus status)
{
    switch (status) {
    case K_OK:
        return "OK";
    case K_EPERM:
        return "EPERM";
    case K_ENOENT:
        return "ENOENT";
    case K_EIO:
        return "EIO";
    case K_ENOEXEC:
        return "ENOEXEC";
    case K_EAGAIN:
        return "EAGAIN";
    case K_ENOMEM:
        return "ENOMEM";
    case K_EFAULT:
        return "EFAULT";
    case K_EBUSY:
        return "EBUSY";
    case K_EEXIST:
        return "EEXIST";
    case K_EINVAL:
        return "EINVAL";
    case K_ENOSPC:
        return "ENOSPC";
    case K_ERANGE:
        return "ERANGE";
    case K_EPROTO:
        return "EPROTO";
    case K_EOVERFLOW:
        return "EOVERFLOW";
    case K_EILSEQ:
        return "EILSEQ";
    case K_ENOTSUP:
        return "ENOTSUP";
    case K_ETIMEDOUT:
        return "ETIMEDOUT";
    }
    return "unknown";
}
