/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdb_stub.h. No state but the caller's struct; runs in the kernel and on the host.
 *
 * Every packet gets exactly one reply, but for those that let the machine run (their reply is the
 * stop that follows). The reply is built in stub->out and stays there, so that a debugger that did
 * not get it can ask again. What is not understood gets the empty reply, as the protocol wants.
 */
#include "gdb/gdb_stub.h"

#include <string.h>

#include "lib/bits.h"
#include "lib/compiler.h"

#define MEMORY_BYTES  (GDB_PACKET_BYTES / 2U)        /* of an `m` reply: two digits a byte */
#define FEATURE_BYTES ((GDB_PACKET_BYTES - 1U) / 2U) /* of a qXfer reply: all might be escaped */
#define CONSOLE_BYTES 512U                           /* of one `O` packet */

void gdb_stub_init(struct gdb_stub *stub, const struct gdb_target *target, uint64_t image_base)
{
    memset(stub, 0, sizeof(*stub));
    stub->target = target;
    stub->image_base = image_base;
    gdb_packet_reader_init(&stub->reader);
}

/* ---- replies ------------------------------------------------------------------------------------
 */

static void begin(struct gdb_stub *stub)
{
    gdb_packet_begin(&stub->writer, stub->out);
}

static void send_packet(struct gdb_stub *stub)
{
    if (stub->writer.is_cut) { /* sizes are bounded before: only if a bound is wrong */
        begin(stub);
        gdb_packet_put(&stub->writer, "E1c");
    }
    gdb_packet_end(&stub->writer);
    stub->target->send(stub->target->context, stub->out, stub->writer.length);
}

static void reply(struct gdb_stub *stub, const char *text)
{
    begin(stub);
    gdb_packet_put(&stub->writer, text);
    send_packet(stub);
}

/* OK, or the error as its errno number. */
static void reply_status(struct gdb_stub *stub, enum kstatus status)
{
    if (status == K_OK) {
        reply(stub, "OK");
        return;
    }
    begin(stub);
    gdb_packet_put(&stub->writer, "E");
    gdb_packet_put_byte(&stub->writer, (uint8_t)-status);
    send_packet(stub);
}

static void put_reason(struct gdb_stub *stub)
{
    static const char *const watches[] = {
        [GDB_STOP_WRITE] = "watch:",
        [GDB_STOP_READ] = "rwatch:",
        [GDB_STOP_ACCESS] = "awatch:",
    };
    switch (stub->stop.reason) {
    case GDB_STOP_PLAIN:
        break;
    case GDB_STOP_SOFTWARE:
        gdb_packet_put(&stub->writer, stub->knows_software ? "swbreak:;" : "");
        break;
    case GDB_STOP_HARDWARE:
        gdb_packet_put(&stub->writer, stub->knows_hardware ? "hwbreak:;" : "");
        break;
    case GDB_STOP_WRITE:
    case GDB_STOP_READ:
    case GDB_STOP_ACCESS:
        gdb_packet_put(&stub->writer, watches[stub->stop.reason]);
        gdb_packet_put_number(&stub->writer, stub->stop.address);
        gdb_packet_put(&stub->writer, ";");
        break;
    }
}

static void reply_stop(struct gdb_stub *stub)
{
    begin(stub);
    gdb_packet_put(&stub->writer, "T");
    gdb_packet_put_byte(&stub->writer, stub->stop.signal);
    put_reason(stub);
    gdb_packet_put(&stub->writer, "thread:1;");
    send_packet(stub);
}

void gdb_stub_stopped(struct gdb_stub *stub, const struct gdb_stop *stop)
{
    stub->stop = *stop;
    if (stub->owes_stop) {
        stub->owes_stop = false;
        reply_stop(stub);
    }
}

/* ---- registers ----------------------------------------------------------------------------------
 */

static void put_register(struct gdb_stub *stub, unsigned number)
{
    const struct gdb_target *const target = stub->target;
    uint64_t value = 0;
    const bool known = target->read_register(target->context, number, &value) == K_OK;
    for (size_t i = 0; i < gdb_register_bytes(number); i++) {
        if (known) {
            gdb_packet_put_byte(&stub->writer, (uint8_t)(value >> (8 * i)));
        } else {
            gdb_packet_put(&stub->writer, "xx");
        }
    }
}

/* The little-endian value of a register of @p size_bytes at @p text. */
static enum kstatus parse_register(const char *text, size_t size_bytes, uint64_t *value)
{
    uint8_t bytes[sizeof(*value)] = { 0 };
    if (size_bytes > sizeof(bytes)) {
        return K_ENOENT; /* the x87 registers, which nobody can write */
    }
    const enum kstatus status = gdb_hex_bytes(text, bytes, size_bytes);
    if (status == K_OK) {
        memcpy(value, bytes, sizeof(bytes));
    }
    return status;
}

/* Writes register @p number where @p value is another one than it has. */
static enum kstatus change_register(struct gdb_stub *stub, unsigned number, uint64_t value)
{
    const struct gdb_target *const target = stub->target;
    uint64_t old;
    const enum kstatus status = target->read_register(target->context, number, &old);
    if (status != K_OK || old == value) {
        return status;
    }
    return target->write_register(target->context, number, value);
}

static void handle_read_all(struct gdb_stub *stub)
{
    begin(stub);
    for (unsigned number = 0; number < GDB_REGISTER_COUNT; number++) {
        put_register(stub, number);
    }
    send_packet(stub);
}

/* All that can be written are, then the first error is told. A register that gdb does not know
 * stands as x's and stays as it is. */
static void handle_write_all(struct gdb_stub *stub, const char *text)
{
    enum kstatus first = K_OK;
    size_t left = strlen(text);
    for (unsigned number = 0; number < GDB_REGISTER_COUNT && *text != '\0'; number++) {
        const size_t size_bytes = gdb_register_bytes(number);
        uint64_t value;
        if (left < 2 * size_bytes) {
            first = K_EINVAL;
            break;
        }
        left -= 2 * size_bytes;
        const bool is_known = *text != 'x';
        enum kstatus status = K_OK;
        if (is_known) {
            status = parse_register(text, size_bytes, &value);
            status = status == K_OK ? change_register(stub, number, value) : status;
        }
        if (first == K_OK && status != K_ENOENT) {
            first = status;
        }
        text += 2 * size_bytes;
    }
    reply_status(stub, first);
}

static enum kstatus register_number(const char **text, unsigned *number)
{
    uint64_t value;
    const enum kstatus status = gdb_hex_number(text, &value);
    if (status != K_OK || value >= GDB_REGISTER_COUNT) {
        return K_EINVAL;
    }
    *number = (unsigned)value; /* below the count */
    return K_OK;
}

static void handle_read_one(struct gdb_stub *stub, const char *text)
{
    unsigned number;
    if (register_number(&text, &number) != K_OK || *text != '\0') {
        reply_status(stub, K_EINVAL);
        return;
    }
    begin(stub);
    put_register(stub, number);
    send_packet(stub);
}

static void handle_write_one(struct gdb_stub *stub, const char *text)
{
    unsigned number;
    uint64_t value;
    enum kstatus status = register_number(&text, &number);
    if (status == K_OK && (*text != '=' || strlen(text + 1) != 2 * gdb_register_bytes(number))) {
        status = K_EINVAL;
    }
    if (status == K_OK) {
        status = parse_register(text + 1, gdb_register_bytes(number), &value);
    }
    reply_status(stub, status == K_OK ? change_register(stub, number, value) : status);
}

/* ---- memory -------------------------------------------------------------------------------------
 */

/* "ADDRESS,SIZE" and the character @p end behind it; *@p text moves behind that. */
static enum kstatus parse_range(const char **text, char end, uint64_t *address, uint64_t *size)
{
    const char *at = *text;
    if (gdb_hex_number(&at, address) != K_OK || *at++ != ',' || gdb_hex_number(&at, size) != K_OK ||
        *at != end) {
        return K_EINVAL;
    }
    *text = at + (end == '\0' ? 0 : 1);
    return K_OK;
}

static void handle_read_memory(struct gdb_stub *stub, const char *text)
{
    uint8_t *const bytes = stub->data;
    uint64_t address;
    uint64_t size;
    if (parse_range(&text, '\0', &address, &size) != K_OK) {
        reply_status(stub, K_EINVAL);
        return;
    }
    const struct gdb_target *const target = stub->target;
    const size_t got =
        target->read_memory(target->context, address, bytes, (size_t)bits_min(size, MEMORY_BYTES));
    if (got == 0 && size > 0) {
        reply_status(stub, K_EFAULT);
        return;
    }
    begin(stub);
    for (size_t i = 0; i < got; i++) {
        gdb_packet_put_byte(&stub->writer, bytes[i]);
    }
    send_packet(stub);
}

static void handle_write_memory(struct gdb_stub *stub, const char *text)
{
    uint8_t *const bytes = stub->data;
    uint64_t address;
    uint64_t size;
    if (parse_range(&text, ':', &address, &size) != K_OK || size > MEMORY_BYTES ||
        strlen(text) != 2 * size || gdb_hex_bytes(text, bytes, (size_t)size) != K_OK) {
        reply_status(stub, K_EINVAL);
        return;
    }
    const struct gdb_target *const target = stub->target;
    reply_status(stub, target->write_memory(target->context, address, bytes, (size_t)size));
}

/* The same in binary; the reader has taken the escapes off. */
static void handle_write_binary(struct gdb_stub *stub, const char *text)
{
    uint64_t address;
    uint64_t size;
    if (parse_range(&text, ':', &address, &size) != K_OK ||
        (size_t)(stub->reader.payload + stub->reader.length - text) != size) {
        reply_status(stub, K_EINVAL);
        return;
    }
    const struct gdb_target *const target = stub->target;
    reply_status(
        stub, target->write_memory(target->context, address, (const uint8_t *)text, (size_t)size));
}

/* ---- breakpoints and watchpoints ----------------------------------------------------------------
 */

static void handle_point(struct gdb_stub *stub, const char *text, bool insert)
{
    const struct gdb_target *const target = stub->target;
    const unsigned kind = (unsigned)(uint8_t)text[0] - '0'; /* wraps high below '0' */
    uint64_t address;
    uint64_t size;
    if (kind > GDB_POINT_ACCESS) {
        reply(stub, "");
        return;
    }
    text++;
    /* Conditions and commands (`;...`) are not advertised. */
    if (*text++ != ',' || parse_range(&text, '\0', &address, &size) != K_OK) {
        reply_status(stub, K_EINVAL);
    } else if (insert) {
        reply_status(stub,
                     target->insert_point(target->context, (enum gdb_point)kind, address, size));
    } else {
        target->remove_point(target->context, (enum gdb_point)kind, address, size);
        reply(stub, "OK");
    }
}

/* ---- running ------------------------------------------------------------------------------------
 */

static enum gdb_action resume(struct gdb_stub *stub, bool step, uint8_t signal)
{
    stub->resume_signal = signal;
    stub->owes_stop = true;
    return step ? GDB_ACTION_STEP : GDB_ACTION_CONTINUE;
}

/* Two digits of a signal at *@p text, which moves behind them. */
static enum kstatus parse_signal(const char **text, uint8_t *signal)
{
    const enum kstatus status = gdb_hex_bytes(*text, signal, 1);
    if (status == K_OK) {
        *text += 2;
    }
    return status;
}

/* c, s: an address may follow. C, S: a signal, and `;` before an address. */
static enum gdb_action handle_resume(struct gdb_stub *stub, const char *text)
{
    const char verb = *text++;
    uint8_t signal = 0;
    enum kstatus status = K_OK;
    if (verb == 'C' || verb == 'S') {
        status = parse_signal(&text, &signal);
        if (status == K_OK && *text != '\0' && *text++ != ';') {
            status = K_EINVAL;
        }
    }
    if (status == K_OK && *text != '\0') {
        uint64_t address;
        status = gdb_hex_number(&text, &address);
        if (status == K_OK) {
            status = *text == '\0' ? change_register(stub, GDB_REGISTER_RIP, address) : K_EINVAL;
        }
    }
    if (status != K_OK) {
        reply_status(stub, status);
        return GDB_ACTION_STAY;
    }
    return resume(stub, verb == 's' || verb == 'S', signal);
}

/* vCont;ACTION[:THREAD]...: there is one thread, so the first action is its. */
static enum gdb_action handle_vcont(struct gdb_stub *stub, const char *text)
{
    const char verb = *text++;
    uint8_t signal = 0;
    enum kstatus status = verb == 'c' || verb == 's' ? K_OK : K_EINVAL;
    if (verb == 'C' || verb == 'S') {
        status = parse_signal(&text, &signal);
    }
    if (status != K_OK || (*text != '\0' && *text != ':' && *text != ';')) {
        reply_status(stub, K_EINVAL);
        return GDB_ACTION_STAY;
    }
    return resume(stub, verb == 's' || verb == 'S', signal);
}

/* ---- queries ------------------------------------------------------------------------------------
 */

/* The part of the target description that was asked for, as it goes by. */
struct window {
    struct gdb_packet_writer *writer;
    uint64_t start; /* bytes of the description */
    uint64_t end;
    uint64_t at;
};

static void put_in_window(void *context, const char *text)
{
    struct window *const window = context;
    for (; *text != '\0'; text++, window->at++) {
        if (window->at >= window->start && window->at < window->end) {
            gdb_packet_put_escaped(window->writer, (uint8_t)*text);
        }
    }
}

static void handle_features(struct gdb_stub *stub, const char *text)
{
    uint64_t offset;
    uint64_t size;
    if (parse_range(&text, '\0', &offset, &size) != K_OK) {
        reply_status(stub, K_EINVAL);
        return;
    }
    struct window window = { .writer = &stub->writer, .start = offset };
    if (__builtin_add_overflow(offset, bits_min(size, FEATURE_BYTES), &window.end)) {
        reply_status(stub, K_EINVAL);
        return;
    }
    begin(stub);
    gdb_packet_put(&stub->writer, "m");
    gdb_registers_describe(put_in_window, &window);
    if (window.end >= window.at) {
        stub->out[1] = 'l'; /* nothing follows */
    }
    send_packet(stub);
}

/* Whether gdb named @p feature in its list. */
static bool names_feature(const char *text, const char *feature)
{
    const size_t length = strlen(feature);
    for (; *text != '\0'; text++) {
        if (strncmp(text, feature, length) == 0) {
            return true;
        }
    }
    return false;
}

static void handle_supported(struct gdb_stub *stub, const char *text)
{
    /* The first packet of every session: what another one left behind, which may have ended
     * without a word, is gone. */
    stub->is_attached = true;
    stub->is_no_ack = false;
    stub->target->remove_all_points(stub->target->context);
    stub->knows_software = names_feature(text, "swbreak+");
    stub->knows_hardware = names_feature(text, "hwbreak+");
    begin(stub);
    gdb_packet_put(&stub->writer, "PacketSize=");
    gdb_packet_put_number(&stub->writer, GDB_PACKET_BYTES);
    gdb_packet_put(&stub->writer, ";qXfer:features:read+;QStartNoAckMode+;swbreak+;hwbreak+;"
                                  "vContSupported+");
    send_packet(stub);
}

static void handle_offsets(struct gdb_stub *stub, const char *text)
{
    (void)text;
    begin(stub);
    gdb_packet_put(&stub->writer, "TextSeg=");
    gdb_packet_put_number(&stub->writer, stub->image_base);
    send_packet(stub);
}

static void handle_no_ack(struct gdb_stub *stub, const char *text)
{
    (void)text;
    stub->is_no_ack = true;
    reply(stub, "OK");
}

static void handle_monitor(struct gdb_stub *stub, const char *text)
{
    const size_t length = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || length >= sizeof(stub->data) ||
        gdb_hex_bytes(text, stub->data, length) != K_OK) {
        reply_status(stub, K_EINVAL);
        return;
    }
    stub->data[length] = '\0';
    stub->target->monitor(stub->target->context, (const char *)stub->data);
    reply(stub, "OK");
}

void gdb_stub_monitor_output(struct gdb_stub *stub, const char *text, size_t size_bytes)
{
    while (size_bytes > 0) {
        const size_t part = (size_t)bits_min(size_bytes, CONSOLE_BYTES);
        begin(stub);
        gdb_packet_put(&stub->writer, "O");
        for (size_t i = 0; i < part; i++) {
            gdb_packet_put_byte(&stub->writer, (uint8_t)text[i]);
        }
        send_packet(stub);
        text += part;
        size_bytes -= part;
    }
}

/* Packets that begin with `prefix` and have one answer, or a function for it. */
static const struct query {
    const char *prefix;
    const char *answer;
    void (*handle)(struct gdb_stub *stub, const char *rest);
} queries[] = {
    { "qSupported", NULL, handle_supported },
    { "qXfer:features:read:target.xml:", NULL, handle_features },
    { "qOffsets", NULL, handle_offsets },
    { "QStartNoAckMode", NULL, handle_no_ack },
    { "qRcmd,", NULL, handle_monitor },
    { "qAttached", "1", NULL }, /* so that gdb detaches, and does not kill, when it ends */
    { "qC", "QC1", NULL },
    { "qfThreadInfo", "m1", NULL },
    { "qsThreadInfo", "l", NULL },
    { "vCont?", "vCont;c;C;s;S", NULL },
    { "H", "OK", NULL }, /* one thread */
    { "T", "OK", NULL },
};

static void handle_query(struct gdb_stub *stub, const char *text)
{
    for (size_t i = 0; i < ARRAY_COUNT(queries); i++) {
        const size_t length = strlen(queries[i].prefix);
        if (strncmp(text, queries[i].prefix, length) != 0) {
            continue;
        }
        if (queries[i].handle != NULL) {
            queries[i].handle(stub, text + length);
        } else {
            reply(stub, queries[i].answer);
        }
        return;
    }
    reply(stub, "");
}

/* ---- packets ------------------------------------------------------------------------------------
 */

static enum gdb_action detach(struct gdb_stub *stub)
{
    stub->target->remove_all_points(stub->target->context);
    stub->is_attached = false;
    stub->is_no_ack = false;
    stub->owes_stop = false;
    stub->resume_signal = 0;
    return GDB_ACTION_DETACH;
}

static enum gdb_action handle_packet(struct gdb_stub *stub)
{
    const char *const text = stub->reader.payload;
    switch (text[0]) {
    case '?':
        reply_stop(stub);
        return GDB_ACTION_STAY;
    case 'g':
        handle_read_all(stub);
        return GDB_ACTION_STAY;
    case 'G':
        handle_write_all(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'p':
        handle_read_one(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'P':
        handle_write_one(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'm':
        handle_read_memory(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'M':
        handle_write_memory(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'X':
        handle_write_binary(stub, text + 1);
        return GDB_ACTION_STAY;
    case 'z':
    case 'Z':
        handle_point(stub, text + 1, text[0] == 'Z');
        return GDB_ACTION_STAY;
    case 'c':
    case 'C':
    case 's':
    case 'S':
        return handle_resume(stub, text);
    case 'D':
        reply(stub, "OK");
        return detach(stub);
    case 'k': /* no reply; a machine cannot be killed */
        return detach(stub);
    default:
        if (strncmp(text, "vCont;", 6) == 0) {
            return handle_vcont(stub, text + 6);
        }
        handle_query(stub, text);
        return GDB_ACTION_STAY;
    }
}

static void acknowledge(struct gdb_stub *stub, const char *how)
{
    /* A new session is in acknowledgement mode, whatever the last one agreed on. */
    if (!stub->is_no_ack || strncmp(stub->reader.payload, "qSupported", 10) == 0) {
        stub->target->send(stub->target->context, how, 1);
    }
}

enum gdb_action gdb_stub_feed(struct gdb_stub *stub, uint8_t byte)
{
    switch (gdb_packet_feed(&stub->reader, byte)) {
    case GDB_PACKET_WHOLE:
        acknowledge(stub, "+");
        stub->is_attached = true;
        return handle_packet(stub);
    case GDB_PACKET_BAD:
        stub->reader.payload[0] = '\0';
        acknowledge(stub, "-");
        break;
    case GDB_PACKET_TOO_LONG:
        stub->reader.payload[0] = '\0';
        acknowledge(stub, "+");
        reply_status(stub, K_ENOSPC);
        break;
    case GDB_PACKET_NACK:
        if (!stub->is_no_ack && stub->writer.length > 0) {
            stub->target->send(stub->target->context, stub->out, stub->writer.length);
        }
        break;
    case GDB_PACKET_NOTHING:
    case GDB_PACKET_ACK:
    case GDB_PACKET_BREAK: /* it stands already */
        break;
    }
    return GDB_ACTION_STAY;
}
