/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See log_output.h. The struct is always fit to go on from: `sent` moves only when bytes are out,
 * `next` when a line is in place. Whoever takes over in the middle of a call (a panic) repeats at
 * most what the last put() was about.
 */
#include "log_output.h"

#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "printk.h"

/* "[    1.234567] ", or ticks where the frequency is not known. */
static size_t put_stamp(uint64_t stamp, const struct log_clock *clock, char line[LOG_LINE_BYTES])
{
    const uint64_t ticks = stamp > clock->base_ticks ? stamp - clock->base_ticks : 0;
    if (clock->ticks_per_second == 0) {
        return format_text(line, LOG_LINE_BYTES, "[%12" FMTu64 "] ", ticks);
    }
    const uint64_t seconds = ticks / clock->ticks_per_second;
    const uint64_t rest = ticks % clock->ticks_per_second;
    return format_text(line, LOG_LINE_BYTES, "[%5" FMTu64 ".%06" FMTu64 "] ", seconds,
                       rest * 1000000U / clock->ticks_per_second);
}

static const char *level_word(unsigned level)
{
    static const char *const words[] = {
        [LOG_LEVEL_EMERGENCY] = "PANIC: ",
        [LOG_LEVEL_ERROR] = "error: ",
        [LOG_LEVEL_WARNING] = "warning: ",
    };
    return level < ARRAY_COUNT(words) && words[level] != NULL ? words[level] : "";
}

size_t log_format_line(const struct log_record *record, const struct log_clock *clock,
                       const char *line_end, char line[LOG_LINE_BYTES])
{
    size_t length = record->is_plain ? 0 : put_stamp(record->stamp, clock, line);
    const char *const word = record->is_plain ? "" : level_word(record->level);
    length += format_text(line + length, LOG_LINE_BYTES - length, "%s", word);
    for (uint32_t i = 0; i < record->length; i++) {
        const char c = record->text[i];
        line[length++] = c;
        if ((uint8_t)c < ' ' || c == 0x7f) {
            line[length - 1] = '?';
        }
    }
    /* Stamp at most 23 bytes, word 9, end 2 and the NUL: it fits. */
    return length + format_text(line + length, LOG_LINE_BYTES - length, "%s", line_end);
}

/* Finds the next record there is. @return false where there is none (yet) */
static bool read_next(struct log_output *output, const struct log_ring *ring,
                      struct log_record *record, uint64_t *next)
{
    for (;;) {
        const enum log_read result = log_ring_read(ring, output->next, record, next);
        if (result == LOG_READ_OK) {
            return true;
        }
        if (result == LOG_READ_NOT_YET) {
            return false;
        }
        output->missed += result == LOG_READ_GONE ? 1 : 0;
        output->next = result == LOG_READ_GONE ? log_ring_oldest(ring) : output->next + 1;
    }
}

/* Puts the next line in place. @return whether there was one to show */
static bool load_line(struct log_output *output, const struct log_ring *ring, int level,
                      const struct log_clock *clock)
{
    struct log_record record;
    uint64_t next;
    while (read_next(output, ring, &record, &next)) {
        const bool shown = record.level <= level;
        const size_t length =
            shown ? log_format_line(&record, clock, output->line_end, output->line) : 0;
        output->next = next;
        output->sent = 0;
        output->length = length;
        if (shown) {
            return true;
        }
    }
    return false;
}

bool log_output_pump(struct log_output *output, const struct log_ring *ring, int level,
                     const struct log_clock *clock)
{
    while (output->sent < output->length || load_line(output, ring, level, clock)) {
        const size_t want = bits_min(output->length - output->sent, output->chunk_bytes);
        const size_t taken = output->put(output->line + output->sent, want);
        output->sent += taken;
        if (taken < want) {
            return false;
        }
    }
    return true;
}

bool log_output_skip(struct log_output *output, const struct log_ring *ring)
{
    struct log_record record;
    uint64_t next;
    if (!read_next(output, ring, &record, &next)) {
        return false;
    }
    output->next = next;
    output->missed++;
    return true;
}
