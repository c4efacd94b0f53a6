/* SPDX-License-Identifier: GPL-2.0-only
 *
 * A made-up kernel image for the host: 64 KiB of code at FAKE_IMAGE, of which every 256 bytes are a
 * function "fake_N" on its own in fake.c, each byte a line. Its bytes are nowhere: a test that
 * wants some puts them there (fake_safe_access.h).
 */
#ifndef FAKE_IMAGE_H
#define FAKE_IMAGE_H

#include <stdint.h>

#define FAKE_IMAGE          UINT64_C(0xffff800000400000)
#define FAKE_IMAGE_CODE     UINT64_C(0x10000)
#define FAKE_FUNCTION_BYTES UINT64_C(0x100)

#endif
