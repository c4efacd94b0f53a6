/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See ps2_keyboard.h. Controller: IBM Personal System/2 Hardware Interface Technical Reference,
 * "Keyboard and Auxiliary Device Controller"; the keyboard's commands: the same, "Keyboard".
 */
#include "dev/ps2_keyboard.h"

#include <stddef.h>

#include <arch/cpu.h>
#include <arch/io.h>

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

/* A port read takes about a microsecond: 50 ms, which is more than a keyboard may take (20 ms). */
#define WAIT_POLLS  50000U
#define FLUSH_BYTES 32U

static uint8_t status(void)
{
    return x86_inb(PORT_COMMAND);
}

/* Waits until all bits of @p mask have the value @p wanted. */
static enum kstatus wait_for(uint8_t mask, uint8_t wanted)
{
    for (unsigned i = 0; i < WAIT_POLLS; i++) {
        if ((status() & mask) == wanted) {
            return K_OK;
        }
        arch_cpu_relax();
    }
    return K_ETIMEDOUT;
}

static enum kstatus send(uint16_t port, uint8_t byte)
{
    const enum kstatus ready = wait_for(STATUS_INPUT_FULL, 0);
    if (ready == K_OK) {
        x86_outb(port, byte);
    }
    return ready;
}

static enum kstatus receive(uint8_t *byte)
{
    const enum kstatus ready = wait_for(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL);
    if (ready == K_OK) {
        *byte = x86_inb(PORT_DATA);
    }
    return ready;
}

static void flush(void)
{
    for (unsigned i = 0; i < FLUSH_BYTES && (status() & STATUS_OUTPUT_FULL) != 0; i++) {
        (void)x86_inb(PORT_DATA); /* whatever was typed before */
    }
}

/* Interrupts off, translation on. What comes back to the first command may be a key typed before
 * the keyboard was disabled: flushed. */
static enum kstatus set_mode(void)
{
    uint8_t mode;
    enum kstatus done = send(PORT_COMMAND, COMMAND_DISABLE);
    if (done == K_OK) {
        done = send(PORT_COMMAND, COMMAND_DISABLE_AUX);
    }
    flush();
    if (done == K_OK) {
        done = send(PORT_COMMAND, COMMAND_READ_MODE);
    }
    if (done == K_OK) {
        done = receive(&mode);
    }
    if (done == K_OK) {
        done = send(PORT_COMMAND, COMMAND_WRITE_MODE);
    }
    if (done == K_OK) {
        const unsigned kept = mode & ~(MODE_INTERRUPTS | MODE_DISABLED);
        done = send(PORT_DATA, (uint8_t)(kept | MODE_TRANSLATE)); /* 8 bits */
    }
    return done == K_OK ? send(PORT_COMMAND, COMMAND_ENABLE) : done;
}

/* Tells the keyboard to send keys; a few may come before the answer. */
static enum kstatus enable_keyboard(void)
{
    uint8_t answer = 0;
    enum kstatus done = send(PORT_DATA, KEYBOARD_ENABLE);
    for (unsigned i = 0; i < 4 && done == K_OK && answer != KEYBOARD_ACK; i++) {
        done = receive(&answer);
    }
    return done == K_OK && answer != KEYBOARD_ACK ? K_ETIMEDOUT : done;
}

enum kstatus ps2_keyboard_init(struct ps2_keyboard *keyboard)
{
    *keyboard = (struct ps2_keyboard){ .present = false };
    if (status() == STATUS_NO_DEVICE) {
        return K_ENOENT;
    }
    enum kstatus done = set_mode();
    if (done == K_OK) {
        done = enable_keyboard();
    }
    keyboard->present = done == K_OK;
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
