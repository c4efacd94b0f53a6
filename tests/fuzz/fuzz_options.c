/* SPDX-License-Identifier: GPL-2.0-only
 *
 * libFuzzer target for options: the first byte splits the rest into cmdline.txt and LoadOptions.
 * The result must be printable words joined by single spaces (outside of quotes), terminated, and
 * every lookup must point into it.
 */
#include <string.h>

#include "command_line.h"
#include "options.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const struct options *options)
{
    FUZZ_REQUIRE(options->length < OPTIONS_MAX_BYTES);
    FUZZ_REQUIRE(strlen(options->text) == options->length);
    int quoted = 0;
    for (size_t i = 0; i < options->length; i++) {
        const char c = options->text[i];
        FUZZ_REQUIRE(c >= ' ' && c <= '~');
        quoted ^= c == '"';
        const int last = i + 1 == options->length;
        FUZZ_REQUIRE(quoted || c != ' ' || (i > 0 && !last && options->text[i + 1] != ' '));
    }
    FUZZ_REQUIRE(!quoted);
}

static void check_lookup(const struct options *options, const char *name)
{
    struct command_line_word word;
    if (!command_line_find(options->text, name, &word)) {
        return;
    }
    FUZZ_REQUIRE(word.value >= options->text &&
                 word.value + word.value_length <= options->text + options->length);
    uint64_t size = 1;
    const enum kstatus status = command_line_parse_size(word.value, word.value_length, &size);
    FUZZ_REQUIRE(status == K_OK || status == K_EINVAL || status == K_EOVERFLOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static struct options options;
    if (size_bytes == 0) {
        return 0;
    }
    const size_t rest = size_bytes - 1;
    const size_t text_bytes = rest * data[0] / 255;
    options_init(&options);
    options_append_text(&options, data + 1, text_bytes);
    check_text(&options);
    options_append_load_options(&options, data + 1 + text_bytes, rest - text_bytes);
    check_text(&options);
    check_lookup(&options, "mem");
    check_lookup(&options, "a");
    return 0;
}
