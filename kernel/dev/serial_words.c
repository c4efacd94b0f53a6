/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See serial_words.h. A value is parts between commas. Stateless.
 */
#include "dev/serial_words.h"

#include <stdint.h>

#include "command_line.h"
#include "lib/compiler.h"
#include "lib/string.h"

struct part {
    const char *text;
    size_t length;
};

/* Takes the part before the next comma. @return false where nothing is left */
static bool next_part(struct part *rest, struct part *part)
{
    if (rest->text == NULL) {
        return false;
    }
    size_t length = 0;
    while (length < rest->length && rest->text[length] != ',') {
        length++;
    }
    *part = (struct part){ rest->text, length };
    const bool has_more = length < rest->length;
    *rest = has_more ? (struct part){ rest->text + length + 1, rest->length - length - 1 }
                     : (struct part){ NULL, 0 };
    return true;
}

static bool part_is(const struct part *part, const char *text)
{
    return part->length == strlen(text) && memcmp(part->text, text, part->length) == 0;
}

/* "115200", "115200n8"; nothing but 8 bits without parity. */
static enum kstatus read_baud(const struct part *part, uint32_t *baud)
{
    size_t length = part->length;
    if (length >= 2 && memcmp(part->text + length - 2, "n8", 2) == 0) {
        length -= 2;
    }
    uint64_t value;
    if (command_line_parse_u64(part->text, length, &value) != K_OK || value == 0 ||
        value > SERIAL8250_BAUD_MAX) {
        return K_EINVAL;
    }
    *baud = (uint32_t)value; /* checked */
    return K_OK;
}

/* What is left is nothing, or a baud rate. */
static enum kstatus read_end(struct part *rest, struct serial8250_place *place)
{
    struct part part;
    if (next_part(rest, &part) && (read_baud(&part, &place->baud) != K_OK || rest->text != NULL)) {
        return K_EINVAL;
    }
    return serial8250_place_is_sound(place) ? K_OK : K_EINVAL;
}

enum kstatus serial_words_earlycon(const char *text, size_t length, struct serial8250_place *place)
{
    static const struct {
        const char *name;
        struct serial8250_place shape;
    } kinds[] = {
        { "io", { .baud = SERIAL8250_BAUD_MAX, .stride_bytes = 1, .width_bytes = 1 } },
        { "mmio", { .is_mmio = true, .stride_bytes = 1, .width_bytes = 1 } },
        { "mmio32", { .is_mmio = true, .stride_bytes = 4, .width_bytes = 4 } },
    };
    struct part rest = { text, length };
    struct part part;
    if (!next_part(&rest, &part) || (part_is(&part, "uart8250") && !next_part(&rest, &part))) {
        return K_EINVAL;
    }
    size_t kind = 0;
    while (kind < ARRAY_COUNT(kinds) && !part_is(&part, kinds[kind].name)) {
        kind++;
    }
    if (kind == ARRAY_COUNT(kinds)) {
        return K_EINVAL;
    }
    *place = kinds[kind].shape;
    if (!next_part(&rest, &part) ||
        command_line_parse_u64(part.text, part.length, &place->base) != K_OK) {
        return K_EINVAL;
    }
    return read_end(&rest, place);
}

enum kstatus serial_words_console(const char *text, size_t length, struct serial8250_place *place)
{
    static const uint16_t ports[] = { SERIAL8250_COM1, SERIAL8250_COM2, SERIAL8250_COM3,
                                      SERIAL8250_COM4 };
    struct part rest = { text, length };
    struct part part;
    if (!next_part(&rest, &part) || part.length < 4 || memcmp(part.text, "ttyS", 4) != 0) {
        return K_ENOENT;
    }
    const unsigned index = part.length == 5 ? (unsigned)(part.text[4] - '0') : UINT32_MAX;
    if (index >= ARRAY_COUNT(ports)) {
        return K_EINVAL;
    }
    *place = (struct serial8250_place)SERIAL8250_PLACE_PORT(ports[index]);
    return read_end(&rest, place);
}
