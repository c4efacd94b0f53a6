/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The one function of tcg_log.h that hashes: a file of its own, because the loader walks logs and
 * needs no SHA-256. Stateless.
 */
#include "tcg_log.h"

void tcg_log_extend(uint8_t *pcr, const uint8_t *digest)
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_update(&sha, pcr, SHA256_BYTES);
    sha256_update(&sha, digest, SHA256_BYTES);
    sha256_finish(&sha, pcr);
}
