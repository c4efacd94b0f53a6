/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_gdb.h.
 */
#include "tests/fake/fake_gdb.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What the stub sends is one `+` or `-`, or one well-formed packet. */
static void check_sent(struct fake_gdb *fake, const char *bytes, size_t size_bytes)
{
    if (size_bytes == 1) {
        require(bytes[0] == '+' || bytes[0] == '-');
        return;
    }
    require(size_bytes >= 4 && size_bytes <= GDB_PACKET_WIRE_BYTES);
    require(bytes[0] == '$' && bytes[size_bytes - 3] == '#');
    uint8_t sum = 0;
    for (size_t i = 1; i < size_bytes - 3; i++) {
        require(bytes[i] != '$' && bytes[i] != '#');
        sum = (uint8_t)(sum + (uint8_t)bytes[i]);
    }
    uint8_t told;
    require(gdb_hex_bytes(bytes + size_bytes - 2, &told, 1) == K_OK && told == sum);
    fake->packets++;
}

static void send(void *context, const char *bytes, size_t size_bytes)
{
    struct fake_gdb *const fake = context;
    check_sent(fake, bytes, size_bytes);
    const size_t room = FAKE_GDB_SENT_BYTES - fake->sent_bytes;
    const size_t taken = size_bytes < room ? size_bytes : room;
    memcpy(fake->sent + fake->sent_bytes, bytes, taken);
    fake->sent_bytes += taken;
    fake->sent[fake->sent_bytes] = '\0';
}

static bool is_available(unsigned number)
{
    require(number < GDB_REGISTER_COUNT);
    return number < GDB_REGISTER_X87_FIRST || number >= GDB_REGISTER_FS_BASE;
}

static enum kstatus read_register(void *context, unsigned number, uint64_t *value)
{
    const struct fake_gdb *const fake = context;
    if (!is_available(number)) {
        return K_ENOENT;
    }
    *value = fake->registers[number];
    return K_OK;
}

static enum kstatus write_register(void *context, unsigned number, uint64_t value)
{
    struct fake_gdb *const fake = context;
    if (!is_available(number)) {
        return K_ENOENT;
    }
    if (number == GDB_REGISTER_CR3) {
        return K_EPERM;
    }
    fake->registers[number] = value;
    return K_OK;
}

/* Bytes of [address, address + size) from its start on that lie in memory, at most @p limit. */
static size_t bytes_in_memory(uint64_t address, size_t size_bytes, size_t limit)
{
    const uint64_t offset = address - FAKE_GDB_MEMORY_START;
    if (offset >= limit) {
        return 0;
    }
    return size_bytes < limit - offset ? size_bytes : (size_t)(limit - offset);
}

static size_t read_memory(void *context, uint64_t address, uint8_t *bytes, size_t size_bytes)
{
    const struct fake_gdb *const fake = context;
    require(size_bytes <= GDB_PACKET_BYTES);
    const size_t got = bytes_in_memory(address, size_bytes, FAKE_GDB_MEMORY_BYTES);
    for (size_t i = 0; i < got; i++) {
        bytes[i] = fake->memory[address - FAKE_GDB_MEMORY_START + i];
    }
    return got;
}

static enum kstatus write_memory(void *context, uint64_t address, const uint8_t *bytes,
                                 size_t size_bytes)
{
    struct fake_gdb *const fake = context;
    require(size_bytes <= GDB_PACKET_BYTES);
    const size_t fits =
        bytes_in_memory(address, size_bytes, FAKE_GDB_MEMORY_BYTES - FAKE_GDB_READ_ONLY);
    for (size_t i = 0; i < fits; i++) {
        fake->memory[address - FAKE_GDB_MEMORY_START + i] = bytes[i];
    }
    return fits == size_bytes ? K_OK : K_EFAULT;
}

static struct fake_gdb_point *find_point(struct fake_gdb *fake, const struct fake_gdb_point *wanted)
{
    for (size_t i = 0; i < FAKE_GDB_POINTS; i++) {
        struct fake_gdb_point *const point = &fake->points[i];
        if (point->is_set == wanted->is_set &&
            (!wanted->is_set || (point->kind == wanted->kind && point->address == wanted->address &&
                                 point->size_bytes == wanted->size_bytes))) {
            return point;
        }
    }
    return NULL;
}

static enum kstatus insert_point(void *context, enum gdb_point kind, uint64_t address,
                                 uint64_t size_bytes)
{
    const struct fake_gdb_point wanted = { true, kind, address, size_bytes };
    const struct fake_gdb_point unused = { .is_set = false };
    require(kind <= GDB_POINT_ACCESS);
    if (find_point(context, &wanted) != NULL) {
        return K_OK;
    }
    struct fake_gdb_point *const point = find_point(context, &unused);
    if (point == NULL) {
        return K_ENOSPC;
    }
    *point = wanted;
    return K_OK;
}

static void remove_point(void *context, enum gdb_point kind, uint64_t address, uint64_t size_bytes)
{
    const struct fake_gdb_point wanted = { true, kind, address, size_bytes };
    struct fake_gdb_point *const point = find_point(context, &wanted);
    if (point != NULL) {
        point->is_set = false;
    }
}

static void remove_all_points(void *context)
{
    struct fake_gdb *const fake = context;
    memset(fake->points, 0, sizeof(fake->points));
}

static void monitor(void *context, const char *line)
{
    struct fake_gdb *const fake = context;
    require(strlen(line) < sizeof(fake->monitor_line));
    strcpy(fake->monitor_line, line);
    if (fake->monitor_answer != NULL) {
        gdb_stub_monitor_output(&fake->stub, fake->monitor_answer, strlen(fake->monitor_answer));
    }
}

static const struct gdb_target ops = {
    .send = send,
    .read_register = read_register,
    .write_register = write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .insert_point = insert_point,
    .remove_point = remove_point,
    .remove_all_points = remove_all_points,
    .monitor = monitor,
};

void fake_gdb_init(struct fake_gdb *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->target = ops;
    fake->target.context = fake;
    gdb_stub_init(&fake->stub, &fake->target, FAKE_GDB_MEMORY_START);
}

void fake_gdb_clear(struct fake_gdb *fake)
{
    fake->sent_bytes = 0;
    fake->sent[0] = '\0';
}

enum gdb_action fake_gdb_feed(struct fake_gdb *fake, const void *bytes, size_t size_bytes)
{
    enum gdb_action last = GDB_ACTION_STAY;
    for (size_t i = 0; i < size_bytes; i++) {
        const enum gdb_action action = gdb_stub_feed(&fake->stub, ((const uint8_t *)bytes)[i]);
        last = action == GDB_ACTION_STAY ? last : action;
    }
    return last;
}

enum gdb_action fake_gdb_packet(struct fake_gdb *fake, const void *payload, size_t size_bytes)
{
    uint8_t sum = 0;
    enum gdb_action last = fake_gdb_feed(fake, "$", 1);
    for (size_t i = 0; i < size_bytes; i++) {
        uint8_t byte = ((const uint8_t *)payload)[i];
        if (byte == '#' || byte == '$' || byte == '}') {
            (void)fake_gdb_feed(fake, "}", 1); /* inside a packet: nothing happens */
            sum = (uint8_t)(sum + '}');
            byte ^= 0x20U;
        }
        sum = (uint8_t)(sum + byte);
        (void)fake_gdb_feed(fake, &byte, 1);
    }
    static const char digits[] = "0123456789abcdef";
    const char end[] = { '#', digits[sum >> 4], digits[sum & 15] };
    const enum gdb_action action = fake_gdb_feed(fake, end, sizeof(end));
    return action == GDB_ACTION_STAY ? last : action;
}
