/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Entry of HOSTILE.EFI (hostile.h): reads its own options, loads the embedded BOOTX64.EFI, wraps
 * the services, starts the image. Returns what the image returned.
 */

#include "command_line.h"
#include "dev/serial8250.h"
#include "hostile.h"
#include "lib/string.h"
#include "mm/addr.h"
#include "options.h"

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

/* Linked in by loader_blob.S. */
extern uint8_t loader_blob_start[];
extern uint8_t loader_blob_end[];

#define OPTIONS_BYTES_MAX 4096U
#define JUNK_CHARACTERS   8U
#define UTF16_BOM         0xfeffU

struct hostile hostile;

/* The options of the started image, where they are not passed on as they are. */
static CHAR16 option_text[OPTIONS_BYTES_MAX / sizeof(CHAR16) + JUNK_CHARACTERS + 2];

void hostile_say(const char *text, const char *name)
{
    static struct serial8250 com1;
    static const struct serial8250_place place = SERIAL8250_PLACE_PORT(SERIAL8250_COM1);
    if (serial8250_probe(&com1, &place, 0) != K_OK) { /* set up by the firmware */
        return;
    }
    const char *const parts[] = { "hostile: ", text, name, "\n" };
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        serial8250_write(&com1, parts[i], strlen(parts[i]));
    }
}

static EFI_LOADED_IMAGE_PROTOCOL *loaded_image(EFI_HANDLE image)
{
    EFI_GUID guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    void *interface = NULL;
    return EFI_ERROR(hostile.real->HandleProtocol(image, &guid, &interface)) ? NULL : interface;
}

static enum kstatus read_plan(const EFI_LOADED_IMAGE_PROTOCOL *self)
{
    static struct options options;
    struct command_line_word word;
    options_init(&options);
    options_append_load_options(&options, self->LoadOptions, self->LoadOptionsSize);
    hostile_say("started with: ", options.text);
    if (!command_line_find(options.text, "hostile", &word)) {
        return K_OK; /* nothing is wrong with this firmware */
    }
    return hostile_plan_read(word.value, word.value_length);
}

/* LoadOptions as the plan wants them; they stay UTF-16. */
static void pass_options(const EFI_LOADED_IMAGE_PROTOCOL *self, EFI_LOADED_IMAGE_PROTOCOL *child)
{
    child->LoadOptions = self->LoadOptions;
    child->LoadOptionsSize = self->LoadOptionsSize;
    const bool odd = hostile_value(HOSTILE_ODD_OPTIONS) != 0;
    const bool unterminated = hostile_value(HOSTILE_UNTERMINATED) != 0;
    if ((!odd && !unterminated) || self->LoadOptionsSize > OPTIONS_BYTES_MAX) {
        return;
    }
    const CHAR16 *const from = self->LoadOptions;
    UINTN length = 0;
    if (odd) {
        option_text[length++] = UTF16_BOM;
    }
    for (UINTN i = 0; i < self->LoadOptionsSize / sizeof(CHAR16) && from[i] != 0; i++) {
        option_text[length++] = from[i];
    }
    for (UINTN i = 0; i < JUNK_CHARACTERS; i++) {
        option_text[length + i] = L'!'; /* read only by who runs past the end */
    }
    child->LoadOptions = option_text;
    child->LoadOptionsSize = (UINT32)(length * sizeof(CHAR16) + (odd ? 1 : 0));
}

static EFI_STATUS load(EFI_HANDLE self_handle, const EFI_LOADED_IMAGE_PROTOCOL *self,
                       EFI_HANDLE *child)
{
    const EFI_STATUS status =
        hostile.real->LoadImage(FALSE, self_handle, self->FilePath, loader_blob_start,
                                (UINTN)(loader_blob_end - loader_blob_start), child);
    EFI_LOADED_IMAGE_PROTOCOL *const image = EFI_ERROR(status) ? NULL : loaded_image(*child);
    if (image == NULL) {
        return EFI_LOAD_ERROR;
    }
    image->SystemTable = hostile.system; /* what the entry point gets */
    image->DeviceHandle = self->DeviceHandle;
    pass_options(self, image);
    return EFI_SUCCESS;
}

static EFI_STATUS fail(const char *what)
{
    hostile_say("cannot start: ", what);
    return EFI_ABORTED;
}

EFI_STATUS EFIAPI efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    hostile.real_system = system;
    hostile.real = system->BootServices;
    const EFI_LOADED_IMAGE_PROTOCOL *const self = loaded_image(image);
    if (self == NULL || read_plan(self) != K_OK) {
        return fail("no plan");
    }
    if (hostile_map_init() != K_OK || hostile_services_install() != K_OK) {
        return fail("no memory for the tables");
    }
    if (hostile_screen_init() != K_OK) {
        return fail("no place for the framebuffer");
    }
    EFI_HANDLE child = NULL;
    if (EFI_ERROR(load(image, self, &child))) {
        return fail("BOOTX64.EFI does not load");
    }
    if (hostile_squeeze() != K_OK) {
        return fail("no memory map");
    }
    if (hostile_protect(loaded_image(child)) != K_OK) {
        return fail("memory cannot be protected");
    }
    if (hostile_value(HOSTILE_FILL_VARIABLES) != 0) {
        hostile_variables_fill();
    }
    if (hostile_value(HOSTILE_LA57) != 0 && hostile_levels_add() != K_OK) {
        return fail("no 5-level paging");
    }
    const EFI_STATUS status = hostile.real->StartImage(child, NULL, NULL);
    hostile_levels_remove();
    return status;
}
