/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader's side of the black box (boot.h, shared/black_box.h): finds a place that a warm reset
 * leaves alone, tells what the last boot wrote there, and writes down each step and line of this
 * one. Without a place the boot goes on without.
 *
 * A place must be the same at every boot, so it is not the allocator's choice: the ends of a few
 * powers of two, each where firmware seldom has anything of its own. All of them are read, and the
 * first that the firmware gives is used.
 *
 * With `blackbox=efi` one small variable says, behind the last step before the exit, that this boot
 * came so far: for machines whose firmware clears memory. The kernel never touches variables.
 */
#include <arch/physmap.h>

#include "black_box_record.h"
#include "boot.h"
#include "command_line.h"
#include "efi_console.h"
#include "lib/bits.h"
#include "lib/format.h"
#include "lib/printable.h"
#include "lib/string.h"
#include "stand_in_memory.h"

#define TAIL_LINES         3U
#define VARIABLE_VERSION   2U
#define VARIABLE_ATTRIBUTE (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS)

/* What the variable holds. */
struct variable {
    uint64_t box; /* physical address, 0: none */
    uint32_t version;
    uint32_t step;
    char name[BLACK_BOX_NAME_BYTES]; /* of the step */
};

static const uint64_t place_ends[] = {
    UINT64_C(8) << 20,  UINT64_C(16) << 20,  UINT64_C(32) << 20,
    UINT64_C(64) << 20, UINT64_C(128) << 20,
};

/* Where this boot writes; 0: nowhere. */
static phys_addr_t box;

static void *region_at(phys_addr_t place)
{
    return physmap_ptr(place, BLACK_BOX_BYTES);
}

/* What the plan has to say comes while other memory stands in for the box's. */
static void put_line(const char *text, size_t size_bytes)
{
    struct stand_in_memory *const stand_in = stand_in_memory_use(NULL);
    black_box_append(region_at(box), text, size_bytes);
    (void)stand_in_memory_use(stand_in);
}

/* ---- the last boot ------------------------------------------------------------------------------
 */

/* The start of the last `lines` lines of a text. */
static size_t tail_of(const char *text, size_t size_bytes, uint32_t lines)
{
    size_t at = size_bytes;
    while (at > 0 && (text[at - 1] != '\n' || at == size_bytes || --lines > 0)) {
        at--;
    }
    return at;
}

/* Lines end as they ended; what a terminal could take for a command becomes a '?'. */
static void keep_tail(struct boot_black_box *state, const char *text, size_t size_bytes)
{
    size_t at = tail_of(text, size_bytes, TAIL_LINES);
    at = bits_max(at, size_bytes - bits_min(size_bytes, sizeof(state->tail) - 1));
    size_t length = 0;
    for (; at < size_bytes; at++) {
        const char c = text[at];
        state->tail[length] = c;
        if (c != '\n') {
            state->tail[length] = printable((uint8_t)c); /* as a byte */
        }
        length++;
    }
    state->tail[length] = '\0';
}

static void take_record(struct boot_black_box *state, const void *region)
{
    struct black_box header;
    memcpy(&header, region, sizeof(header));
    if (header.now.step == 0) {
        return;
    }
    state->last = header.now;
    size_t size_bytes;
    const char *const text = black_box_text(region, &size_bytes);
    keep_tail(state, text, size_bytes);
}

static void print_tail(const char *tail)
{
    while (*tail != '\0') {
        size_t length = 0;
        while (tail[length] != '\0' && tail[length] != '\n') {
            length++;
        }
        efi_console_print("black box: | %.*s", (int)length, tail); /* a tail is short */
        tail += length + (tail[length] == '\n' ? 1 : 0);
    }
}

static EFI_STATUS read_variable(const struct boot *boot, struct variable *value)
{
    static CHAR16 name[] = L"FirstlightBlackBox";
    EFI_GUID guid = BOOT_BLACK_BOX_GUID;
    UINTN size = sizeof(*value);
    const EFI_STATUS status =
        boot->system->RuntimeServices->GetVariable(name, &guid, NULL, &size, value);
    return !EFI_ERROR(status) && size != sizeof(*value) ? EFI_NOT_FOUND : status;
}

/* The variable is the firmware's to keep: anything may stand there. */
static void take_variable(const struct boot *boot, struct black_box_mark *mark)
{
    struct variable value = { .version = 0 };
    if (EFI_ERROR(read_variable(boot, &value)) || value.version != VARIABLE_VERSION) {
        return;
    }
    *mark = (struct black_box_mark){ .step = value.step, .state = BLACK_BOX_LEFT_FIRMWARE };
    for (size_t i = 0; i + 1 < sizeof(mark->name) && value.name[i] != '\0'; i++) {
        mark->name[i] = printable((uint8_t)value.name[i]); /* as a byte */
    }
}

static void print_last(const struct boot_black_box *state)
{
    if (state->last.step != 0 && state->last.state == BLACK_BOX_LEFT_FIRMWARE) {
        efi_console_print("black box: memory kept no record; an earlier boot left the firmware at "
                          "step %u: %s",
                          state->last.step, state->last.name);
    } else if (state->last.step != 0) {
        efi_console_print("black box: the last boot %s at step %u: %s",
                          black_box_verb((enum black_box_state)state->last.state), state->last.step,
                          state->last.name);
        if (state->last.state != BLACK_BOX_AT_PROMPT) {
            print_tail(state->tail);
        }
    } else {
        efi_console_print("black box: no record of an earlier boot");
    }
}

/* ---- this boot ----------------------------------------------------------------------------------
 */

static bool take_place(struct boot *boot, phys_addr_t place)
{
    const struct efi_alloc_request request = { .pages = BLACK_BOX_BYTES >> PAGE_SHIFT,
                                               .alignment_bytes = PAGE_SIZE,
                                               .purpose = BOOTINFO_PURPOSE_BLACK_BOX,
                                               .lifetime = BOOTINFO_LIFETIME_KERNEL };
    return efi_alloc_pages_at(&boot->alloc, &request, place) == K_OK;
}

/* Reads a place, before firmware that fills what it gives can; takes it where this boot has none
 * yet. A record is told once: in a place that is not used again a later boot would take it for its
 * own last. */
static void visit(struct boot *boot, phys_addr_t place)
{
    const bool is_record = black_box_is_whole(region_at(place));
    if (is_record && boot->black_box.last.step == 0) {
        take_record(&boot->black_box, region_at(place));
    }
    if ((box.value != 0 && !is_record) || !take_place(boot, place)) {
        return;
    }
    black_box_erase(region_at(place));
    if (box.value == 0) {
        box = place;
    } else {
        efi_alloc_free(&boot->alloc, place);
    }
}

static void visit_places(struct boot *boot)
{
    struct efi_map_copy copy;
    if (efi_alloc_read_map(boot->services, &copy) != K_OK) {
        return;
    }
    for (size_t i = 0; i < ARRAY_COUNT(place_ends); i++) {
        const phys_addr_t place = phys_addr(place_ends[i] - BLACK_BOX_BYTES);
        if (efi_alloc_is_free(&copy.map, place, BLACK_BOX_BYTES >> PAGE_SHIFT)) {
            visit(boot, place);
        }
    }
    efi_alloc_release_map(boot->services, &copy);
}

void boot_open_black_box(struct boot *boot)
{
    visit_places(boot);
    if (boot->black_box.last.step == 0) {
        take_variable(boot, &boot->black_box.last);
    }
    print_last(&boot->black_box);
    if (box.value == 0) {
        efi_console_print("black box: none: the firmware gives no place for one");
        return;
    }
    black_box_begin(region_at(box), &boot->black_box.last);
    boot_note_step(boot);
    efi_console_set_copy(put_line);
}

void boot_note_step(const struct boot *boot)
{
    if (box.value != 0) {
        black_box_step(region_at(box), boot->step, boot->step_name);
    }
}

void boot_close_black_box(void)
{
    if (box.value == 0) {
        return;
    }
    efi_console_set_copy(NULL);
    black_box_set_state(region_at(box), BLACK_BOX_AT_PROMPT);
    box = phys_addr(0);
}

void boot_write_variable(const struct boot *boot)
{
    static CHAR16 name[] = L"FirstlightBlackBox";
    EFI_GUID guid = BOOT_BLACK_BOX_GUID;
    struct command_line_word word;
    struct variable value = { .box = box.value, .version = VARIABLE_VERSION, .step = boot->step };
    if (!command_line_find(boot->options.text, "blackbox", &word) ||
        !command_line_value_is(&word, "efi")) {
        return;
    }
    memcpy(value.name, boot->step_name, bits_min(strlen(boot->step_name), sizeof(value.name) - 1));
    const EFI_STATUS status = boot->system->RuntimeServices->SetVariable(
        name, &guid, VARIABLE_ATTRIBUTE, sizeof(value), &value);
    if (EFI_ERROR(status)) {
        efi_console_print("warning: black box: the firmware does not keep the variable (0x%" FMTx64
                          ")",
                          (uint64_t)status);
    }
}
