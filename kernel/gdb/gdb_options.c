/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See gdb_options.h. No state.
 */
#include "gdb/gdb_options.h"

#include <string.h>

#define PORT_NAME   "ttyS"
#define PORT_LENGTH (sizeof(PORT_NAME) - 1)

/* Whether @p text begins with @p word, which ends there or before a comma. */
static bool takes(const char **text, const char *end, const char *word)
{
    const size_t length = strlen(word);
    if ((size_t)(end - *text) < length || strncmp(*text, word, length) != 0 ||
        (*text + length != end && (*text)[length] != ',')) {
        return false;
    }
    *text += length;
    return true;
}

enum kstatus gdb_options_parse(const char *text, size_t length, struct gdb_options *options)
{
    const char *const end = text + length;
    struct gdb_options read = { .wait = false };
    if (length <= PORT_LENGTH || strncmp(text, PORT_NAME, PORT_LENGTH) != 0 ||
        text[PORT_LENGTH] < '0' || text[PORT_LENGTH] > '3') {
        return K_EINVAL;
    }
    read.port_index = (uint32_t)(text[PORT_LENGTH] - '0');
    text += PORT_LENGTH + 1;
    while (text < end) {
        if (*text++ != ',') {
            return K_EINVAL;
        }
        if (takes(&text, end, "wait")) {
            read.wait = true;
        } else if (!takes(&text, end, "115200") && !takes(&text, end, "115200n8")) {
            return K_EINVAL;
        }
    }
    *options = read;
    return K_OK;
}
