/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See access_commands.h.
 */
#include "monitor/access_commands.h"

#include "console.h"
#include "lib/format.h"
#include "lockdown.h"
#include "mm/addr.h"
#include "monitor/arguments.h"
#include "monitor/command.h"
#include "monitor/memory_access.h"

#define DEFAULT_WIDTH 8U
#define DUMP_BYTES    UINT64_C(256)
#define ROW_BYTES     16U

/* A last, optional word: 1, 2, 4 or 8. */
static enum kstatus read_width(const char **cursor, unsigned *width_bytes)
{
    uint64_t width = DEFAULT_WIDTH;
    if (argument_is_end(*cursor)) {
        *width_bytes = DEFAULT_WIDTH;
        return K_OK;
    }
    const enum kstatus status = argument_u64(cursor, &width);
    if (status != K_OK) {
        return status;
    }
    if (!bits_is_power_of_two(width) || width > 8 || !argument_is_end(*cursor)) {
        return K_EINVAL;
    }
    *width_bytes = (unsigned)width; /* at most 8 */
    return K_OK;
}

static void print_address(const struct monitor_address *address)
{
    console_printf("%s" PRIphys, address->physical ? "p:" : "", address->value);
}

static void print_failure(const struct monitor_address *address, const char *what,
                          enum kstatus status)
{
    console_printf("cannot %s ", what);
    print_address(address);
    console_printf(": %s\n", memory_access_error(status));
}

static void print_value(uint64_t value, unsigned width_bytes)
{
    console_printf("%0*" FMTx64, (int)(2 * width_bytes), value); /* 2..16 */
}

void peek_command(const char *argument)
{
    struct monitor_address address;
    unsigned width_bytes;
    uint64_t value;
    if (argument_address(&argument, &address) != K_OK ||
        read_width(&argument, &width_bytes) != K_OK) {
        monitor_usage("peek");
        return;
    }
    const enum kstatus status = memory_read(&address, width_bytes, &value);
    if (status != K_OK) {
        print_failure(&address, "read", status);
        return;
    }
    print_address(&address);
    console_printf(": 0x");
    print_value(value, width_bytes);
    console_printf("\n");
}

void poke_command(const char *argument)
{
    struct monitor_address address;
    unsigned width_bytes;
    uint64_t value;
    if (lockdown_refuses("poke")) {
        return;
    }
    if (argument_address(&argument, &address) != K_OK || argument_hex(&argument, &value) != K_OK ||
        read_width(&argument, &width_bytes) != K_OK) {
        monitor_usage("poke");
        return;
    }
    if ((value & ~bits_mask(8 * width_bytes)) != 0) {
        console_printf("the value has more than %u bytes\n", width_bytes);
        return;
    }
    const enum kstatus status = memory_write(&address, width_bytes, value);
    if (status != K_OK) {
        print_failure(&address, "write", status);
        return;
    }
    console_printf("written\n");
}

/* ---- dump --------------------------------------------------------------------------------------
 */

struct dump_row {
    char text[ROW_BYTES + 1];
    unsigned filled;
};

/* The value's bytes as they lie in memory, as characters. */
static void add_text(struct dump_row *row, uint64_t value, unsigned width_bytes, bool readable)
{
    for (unsigned i = 0; i < width_bytes; i++) {
        const char c = (char)(value >> 8 * i & 0xff); /* one byte */
        row->text[row->filled] = '.';
        if (readable && c >= ' ' && c <= '~') {
            row->text[row->filled] = c;
        }
        row->filled++;
    }
    row->text[row->filled] = '\0';
}

/* One row from @p address; @return whether anything in it could be read */
static bool dump_row(struct monitor_address address, uint64_t size_bytes, unsigned width_bytes)
{
    static const char unreadable[] = "????????????????";
    struct dump_row row = { .filled = 0 };
    bool any = false;
    print_address(&address);
    console_printf(":");
    for (unsigned at = 0; at < ROW_BYTES && at < size_bytes; at += width_bytes) {
        uint64_t value = 0;
        const bool readable = memory_read(&address, width_bytes, &value) == K_OK;
        console_printf(" ");
        if (readable) {
            print_value(value, width_bytes);
        } else {
            console_printf("%.*s", (int)(2 * width_bytes), unreadable); /* 2..16 */
        }
        add_text(&row, value, width_bytes, readable);
        any = any || readable;
        address.value += width_bytes;
    }
    console_printf("  %s\n", row.text);
    return any;
}

static void dump(struct monitor_address address, uint64_t size_bytes, unsigned width_bytes)
{
    bool any = false;
    for (uint64_t at = 0; at < size_bytes && !monitor_interrupted(); at += ROW_BYTES) {
        any = dump_row(address, size_bytes - at, width_bytes) || any;
        address.value += ROW_BYTES;
    }
    if (!any) {
        console_printf("nothing there can be read\n");
    }
}

void dump_command(const char *argument)
{
    struct monitor_address address;
    uint64_t size_bytes = DUMP_BYTES;
    unsigned width_bytes = 1;
    uint64_t last;
    enum kstatus status = argument_address(&argument, &address);
    if (status == K_OK && !argument_is_end(argument)) {
        status = argument_size(&argument, &size_bytes);
        if (status == K_OK && !argument_is_end(argument)) {
            status = read_width(&argument, &width_bytes);
        }
    }
    if (status != K_OK || size_bytes == 0) {
        monitor_usage("dump");
        return;
    }
    size_bytes = bits_align_down(size_bytes - 1, width_bytes) + width_bytes; /* whole accesses */
    if (size_bytes == 0 || __builtin_add_overflow(address.value, size_bytes - 1, &last)) {
        console_printf("that passes the end of the address space\n");
        return;
    }
    dump(address, size_bytes, width_bytes);
}
