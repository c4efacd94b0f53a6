/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for the GDB stub. The input is lines of the debugger's: each one becomes a
 * packet with a right checksum, but one that begins with '!' is fed as the raw bytes that follow
 * (what a broken line may deliver). The fake machine (tests/fake/fake_gdb.c) checks every number
 * that the stub hands it and every packet that the stub sends.
 */
#include <string.h>

#include "tests/fake/fake_gdb.h"
#include "tests/fuzz/fuzz.h"

static void stop_again(struct fake_gdb *fake, enum gdb_action action)
{
    static const struct gdb_stop stop = { .signal = GDB_SIGNAL_TRAP,
                                          .reason = GDB_STOP_WRITE,
                                          .address = FAKE_GDB_MEMORY_START };
    if (action == GDB_ACTION_STAY) {
        return;
    }
    const uint64_t packets = fake->packets;
    FUZZ_REQUIRE(fake->stub.owes_stop == (action != GDB_ACTION_DETACH));
    gdb_stub_stopped(&fake->stub, &stop);
    FUZZ_REQUIRE(fake->packets == packets + (action != GDB_ACTION_DETACH));
}

/* A packet gets exactly one reply, but for those that let the machine run, kill, and monitor
 * output. */
static void feed_packet(struct fake_gdb *fake, const uint8_t *line, size_t size_bytes)
{
    const uint64_t packets = fake->packets;
    gdb_packet_reader_init(&fake->stub.reader); /* raw bytes before may have left a half packet */
    const enum gdb_action action = fake_gdb_packet(fake, line, size_bytes);
    if (action == GDB_ACTION_STAY) {
        FUZZ_REQUIRE(fake->packets == packets + 1);
    } else {
        FUZZ_REQUIRE(fake->packets == packets + (line[0] == 'D'));
    }
    stop_again(fake, action);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct fake_gdb fake;
    fake_gdb_init(&fake);
    size_t start = 0;
    while (start < size_bytes) {
        size_t end = start;
        while (end < size_bytes && data[end] != '\n') {
            end++;
        }
        if (data[start] == '!') {
            stop_again(&fake, fake_gdb_feed(&fake, data + start + 1, end - start - 1));
        } else {
            feed_packet(&fake, data + start, end - start);
        }
        fake_gdb_clear(&fake);
        start = end + 1;
    }
    return 0;
}
