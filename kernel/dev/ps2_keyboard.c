/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See ps2_keyboard.h. Controller: IBM Personal System/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"; the keyboard's commands: the same, "Keyboard".
 */
#include "dev/ps2_keyboard.h"

#include <stddef.h>

#include <arch/cpu.h>
#include <arch/io.h>

#include "lib/deadline.h"

#define PORT_DATA    0x60U
#define PORT_COMMAND 0x64U /* reads the status */

#define STATUS_OUTPUT_FULL 0x01U /* a byte can be read */
#define STATUS_INPUT_FULL  0x02U /* the last byte written was not taken yet */
#define STATUS_AUXILIARY   0x20U /* the byte is the mouse's */
#define STATUS_NO_DEVICE   0xffU /* nothing decodes the port */

#define COMMAND_READ_MODE   0x20U
#define COMMAND_WRITE_MODE  0x60U
#define COMMAND_DISABLE_AUX 0xa7U
#define COMMAND_DISABLE     0xadU
#define COMMAND_ENABLE      0xaeU

#define MODE_INTERRUPTS 0x03U /* of keyboard and mouse */
#define MODE_DISABLED   0x10U
#define MODE_TRANSLATE  0x40U /* to scancode set 1 */

#define KEYBOARD_ENABLE 0xf4U
#define KEYBOARD_ACK    0xfaU
#define KEYBOARD_RESEND 0xfeU /* it did not understand; controllers say it too where nobody is */

/* Linux gives a controller half a second and a keyboard 0.2 s. All waits together: one that
 * answers each time at the last moment must not hold up the boot. */
#define WAIT_MS     250U
#define WAIT_READS  50000U /* of about a microsecond, where no clock is known */
#define ALL_MS      1000U
#define ALL_READS   200000U
#define FLUSH_BYTES 32U
#define MODE_READS  10U
#define RESENDS     3U /* of a command */
#define KEYS_BEFORE 3U /* an answer */

struct patience {
    uint64_t tsc_hz;
    struct deadline all; /* of the waits */
};

static uint8_t status(void)
{
    return x86_inb(PORT_COMMAND);
}

/* Waits until all bits of @p mask have the value @p wanted. Looks once more when the time is over:
 * this CPU may have stood still meanwhile (SMM, hypervisor). */
static enum kstatus wait_for(struct patience *patience, uint8_t mask, uint8_t wanted)
{
    struct deadline deadline;
    bool is_over = false;
    deadline_set(&deadline, patience->tsc_hz, WAIT_MS, WAIT_READS);
    while ((status() & mask) != wanted) {
        if (is_over) {
            return K_ETIMEDOUT;
        }
        is_over = deadline_passed(&patience->all) || deadline_passed(&deadline);
        arch_cpu_relax();
    }
    return K_OK;
}

static enum kstatus send(struct patience *patience, uint16_t port, uint8_t byte)
{
    const enum kstatus ready = wait_for(patience, STATUS_INPUT_FULL, 0);
    if (ready == K_OK) {
        x86_outb(port, byte);
    }
    return ready;
}

static enum kstatus receive(struct patience *patience, uint8_t *byte)
{
    const enum kstatus ready = wait_for(patience, STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL);
    if (ready == K_OK) {
        *byte = x86_inb(PORT_DATA);
    }
    return ready;
}

/* Drops whatever was typed before. No controller has that much: where there is no end to it, other
 * things answer at the ports. */
static enum kstatus flush(void)
{
    for (unsigned i = 0; i < FLUSH_BYTES; i++) {
        if ((status() & STATUS_OUTPUT_FULL) == 0) {
            return K_OK;
        }
        (void)x86_inb(PORT_DATA); /* nobody waits for it any more */
    }
    return K_EIO;
}

/* A key that was on its way when the keyboard was disabled looks like the answer: the mode is what
 * two reads in a row agree on. */
static enum kstatus read_mode(struct patience *patience, uint8_t *mode)
{
    uint8_t before = 0;
    for (unsigned i = 0; i < MODE_READS; i++) {
        enum kstatus done = send(patience, PORT_COMMAND, COMMAND_READ_MODE);
        if (done == K_OK) {
            done = receive(patience, mode);
        }
        if (done != K_OK || (i > 0 && *mode == before)) {
            return done;
        }
        before = *mode;
    }
    return K_EIO;
}

/* Keyboard and mouse off, so that what comes is an answer. */
static enum kstatus silence(struct patience *patience)
{
    enum kstatus done = send(patience, PORT_COMMAND, COMMAND_DISABLE);
    if (done == K_OK) {
        done = send(patience, PORT_COMMAND, COMMAND_DISABLE_AUX);
    }
    return done == K_OK ? flush() : done;
}

/* Interrupts off, translation on. */
static enum kstatus set_mode(struct patience *patience)
{
    uint8_t mode = 0;
    enum kstatus done = silence(patience);
    if (done == K_OK) {
        done = read_mode(patience, &mode);
    }
    if (done == K_OK) {
        done = flush(); /* answers that a late key shifted */
    }
    if (done == K_OK) {
        done = send(patience, PORT_COMMAND, COMMAND_WRITE_MODE);
    }
    if (done == K_OK) {
        const unsigned kept = mode & ~(MODE_INTERRUPTS | MODE_DISABLED);
        done = send(patience, PORT_DATA, (uint8_t)(kept | MODE_TRANSLATE)); /* 8 bits */
    }
    return done == K_OK ? send(patience, PORT_COMMAND, COMMAND_ENABLE) : done;
}

/* Tells the keyboard to send keys; a few may come before the answer. @return its answer, or another
 * byte where none came */
static uint8_t ask_for_keys(struct patience *patience)
{
    uint8_t answer = 0;
    enum kstatus done = send(patience, PORT_DATA, KEYBOARD_ENABLE);
    for (unsigned i = 0; i <= KEYS_BEFORE && done == K_OK; i++) {
        done = receive(patience, &answer);
        if (answer == KEYBOARD_ACK || answer == KEYBOARD_RESEND) {
            break;
        }
    }
    return answer;
}

static bool enable_keyboard(struct patience *patience)
{
    uint8_t answer = ask_for_keys(patience);
    for (unsigned i = 0; i < RESENDS && answer == KEYBOARD_RESEND; i++) {
        answer = ask_for_keys(patience);
    }
    return answer == KEYBOARD_ACK;
}

enum kstatus ps2_keyboard_init(struct ps2_keyboard *keyboard, uint64_t tsc_hz)
{
    *keyboard = (struct ps2_keyboard){ .present = false };
    if (status() == STATUS_NO_DEVICE) {
        return K_ENOENT;
    }
    struct patience patience = { .tsc_hz = tsc_hz };
    deadline_set(&patience.all, tsc_hz, ALL_MS, ALL_READS);
    const enum kstatus done = set_mode(&patience);
    if (done == K_OK) {
        keyboard->answers = enable_keyboard(&patience);
        keyboard->present = true;
    }
    return done;
}

int ps2_keyboard_getc(struct ps2_keyboard *keyboard)
{
    if (!keyboard->present) {
        return -1;
    }
    for (unsigned i = 0; i < FLUSH_BYTES && keyboard->text_first == keyboard->text_end; i++) {
        const uint8_t now = status();
        if (now == STATUS_NO_DEVICE || (now & STATUS_OUTPUT_FULL) == 0) {
            return -1;
        }
        const uint8_t code = x86_inb(PORT_DATA);
        if ((now & STATUS_AUXILIARY) == 0) {
            keyboard->text_first = 0;
            keyboard->text_end =
                (uint8_t)ps2_scancodes_feed(&keyboard->keys, code, keyboard->text); /* at most 4 */
        }
    }
    if (keyboard->text_first == keyboard->text_end) {
        return -1;
    }
    return (uint8_t)keyboard->text[keyboard->text_first++];
}
