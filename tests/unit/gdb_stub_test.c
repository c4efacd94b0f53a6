/* SPDX-License-Identifier: GPL-2.0-only
 *
 * gdb/gdb_stub, gdb/gdb_registers, gdb/gdb_options: the protocol over a fake machine.
 */
#include "gdb/gdb_stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gdb/gdb_options.h"
#include "lib/random.h"
#include "tests/fake/fake_gdb.h"
#include "tests/ktest.h"

static struct fake_gdb fake;

/* The reply to packet @p text, without acknowledgement, frame and checksum. */
static const char *ask(const char *text)
{
    fake_gdb_clear(&fake);
    (void)fake_gdb_packet(&fake, text, strlen(text));
    static char reply[FAKE_GDB_SENT_BYTES + 1];
    const char *const start = strchr(fake.sent, '$');
    if (start == NULL) {
        return "(nothing)";
    }
    snprintf(reply, sizeof(reply), "%.*s", (int)strcspn(start + 1, "#"), start + 1);
    return reply;
}

static enum gdb_action act(const char *text)
{
    fake_gdb_clear(&fake);
    return fake_gdb_packet(&fake, text, strlen(text));
}

static void gdb_stub_acknowledges_and_asks_again(struct ktest *t)
{
    fake_gdb_init(&fake);
    (void)fake_gdb_feed(&fake, "+$?#3f", 6);
    KTEST_STRING(t, fake.sent, "+$T00thread:1;#d2");
    fake_gdb_clear(&fake);
    (void)fake_gdb_feed(&fake, "-", 1); /* the reply was lost */
    KTEST_STRING(t, fake.sent, "$T00thread:1;#d2");
    fake_gdb_clear(&fake);
    (void)fake_gdb_feed(&fake, "$?#3e$?#zz$?#3", 14);
    KTEST_STRING(t, fake.sent, "--");
    fake_gdb_clear(&fake);
    (void)fake_gdb_feed(&fake, "$junk$?#3f", 10); /* the first one's end was lost */
    KTEST_STRING(t, fake.sent, "+$T00thread:1;#d2");
}

static void gdb_stub_stops_to_acknowledge_when_asked_and_starts_in_a_new_session(struct ktest *t)
{
    fake_gdb_init(&fake);
    KTEST_STRING(t, ask("QStartNoAckMode"), "OK");
    KTEST_EQ(t, fake.sent[0], '+');
    (void)ask("?");
    KTEST_EQ(t, fake.sent[0], '$');
    KTEST_TRUE(t, strstr(ask("qSupported:swbreak+"), "PacketSize=800;") != NULL);
    KTEST_EQ(t, fake.sent[0], '+');
    (void)ask("?");
    KTEST_EQ(t, fake.sent[0], '+');
}

static void gdb_stub_refuses_a_packet_that_does_not_fit(struct ktest *t)
{
    static char text[GDB_PACKET_BYTES + 2];
    fake_gdb_init(&fake);
    memset(text, 'q', GDB_PACKET_BYTES);
    KTEST_STRING(t, ask(text), "");
    text[GDB_PACKET_BYTES] = 'q';
    KTEST_STRING(t, ask(text), "E1c");
}

static void gdb_stub_reads_and_writes_registers(struct ktest *t)
{
    fake_gdb_init(&fake);
    fake.registers[GDB_REGISTER_RAX] = UINT64_C(0x1122334455667788);
    fake.registers[GDB_REGISTER_EFLAGS] = 0x246;
    fake.registers[GDB_REGISTER_EFER] = 0xd00;
    const char *const all = ask("g");
    KTEST_EQ(t, strlen(all), 2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 2 * 8 + 5 * 8));
    KTEST_TRUE(t, strncmp(all, "8877665544332211", 16) == 0);
    KTEST_TRUE(t, strncmp(all + 17 * 16, "46020000", 8) == 0);
    KTEST_EQ(t, strspn(all + 17 * 16 + 7 * 8, "x"), 2 * (8 * 10 + 8 * 4));
    KTEST_STRING(t, ask("p0"), "8877665544332211");
    KTEST_STRING(t, ask("p11"), "46020000");
    KTEST_STRING(t, ask("p18"), "xxxxxxxxxxxxxxxxxxxx");
    KTEST_STRING(t, ask("p2e"), "000d000000000000");
    KTEST_STRING(t, ask("p2f"), "E16");
    KTEST_STRING(t, ask("p"), "E16");
    KTEST_STRING(t, ask("P10=efbeadde00000000"), "OK");
    KTEST_EQ(t, fake.registers[GDB_REGISTER_RIP], 0xdeadbeef);
    KTEST_STRING(t, ask("P10=efbe"), "E16");
    KTEST_STRING(t, ask("P10"), "E16");
    KTEST_STRING(t, ask("P2c=0100000000000000"), "E01"); /* CR3 */
    KTEST_STRING(t, ask("P18=00000000000000000000"), "E02");
}

static void gdb_stub_writes_back_what_it_read(struct ktest *t)
{
    fake_gdb_init(&fake);
    for (unsigned i = 0; i < GDB_REGISTER_COUNT; i++) {
        fake.registers[i] = 0x1000U + i;
    }
    char all[2048];
    snprintf(all, sizeof(all), "G%s", ask("g"));
    KTEST_STRING(t, ask(all), "OK");
    all[1] = '7'; /* RAX */
    KTEST_STRING(t, ask(all), "OK");
    KTEST_EQ(t, fake.registers[GDB_REGISTER_RAX], 0x1070);
    KTEST_EQ(t, fake.registers[GDB_REGISTER_EFER], 0x1000U + GDB_REGISTER_EFER);
    all[strlen(all) - 1] = '\0';
    KTEST_STRING(t, ask(all), "E16");
    KTEST_STRING(t, ask("Gzz"), "E16");
}

static void gdb_stub_reads_memory_as_far_as_it_goes(struct ktest *t)
{
    fake_gdb_init(&fake);
    fake.memory[0] = 0xab;
    fake.memory[FAKE_GDB_MEMORY_BYTES - 1] = 0xcd;
    KTEST_STRING(t, ask("mffff800000001000,2"), "ab00");
    KTEST_STRING(t, ask("mffff800000001fff,4"), "cd");
    KTEST_STRING(t, ask("mffff800000002000,1"), "E0e");
    KTEST_STRING(t, ask("mffff800000001000,0"), "");
    KTEST_EQ(t, strlen(ask("mffff800000001000,ffffffffffffffff")), GDB_PACKET_BYTES);
    KTEST_STRING(t, ask("m1234"), "E16");
    KTEST_STRING(t, ask("m,1"), "E16");
    KTEST_STRING(t, ask("m11111111111111111,1"), "E16");
}

static void gdb_stub_writes_memory(struct ktest *t)
{
    fake_gdb_init(&fake);
    KTEST_STRING(t, ask("Mffff800000001000,2:a1b2"), "OK");
    KTEST_EQ(t, fake.memory[0], 0xa1);
    KTEST_EQ(t, fake.memory[1], 0xb2);
    KTEST_STRING(t, ask("Mffff800000001000,2:a1"), "E16");
    KTEST_STRING(t, ask("Mffff800000001000,2:a1b2c3"), "E16");
    KTEST_STRING(t, ask("Mffff800000001fff,1:00"), "E0e"); /* read-only */
    fake_gdb_clear(&fake);
    static const char binary[] = "Xffff800000001010,5:\0#$}*";
    (void)fake_gdb_packet(&fake, binary, sizeof(binary) - 1);
    KTEST_STRING(t, fake.sent, "+$OK#9a");
    KTEST_TRUE(t, memcmp(fake.memory + 0x10, "\0#$}*", 5) == 0);
    KTEST_STRING(t, ask("Xffff800000001000,0:"), "OK"); /* how gdb asks whether X is known */
    KTEST_STRING(t, ask("Xffff800000001000,3:12"), "E16");
}

static void gdb_stub_sets_and_clears_points(struct ktest *t)
{
    fake_gdb_init(&fake);
    KTEST_STRING(t, ask("Z0,ffff800000001234,1"), "OK");
    KTEST_EQ(t, fake.points[0].address, 0xffff800000001234);
    KTEST_STRING(t, ask("Z2,1000,8"), "OK");
    KTEST_EQ(t, fake.points[1].kind, GDB_POINT_WRITE);
    KTEST_STRING(t, ask("z0,ffff800000001234,1"), "OK");
    KTEST_FALSE(t, fake.points[0].is_set);
    KTEST_STRING(t, ask("Z5,1000,8"), "");
    KTEST_STRING(t, ask("Z"), "");
    KTEST_STRING(t, ask("Z01000,8"), "E16");
    KTEST_STRING(t, ask("Z0,1000,8;X1,00"), "E16");
    for (unsigned i = 0; i < FAKE_GDB_POINTS - 1; i++) {
        char text[32];
        snprintf(text, sizeof(text), "Z1,%x,1", 0x2000 + i);
        KTEST_STRING(t, ask(text), "OK");
    }
    KTEST_STRING(t, ask("Z1,3000,1"), "E1c");
    (void)ask("qSupported"); /* a new session */
    KTEST_FALSE(t, fake.points[1].is_set);
}

static void gdb_stub_resumes_and_reports_the_stop(struct ktest *t)
{
    const struct gdb_stop trap = { .signal = GDB_SIGNAL_TRAP };
    fake_gdb_init(&fake);
    KTEST_EQ(t, act("c"), GDB_ACTION_CONTINUE);
    KTEST_STRING(t, fake.sent, "+");
    gdb_stub_stopped(&fake.stub, &trap);
    KTEST_STRING(t, fake.sent, "+$T05thread:1;#d7");
    KTEST_EQ(t, act("s1234"), GDB_ACTION_STEP);
    KTEST_EQ(t, fake.registers[GDB_REGISTER_RIP], 0x1234);
    KTEST_EQ(t, act("C0b;99"), GDB_ACTION_CONTINUE);
    KTEST_EQ(t, fake.registers[GDB_REGISTER_RIP], 0x99);
    KTEST_EQ(t, fake.stub.resume_signal, GDB_SIGNAL_SEGV);
    KTEST_EQ(t, act("vCont;s:1;c"), GDB_ACTION_STEP);
    KTEST_EQ(t, fake.stub.resume_signal, 0);
    KTEST_EQ(t, act("vCont;C06:1"), GDB_ACTION_CONTINUE);
    KTEST_EQ(t, fake.stub.resume_signal, GDB_SIGNAL_ABRT);
    KTEST_STRING(t, ask("vCont?"), "vCont;c;C;s;S");
    static const char *const wrong[] = { "vCont;", "vCont;x", "vCont;C0", "vCont;cc",
                                         "C",      "C0b1234", "cxyz",     "c12z" };
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        KTEST_EQ(t, act(wrong[i]), GDB_ACTION_STAY);
        KTEST_STRING(t, fake.sent, "+$E16#ac");
    }
}

static void gdb_stub_names_the_reason_where_gdb_knows_the_word(struct ktest *t)
{
    struct gdb_stop stop = { .signal = GDB_SIGNAL_TRAP, .reason = GDB_STOP_SOFTWARE };
    fake_gdb_init(&fake);
    gdb_stub_stopped(&fake.stub, &stop);
    KTEST_STRING(t, fake.sent, ""); /* nobody waits */
    KTEST_STRING(t, ask("?"), "T05thread:1;");
    (void)ask("qSupported:swbreak+;hwbreak+");
    KTEST_STRING(t, ask("?"), "T05swbreak:;thread:1;");
    stop.reason = GDB_STOP_HARDWARE;
    gdb_stub_stopped(&fake.stub, &stop);
    KTEST_STRING(t, ask("?"), "T05hwbreak:;thread:1;");
    stop.reason = GDB_STOP_WRITE;
    stop.address = 0xffff800000001230;
    gdb_stub_stopped(&fake.stub, &stop);
    KTEST_STRING(t, ask("?"), "T05watch:ffff800000001230;thread:1;");
    stop.reason = GDB_STOP_ACCESS;
    gdb_stub_stopped(&fake.stub, &stop);
    KTEST_STRING(t, ask("?"), "T05awatch:ffff800000001230;thread:1;");
}

static void gdb_stub_detaches_and_takes_another_session(struct ktest *t)
{
    fake_gdb_init(&fake);
    KTEST_FALSE(t, fake.stub.is_attached);
    (void)ask("qSupported");
    KTEST_TRUE(t, fake.stub.is_attached);
    (void)ask("Z0,1000,1");
    KTEST_EQ(t, act("D"), GDB_ACTION_DETACH);
    KTEST_STRING(t, fake.sent, "+$OK#9a");
    KTEST_FALSE(t, fake.points[0].is_set);
    KTEST_FALSE(t, fake.stub.is_attached);
    (void)ask("qSupported");
    KTEST_TRUE(t, fake.stub.is_attached);
    KTEST_EQ(t, act("k"), GDB_ACTION_DETACH);
    KTEST_STRING(t, fake.sent, "+");
}

static void gdb_stub_passes_monitor_lines(struct ktest *t)
{
    fake_gdb_init(&fake);
    fake.monitor_answer = "free 7\n";
    fake_gdb_clear(&fake);
    (void)act("qRcmd,7573616765"); /* usage */
    KTEST_STRING(t, fake.monitor_line, "usage");
    KTEST_STRING(t, fake.sent, "+$O6672656520370a#57$OK#9a");
    fake.monitor_answer = NULL;
    KTEST_STRING(t, ask("qRcmd,"), "OK");
    KTEST_STRING(t, fake.monitor_line, "");
    KTEST_STRING(t, ask("qRcmd,7"), "E16");
    KTEST_STRING(t, ask("qRcmd,7g"), "E16");
    static char answer[2000];
    memset(answer, 'a', sizeof(answer) - 1);
    fake.monitor_answer = answer; /* longer than a packet: in pieces */
    const uint64_t before = fake.packets;
    (void)act("qRcmd,6c");
    KTEST_EQ(t, fake.packets - before, 4 + 1);
}

static void gdb_stub_tells_where_the_image_is(struct ktest *t)
{
    fake_gdb_init(&fake);
    KTEST_STRING(t, ask("qOffsets"), "TextSeg=ffff800000001000");
    KTEST_STRING(t, ask("qAttached"), "1");
    KTEST_STRING(t, ask("qfThreadInfo"), "m1");
    KTEST_STRING(t, ask("qsThreadInfo"), "l");
    KTEST_STRING(t, ask("qC"), "QC1");
    KTEST_STRING(t, ask("Hg0"), "OK");
    KTEST_STRING(t, ask("qTStatus"), "");
    KTEST_STRING(t, ask("vMustReplyEmpty"), "");
    KTEST_STRING(t, ask(""), "");
}

/* The whole description, asked for in pieces of @p piece bytes. */
static char *description(unsigned piece)
{
    static char whole[1U << 14];
    size_t length = 0;
    const char *reply;
    do {
        char text[64];
        snprintf(text, sizeof(text), "qXfer:features:read:target.xml:%zx,%x", length, piece);
        reply = ask(text);
        length += (size_t)snprintf(whole + length, sizeof(whole) - length, "%s", reply + 1);
    } while (reply[0] == 'm' && length < sizeof(whole));
    return whole;
}

static void gdb_stub_describes_its_registers_in_order(struct ktest *t)
{
    fake_gdb_init(&fake);
    char *const whole = strdup(description(0x7ff));
    KTEST_STRING(t, description(100), whole);
    unsigned number = 0;
    for (const char *at = whole; (at = strstr(at, "<reg name=")) != NULL; at++, number++) {
        const char *const bits = strstr(at, "bitsize=\"");
        KTEST_EQ(t, strtoul(bits + 9, NULL, 10), 8 * gdb_register_bytes(number));
    }
    KTEST_EQ(t, number, GDB_REGISTER_COUNT);
    KTEST_TRUE(t, strstr(whole, "<reg name=\"efer\" bitsize=\"64\"") != NULL);
    KTEST_STRING(t, ask("qXfer:features:read:target.xml:ffff,10"), "l");
    KTEST_STRING(t, ask("qXfer:features:read:target.xml:ffffffffffffffff,10"), "E16");
    KTEST_STRING(t, ask("qXfer:features:read:other.xml:0,10"), "");
    free(whole);
}

static void gdb_options_are_a_port_and_words(struct ktest *t)
{
    static const struct {
        const char *text;
        bool good;
        uint32_t port;
        bool wait;
    } cases[] = {
        { "ttyS1", true, 1, false },
        { "ttyS3,wait", true, 3, true },
        { "ttyS1,115200", true, 1, false },
        { "ttyS2,115200n8,wait", true, 2, true },
        { "ttyS4", false, 0, false },
        { "ttyS", false, 0, false },
        { "", false, 0, false },
        { "ttyS12", false, 0, false },
        { "ttyS1,", false, 0, false },
        { "ttyS1,9600", false, 0, false },
        { "ttyS1wait", false, 0, false },
        { "ttyS1,waiting", false, 0, false },
        { "com1", false, 0, false },
        { "ttyS1 ,wait", false, 0, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct gdb_options options = { .port_index = 99 };
        const enum kstatus status =
            gdb_options_parse(cases[i].text, strlen(cases[i].text), &options);
        KTEST_STATUS(t, status, cases[i].good ? K_OK : K_EINVAL);
        KTEST_EQ(t, options.port_index, cases[i].good ? cases[i].port : 99);
        KTEST_EQ(t, options.wait, cases[i].good && cases[i].wait);
    }
}

/* A packet of gdb's words and digits, with a few bytes that are neither. */
static size_t random_packet(struct random *random, char *text, size_t most)
{
    static const char *const words[] = { "m",
                                         "M",
                                         "X",
                                         "Z0",
                                         "z0",
                                         "Z2",
                                         "vCont;",
                                         "qRcmd,",
                                         "qXfer:features:read:target.xml:",
                                         "P",
                                         "p",
                                         "G",
                                         "c",
                                         "C05",
                                         "S05",
                                         "D",
                                         "k",
                                         "qSupported:",
                                         "QStartNoAckMode",
                                         "g",
                                         "?",
                                         ",",
                                         ":",
                                         ";",
                                         "=",
                                         "ffff800000001000",
                                         "ffffffffffffffff" };
    size_t length = 0;
    const uint64_t parts = random_below(random, 8);
    for (uint64_t i = 0; i < parts; i++) {
        const uint64_t choice = random_below(random, 2 * ARRAY_COUNT(words));
        if (choice < ARRAY_COUNT(words)) {
            length += (size_t)snprintf(text + length, most - length, "%s", words[choice]);
        } else {
            length += (size_t)snprintf(text + length, most - length, "%x",
                                       (unsigned)random_below(random, 1U << (choice % 31)));
        }
    }
    if (length > 0 && random_below(random, 4) == 0) {
        text[random_below(random, length)] = (char)random_below(random, 256);
    }
    return length;
}

static void gdb_stub_survives_100000_random_packets(struct ktest *t)
{
    struct random random;
    random_init(&random, t->seed);
    fake_gdb_init(&fake);
    const struct gdb_stop stop = { .signal = GDB_SIGNAL_TRAP };
    uint64_t resumed = 0;
    for (unsigned i = 0; i < 100000; i++) {
        char text[512];
        const size_t length = random_packet(&random, text, sizeof(text));
        fake_gdb_clear(&fake);
        if (fake_gdb_packet(&fake, text, length) != GDB_ACTION_STAY) {
            gdb_stub_stopped(&fake.stub, &stop);
            resumed++;
        }
    }
    KTEST_TRUE(t, resumed > 1000);
    KTEST_TRUE(t, fake.packets > 90000);
    fake_gdb_clear(&fake);
    KTEST_STRING(t, ask("?") + 3, "thread:1;"); /* it still answers */
}

static const struct ktest_case cases[] = {
    KTEST_CASE(gdb_stub_acknowledges_and_asks_again),
    KTEST_CASE(gdb_stub_stops_to_acknowledge_when_asked_and_starts_in_a_new_session),
    KTEST_CASE(gdb_stub_refuses_a_packet_that_does_not_fit),
    KTEST_CASE(gdb_stub_reads_and_writes_registers),
    KTEST_CASE(gdb_stub_writes_back_what_it_read),
    KTEST_CASE(gdb_stub_reads_memory_as_far_as_it_goes),
    KTEST_CASE(gdb_stub_writes_memory),
    KTEST_CASE(gdb_stub_sets_and_clears_points),
    KTEST_CASE(gdb_stub_resumes_and_reports_the_stop),
    KTEST_CASE(gdb_stub_names_the_reason_where_gdb_knows_the_word),
    KTEST_CASE(gdb_stub_detaches_and_takes_another_session),
    KTEST_CASE(gdb_stub_passes_monitor_lines),
    KTEST_CASE(gdb_stub_tells_where_the_image_is),
    KTEST_CASE(gdb_stub_describes_its_registers_in_order),
    KTEST_CASE(gdb_options_are_a_port_and_words),
    KTEST_CASE(gdb_stub_survives_100000_random_packets),
};
KTEST_SUITE(gdb_stub, "gdb.stub", cases);
