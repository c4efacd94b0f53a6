/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for tcg_log: bytes 0 and 1 are the offset that the firmware calls the last
 * event, the rest is the log. What is read must lie inside; what tcg_log_measure() gives must be a
 * log that ends cleanly.
 */
#include "tcg_log.h"
#include "tests/fuzz/fuzz.h"

static bool lies_inside(const struct tcg_log *log, const uint8_t *part, size_t size_bytes)
{
    return part >= log->bytes && size_bytes <= log->next &&
           (size_t)(part - log->bytes) <= log->next - size_bytes;
}

/* Reads all events, and every byte of them for ASan. @return how the walk ended */
static enum kstatus walk(const uint8_t *bytes, size_t size_bytes)
{
    struct tcg_log log;
    struct tcg_log_event event;
    uint8_t pcr[SHA256_BYTES] = { 0 };
    enum kstatus status = tcg_log_open(&log, bytes, size_bytes);
    FUZZ_REQUIRE(status != K_OK || log.next <= size_bytes);
    while (status == K_OK) {
        const size_t before = log.next;
        status = tcg_log_next(&log, &event);
        if (status != K_OK) {
            FUZZ_REQUIRE(log.next == before);
            return status;
        }
        FUZZ_REQUIRE(log.next > before && log.next <= size_bytes);
        FUZZ_REQUIRE(lies_inside(&log, event.data, event.data_bytes));
        FUZZ_REQUIRE(event.sha256 == NULL || lies_inside(&log, event.sha256, SHA256_BYTES));
        if (event.sha256 != NULL) {
            tcg_log_extend(pcr, event.sha256);
        }
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    if (size_bytes < 2) {
        return 0;
    }
    const uint64_t last_event = data[0] | (uint64_t)data[1] << 8;
    uint8_t *const log = fuzz_copy(data + 2, size_bytes - 2);
    (void)walk(log, size_bytes - 2);
    size_t measured = 0;
    if (tcg_log_measure(log, size_bytes - 2, last_event, &measured) == K_OK) {
        FUZZ_REQUIRE(measured > last_event && measured <= size_bytes - 2);
        FUZZ_REQUIRE(walk(log, measured) == K_ENOENT);
    }
    free(log);
    return 0;
}
