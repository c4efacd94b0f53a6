/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See monitor.h. The line editor takes care of what is typed, command.c of what it means. Typing
 * comes from the serial line and from the keyboard. Without a serial port, and without a keyboard
 * that has a screen, there is nobody to talk to: the CPU rests, after a last line that says so.
 */
#include "monitor/monitor.h"

#include <stddef.h>
#include <stdint.h>

#include <arch/cpu.h>

#include "arch/x86_64/power.h"
#include "console.h"
#include "monitor/command.h"
#include "monitor/line_editor.h"
#include "monitor/typing.h"

#define PROMPT  "firstlight> "
#define COLUMNS 80U /* of the terminal; wider ones do no harm */

static void echo(void *context, const char *text, size_t size_bytes)
{
    (void)context;
    console_write(text, size_bytes);
}

static const char *command_name(size_t index)
{
    return index < monitor_commands.count ? monitor_commands.commands[index].name : NULL;
}

static void handle_byte(struct line_editor *editor, uint8_t byte)
{
    switch (line_editor_feed(editor, byte)) {
    case LINE_EDITOR_NOTHING:
        return;
    case LINE_EDITOR_LINE:
        monitor_execute(line_editor_text(editor));
        break;
    case LINE_EDITOR_CANCELLED:
        break;
    case LINE_EDITOR_TOO_LONG:
        console_printf("line too long: dropped\n");
        break;
    }
    line_editor_prompt(editor);
}

static struct typing who_can_type(void)
{
    return (struct typing){
        .serial = console_has_serial(),
        .keyboard = console_has_keyboard(),
        .keyboard_answers = console_keyboard_answers(),
        .screen = console_takes_screen(),
    };
}

const char *monitor_hint(void)
{
    const struct typing typing = who_can_type();
    return typing_hint(&typing);
}

/* A prompt that nobody can answer would look like a hang. */
static void stop_without_typist(void)
{
    const struct typing typing = who_can_type();
    if (!typing_is_possible(&typing)) {
        console_printf("firstlight: no keyboard that this kernel can read (PS/2 only) and no "
                       "serial line: halted; switch the machine off\n");
        power_halt();
    }
}

void monitor_run(void)
{
    static struct line_editor editor;
    struct line_view view;
    stop_without_typist();
    line_view_init(&view, echo, NULL, PROMPT, COLUMNS);
    line_editor_init(&editor, &view, command_name);
    line_editor_prompt(&editor);
    for (;;) {
        const int byte = monitor_read_byte();
        if (byte >= 0) {
            handle_byte(&editor, (uint8_t)byte);
        } else {
            arch_cpu_relax();
        }
    }
}
