/* SPDX-License-Identifier: GPL-2.0-only
 *
 * What the scripted firmware knows besides memory and files (fake_efi_internal.h): consoles, COM1,
 * the screen, variables, protocols by handle, time, reset.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fake/efi/fake_efi_internal.h"
#include "tests/fake/fake_cpu.h"
#include "tests/fake/fake_io.h"

#define COM1            0x3f8U
#define UART_REGISTERS  8U
#define UART_DATA       0U
#define UART_MODEM      4U
#define MODEM_LOOPBACK  0x10U
#define UART_STATUS     5U
#define UART_SCRATCH    7U
#define STATUS_IDLE     0x60U
#define STATUS_READY    0x01U
#define EARLY_KEYS      10U
#define TICKS_EACH_POLL (FAKE_EFI_TSC_HZ / 1000) /* a read of the line status costs 1 ms */

static struct {
    uint8_t scratch;
    bool byte_waits;
    bool loopback;
    uint32_t looped; /* characters that came back */
    uint32_t early_keys;
    uint32_t typed; /* characters of the script */
    uint64_t last_print_tsc;
    struct fake_io_device uart;
    SIMPLE_TEXT_OUTPUT_INTERFACE conout;
    SIMPLE_INPUT_INTERFACE conin;
    EFI_BOOT_SERVICES *boot_services;
    EFI_GRAPHICS_OUTPUT_PROTOCOL screen;
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE screen_mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION screen_info;
    EFI_LOADED_IMAGE_PROTOCOL loaded_image;
    bool is_graphical;    /* the console's mode: text is swallowed */
    uint8_t image_handle; /* only their addresses matter */
    uint8_t volume_handle;
    uint8_t console_handle;
} devices;

/* ACPI(PNP0501, 0) / UART / end: UEFI 2.10, 10.3.3 and 10.3.4.15. */
static uint8_t com1_path[] = { 2, 1,  12, 0, 0xd0, 0x41, 0x01, 0x05, 0, 0,    0, 0, /* HID, UID */
                               3, 14, 19, 0, 0,    0,    0,    0,    0, 0xc2, 1, 0, 0,
                               0, 0,  0,  8, 1,    1,    0x7f, 0xff, 4, 0 };

EFI_HANDLE fake_efi_image(void)
{
    return &devices.image_handle;
}

EFI_HANDLE fake_efi_volume(void)
{
    return &devices.volume_handle;
}

static bool is_asked_for_key(void)
{
    static const char question[] = "a key returns to the firmware";
    return strstr(fake_efi.console, question) != NULL || strstr(fake_efi.serial, question) != NULL;
}

/* Appends one character without CR; what does not fit is lost. */
static void append(char *text, uint32_t c)
{
    const size_t length = strlen(text);
    if (c != '\r' && length + 1 < FAKE_EFI_TEXT_BYTES) {
        text[length] = (char)c;
        text[length + 1] = '\0';
    }
    if (fake_efi_state.echo && c != '\r') {
        (void)fputc((int)c, stderr);
    }
}

/* The next character for the start menu on this console, 0 where there is none yet. */
static uint8_t next_typed(bool on_serial)
{
    const struct fake_efi_script *const script = &fake_efi_state.script;
    if (script->typed == NULL || script->typed_on_serial != on_serial ||
        strstr(fake_efi.serial, "start menu: b") == NULL) {
        return 0;
    }
    return (uint8_t)script->typed[devices.typed];
}

/* ---- COM1 ---------------------------------------------------------------------------------------
 */

static uint8_t uart_read(void *context, uint16_t offset)
{
    (void)context;
    if (offset == UART_SCRATCH) {
        return devices.scratch;
    }
    if (offset == UART_DATA && devices.looped > 0) {
        devices.looped--;
        return '\r';
    }
    if (offset == UART_DATA) {
        devices.byte_waits = false;
        const uint8_t typed = next_typed(true);
        devices.typed += typed != 0 ? 1 : 0;
        return typed != 0 ? typed : ' ';
    }
    if (offset != UART_STATUS) {
        return 0;
    }
    fake_cpu.tsc += TICKS_EACH_POLL;
    devices.byte_waits |= next_typed(true) != 0;
    devices.byte_waits |= fake_efi_state.script.key == FAKE_EFI_KEY_SERIAL && is_asked_for_key();
    const bool is_ready = devices.byte_waits || devices.looped > 0;
    return (uint8_t)(STATUS_IDLE | (is_ready ? STATUS_READY : 0));
}

static void uart_write_register(void *context, uint16_t offset, uint8_t value)
{
    (void)context;
    if (offset == UART_SCRATCH) {
        devices.scratch = value;
    }
    if (offset == UART_MODEM) {
        devices.loopback = (value & MODEM_LOOPBACK) != 0;
    }
    if (offset == UART_DATA && value >= '\n') { /* a divisor of 1 goes through here as well */
        append(fake_efi.serial, value);
        devices.last_print_tsc = fake_cpu.tsc;
        devices.byte_waits = fake_efi_state.script.serial_byte_after_stop &&
                             strstr(fake_efi.serial, "stopped: ") != NULL;
    }
}

/* ---- consoles -----------------------------------------------------------------------------------
 */

/* As the driver of a serial console does. */
static void send(uint32_t c)
{
    if (devices.loopback) {
        devices.looped++;
    } else {
        append(fake_efi.serial, c);
    }
}

static EFI_STATUS EFIAPI output_string(SIMPLE_TEXT_OUTPUT_INTERFACE *self, CHAR16 *text)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_OUTPUT_STRING);
    if (self != &devices.conout) {
        fake_efi_violation("OutputString of another console");
    }
    for (; !EFI_ERROR(fault) && *text != 0; text++) {
        if (!devices.is_graphical) {
            append(fake_efi.console, *text);
        }
        if (fake_efi_state.script.conout_sends) {
            send(*text);
        }
    }
    return fault;
}

static bool key_is_down(void)
{
    switch (fake_efi_state.script.key) {
    case FAKE_EFI_KEY_CONIN:
        return is_asked_for_key();
    case FAKE_EFI_KEY_EARLY:
        return devices.early_keys++ < EARLY_KEYS;
    case FAKE_EFI_KEY_FOR_EVER:
        return true;
    case FAKE_EFI_KEY_HELD:
        return fake_efi.calls[FAKE_EFI_READ_KEY] == fake_efi_state.script.key_at;
    case FAKE_EFI_KEY_NONE:
    case FAKE_EFI_KEY_SERIAL:
        break;
    }
    return false;
}

static EFI_STATUS EFIAPI read_key(SIMPLE_INPUT_INTERFACE *self, EFI_INPUT_KEY *key)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_READ_KEY);
    if (self != &devices.conin) {
        fake_efi_violation("ReadKeyStroke of another console");
    }
    const uint8_t typed = next_typed(false);
    if (!EFI_ERROR(fault) && typed != 0) {
        devices.typed++;
        *key = (EFI_INPUT_KEY){ .UnicodeChar = typed };
        return EFI_SUCCESS;
    }
    if (EFI_ERROR(fault) || !key_is_down()) {
        return EFI_ERROR(fault) ? fault : EFI_NOT_READY;
    }
    *key = (EFI_INPUT_KEY){ .UnicodeChar = L' ' };
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI get_variable(CHAR16 *name, EFI_GUID *guid, UINT32 *attributes,
                                      UINTN *size_bytes, void *data)
{
    (void)guid;
    (void)attributes;
    const struct fake_efi_script *const script = &fake_efi_state.script;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_GET_VARIABLE);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (name[0] == L'F' && script->variable != NULL) { /* FirstlightBlackBox */
        if (*size_bytes < script->variable_bytes) {
            *size_bytes = script->variable_bytes;
            return EFI_BUFFER_TOO_SMALL;
        }
        *size_bytes = script->variable_bytes;
        memcpy(data, script->variable, script->variable_bytes);
        return EFI_SUCCESS;
    }
    if (!fake_efi_state.script.secure_boot || name[0] != L'S' || *size_bytes < 1) {
        return EFI_NOT_FOUND;
    }
    *size_bytes = 1;
    *(uint8_t *)data = name[2] == L'c' ? 1 : 0; /* SecureBoot, else SetupMode */
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_variable(CHAR16 *name, EFI_GUID *guid, UINT32 attributes,
                                      UINTN size_bytes, void *data)
{
    (void)guid;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_SET_VARIABLE);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (name[0] != L'F' || size_bytes > sizeof(fake_efi.variable) ||
        attributes != (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS)) {
        fake_efi_violation("a variable that nobody asked for");
        return EFI_INVALID_PARAMETER;
    }
    memcpy(fake_efi.variable, data, size_bytes);
    fake_efi.variable_bytes = (uint32_t)size_bytes;
    return EFI_SUCCESS;
}

/* ---- screen -------------------------------------------------------------------------------------
 */

static void *screen_interface(void)
{
    return fake_efi_state.script.screen == FAKE_EFI_SCREEN_NULL_INTERFACE ? NULL : &devices.screen;
}

static uint32_t pixel_format(enum fake_efi_screen screen)
{
    switch (screen) {
    case FAKE_EFI_SCREEN_RGB:
        return PixelRedGreenBlueReserved8BitPerColor;
    case FAKE_EFI_SCREEN_MASKS_24:
        return PixelBitMask;
    case FAKE_EFI_SCREEN_BLT_ONLY:
        return PixelBltOnly;
    case FAKE_EFI_SCREEN_UNKNOWN_FORMAT:
        return 77;
    case FAKE_EFI_SCREEN_NONE:
    case FAKE_EFI_SCREEN_BGR:
    case FAKE_EFI_SCREEN_TOO_SMALL:
    case FAKE_EFI_SCREEN_WRAPS:
    case FAKE_EFI_SCREEN_TOO_HIGH:
    case FAKE_EFI_SCREEN_AT_ZERO:
    case FAKE_EFI_SCREEN_NO_COLUMNS:
    case FAKE_EFI_SCREEN_NO_LINES:
    case FAKE_EFI_SCREEN_SHORT_PITCH:
    case FAKE_EFI_SCREEN_HUGE:
    case FAKE_EFI_SCREEN_UNMAPPED:
    case FAKE_EFI_SCREEN_NO_MODE:
    case FAKE_EFI_SCREEN_NULL_INTERFACE:
        break;
    }
    return PixelBlueGreenRedReserved8BitPerColor;
}

static bool has_pixels(enum fake_efi_screen screen)
{
    return screen == FAKE_EFI_SCREEN_RGB || screen == FAKE_EFI_SCREEN_BGR ||
           screen == FAKE_EFI_SCREEN_MASKS_24 || screen == FAKE_EFI_SCREEN_HUGE ||
           screen == FAKE_EFI_SCREEN_TOO_SMALL || screen == FAKE_EFI_SCREEN_UNMAPPED;
}

static uint32_t screen_width(enum fake_efi_screen screen)
{
    return screen == FAKE_EFI_SCREEN_NO_COLUMNS ? 0 : FAKE_EFI_SCREEN_WIDTH;
}

static uint64_t screen_base(enum fake_efi_screen screen)
{
    if (screen == FAKE_EFI_SCREEN_WRAPS) {
        return UINT64_MAX - 4096;
    }
    if (screen == FAKE_EFI_SCREEN_TOO_HIGH) {
        return (UINT64_C(1) << fake_cpu.phys_bits) - FAKE_EFI_SCREEN_BYTES + 4096;
    }
    return screen == FAKE_EFI_SCREEN_AT_ZERO ? 0 : FAKE_EFI_SCREEN_BASE;
}

static uint64_t screen_bytes(enum fake_efi_screen screen)
{
    if (screen == FAKE_EFI_SCREEN_HUGE) {
        return UINT64_C(1) << 45;
    }
    return FAKE_EFI_SCREEN_BYTES - (screen == FAKE_EFI_SCREEN_TOO_SMALL ? 4096 : 0);
}

void fake_efi_devices_finish(void)
{
    if (has_pixels(fake_efi_state.script.screen)) {
        fake_efi_screen_finish();
    }
}

/* The mode's description is pool memory of the caller's (UEFI 2.10, 12.9.2, QueryMode()). */
static EFI_STATUS EFIAPI query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *self, UINT32 number,
                                    UINTN *size_bytes, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **mode)
{
    if (self != &devices.screen || number >= devices.screen_mode.MaxMode) {
        fake_efi_violation("QueryMode of a mode that is not there");
        return EFI_INVALID_PARAMETER;
    }
    void *copy = NULL;
    const EFI_STATUS status =
        devices.boot_services->AllocatePool(EfiBootServicesData, sizeof(**mode), &copy);
    if (EFI_ERROR(status) || copy == NULL) {
        return status;
    }
    memcpy(copy, &devices.screen_info, sizeof(**mode));
    *size_bytes = sizeof(**mode);
    *mode = copy;
    return EFI_SUCCESS;
}

static void make_screen(enum fake_efi_screen screen)
{
    const uint32_t format = pixel_format(screen);
    devices.screen_info = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){
        .HorizontalResolution = screen_width(screen),
        .VerticalResolution = screen == FAKE_EFI_SCREEN_NO_LINES ? 0 : FAKE_EFI_SCREEN_HEIGHT,
        .PixelInformation = { 0xff0000, 0xff00, 0xff, 0 },
        .PixelsPerScanLine =
            FAKE_EFI_SCREEN_WIDTH - (screen == FAKE_EFI_SCREEN_SHORT_PITCH ? 1 : 0),
    };
    memcpy(&devices.screen_info.PixelFormat, &format, sizeof(format)); /* may be no enumerator */
    devices.screen_mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){
        .MaxMode = 1,
        .Info = &devices.screen_info,
        .SizeOfInfo = sizeof(devices.screen_info),
        .FrameBufferBase = screen_base(screen),
        .FrameBufferSize = screen_bytes(screen),
    };
    devices.screen.QueryMode = query_mode;
    devices.screen.Mode = screen == FAKE_EFI_SCREEN_NO_MODE ? NULL : &devices.screen_mode;
}

/* ---- console control ----------------------------------------------------------------------------
 */

/* EDK, Foundation/Protocol/ConsoleControl/ConsoleControl.h. */
struct console_control {
    EFI_STATUS(EFIAPI *get_mode)
    (struct console_control *self, uint32_t *mode, BOOLEAN *has_graphics, BOOLEAN *is_locked);
    EFI_STATUS(EFIAPI *set_mode)(struct console_control *self, uint32_t mode);
    void *lock_input;
};

/* A text console has a mode of its own. */
static void set_graphical(bool is_graphical)
{
    const uint32_t width = screen_width(fake_efi_state.script.screen);
    devices.is_graphical = is_graphical;
    devices.screen_info.HorizontalResolution = is_graphical ? width / 2 : width;
}

static EFI_STATUS EFIAPI get_console_mode(struct console_control *self, uint32_t *mode,
                                          BOOLEAN *has_graphics, BOOLEAN *is_locked)
{
    (void)self;
    if (fake_efi_state.phase != FAKE_EFI_PHASE_BOOT || has_graphics != NULL || is_locked != NULL) {
        fake_efi_violation("GetMode of the console control");
    }
    *mode = devices.is_graphical ? 1 : 0;
    return fake_efi_state.script.console_control == FAKE_EFI_CONSOLE_CONTROL_SILENT
               ? EFI_DEVICE_ERROR
               : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI set_console_mode(struct console_control *self, uint32_t mode)
{
    (void)self;
    if (fake_efi_state.phase != FAKE_EFI_PHASE_BOOT || mode != 0 || !devices.is_graphical) {
        fake_efi_violation("SetMode of the console control that changes nothing for the better");
    }
    if (fake_efi_state.script.console_control == FAKE_EFI_CONSOLE_CONTROL_STUCK) {
        return EFI_DEVICE_ERROR;
    }
    set_graphical(mode != 0);
    return EFI_SUCCESS;
}

static struct console_control console_control = { get_console_mode, set_console_mode, NULL };

static void start_console_control(enum fake_efi_console_control kind)
{
    set_graphical(kind == FAKE_EFI_CONSOLE_CONTROL_GRAPHICS ||
                  kind == FAKE_EFI_CONSOLE_CONTROL_STUCK ||
                  kind == FAKE_EFI_CONSOLE_CONTROL_SILENT);
}

/* ---- protocols ----------------------------------------------------------------------------------
 */

static bool is_guid(const EFI_GUID *guid, EFI_GUID wanted)
{
    return memcmp(guid, &wanted, sizeof(wanted)) == 0;
}

static EFI_STATUS found(void *what, void **interface)
{
    *interface = what;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI handle_protocol(EFI_HANDLE handle, EFI_GUID *guid, void **interface)
{
    const struct fake_efi_script *const script = &fake_efi_state.script;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_HANDLE_PROTOCOL);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (handle == NULL) {
        fake_efi_violation("HandleProtocol of no handle");
    }
    if (handle == &devices.image_handle && !script->no_loaded_image &&
        is_guid(guid, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID)) {
        return found(&devices.loaded_image, interface);
    }
    if (handle == &devices.volume_handle && !script->no_volume &&
        is_guid(guid, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID)) {
        return found(fake_efi_volume_interface(), interface);
    }
    if (handle == &devices.console_handle && script->conout_is_com1 &&
        is_guid(guid, (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID)) {
        return found(com1_path, interface);
    }
    if (handle == &devices.console_handle && script->screen != FAKE_EFI_SCREEN_NONE &&
        is_guid(guid, (EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID)) {
        return found(screen_interface(), interface);
    }
    if (fake_efi_outputs_protocol(handle, guid, interface)) {
        return EFI_SUCCESS;
    }
    return EFI_UNSUPPORTED;
}

/* EFI_MEMORY_ATTRIBUTE_PROTOCOL: get, set, clear (UEFI 2.10, 37.1). */
static EFI_STATUS EFIAPI clear_attributes(void *self, EFI_PHYSICAL_ADDRESS base, UINT64 size_bytes,
                                          UINT64 attributes)
{
    (void)self;
    if (fake_efi_state.phase != FAKE_EFI_PHASE_BOOT) {
        fake_efi_violation("ClearMemoryAttributes after the exit was tried");
    }
    return base % 4096 == 0 && size_bytes == 4096 && attributes == 0x4000 ? EFI_SUCCESS
                                                                          : EFI_INVALID_PARAMETER;
}

static struct {
    void *get;
    void *set;
    EFI_STATUS(EFIAPI *clear)
    (void *self, EFI_PHYSICAL_ADDRESS base, UINT64 size_bytes, UINT64 attributes);
} memory_attributes = { NULL, NULL, clear_attributes };

static EFI_STATUS EFIAPI locate_protocol(EFI_GUID *guid, void *registration, void **interface)
{
    static const uint32_t memory_attributes_guid = 0xf4560cf6;
    static const uint32_t tcg2_guid = 0x607f766c;
    static const EFI_GUID console_control_guid = {
        0xf42f7782, 0x012e, 0x4c12, { 0x99, 0x56, 0x49, 0xf9, 0x43, 0x04, 0xf7, 0x21 }
    };
    (void)registration;
    const struct fake_efi_script *const script = &fake_efi_state.script;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_LOCATE_PROTOCOL);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (script->has_memory_attributes && guid->Data1 == memory_attributes_guid) {
        return found(&memory_attributes, interface);
    }
    if (script->console_control != FAKE_EFI_CONSOLE_CONTROL_NONE &&
        is_guid(guid, console_control_guid)) {
        const bool is_null = script->console_control == FAKE_EFI_CONSOLE_CONTROL_NULL;
        return found(is_null ? NULL : &console_control, interface);
    }
    if (script->tpm != FAKE_EFI_TPM_NONE && guid->Data1 == tcg2_guid) {
        return found(fake_efi_tpm_interface(), interface);
    }
    if (script->screen != FAKE_EFI_SCREEN_NONE &&
        is_guid(guid, (EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID)) {
        return found(screen_interface(), interface);
    }
    return EFI_NOT_FOUND;
}

static EFI_STATUS EFIAPI locate_handle_buffer(EFI_LOCATE_SEARCH_TYPE type, EFI_GUID *guid,
                                              void *key, UINTN *count, EFI_HANDLE **handles)
{
    (void)key;
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_LOCATE_HANDLE_BUFFER);
    if (EFI_ERROR(fault)) {
        return fault;
    }
    if (type != ByProtocol || !is_guid(guid, (EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID)) {
        return EFI_NOT_FOUND;
    }
    const bool console_has_one = fake_efi_state.script.screen != FAKE_EFI_SCREEN_NONE;
    return fake_efi_outputs_list(console_has_one ? &devices.console_handle : NULL, count, handles);
}

/* ---- time, reset --------------------------------------------------------------------------------
 */

static EFI_STATUS EFIAPI stall(UINTN microseconds)
{
    const EFI_STATUS fault = fake_efi_enter(FAKE_EFI_STALL);
    if (!EFI_ERROR(fault)) {
        fake_cpu.tsc += microseconds * (FAKE_EFI_TSC_HZ / 1000000);
        fake_efi.waited_ms += is_asked_for_key() ? microseconds / 1000 : 0;
    }
    return fault;
}

static EFI_STATUS EFIAPI set_watchdog_timer(UINTN timeout_seconds, UINT64 code, UINTN data_bytes,
                                            CHAR16 *data)
{
    (void)code;
    (void)data_bytes;
    (void)data;
    if (timeout_seconds != 0) {
        fake_efi_violation("the watchdog is set, not switched off");
    }
    return fake_efi_enter(FAKE_EFI_SET_WATCHDOG_TIMER);
}

static EFI_STATUS EFIAPI reset_system(EFI_RESET_TYPE type, EFI_STATUS status, UINTN data_bytes,
                                      CHAR16 *data)
{
    (void)type;
    (void)status;
    (void)data_bytes;
    (void)data;
    (void)fake_efi_enter(FAKE_EFI_RESET_SYSTEM);
    fake_efi.stopped_ms = (fake_cpu.tsc - devices.last_print_tsc) / TICKS_EACH_POLL;
    if (fake_efi_state.script.reset_returns) {
        return EFI_DEVICE_ERROR;
    }
    fake_efi_end_run(FAKE_EFI_RESET);
}

/* ---- set-up -------------------------------------------------------------------------------------
 */

static void plug_uart(void)
{
    fake_io_reset();
    devices.uart = (struct fake_io_device){ .first_port = COM1,
                                            .port_count = UART_REGISTERS,
                                            .read = uart_read,
                                            .write = uart_write_register };
    if (!fake_efi_state.script.no_uart) {
        fake_io_plug(&devices.uart);
    }
}

/* The options end where the script says; behind them is nobody's memory. */
static void describe_image(EFI_SYSTEM_TABLE *system)
{
    void *options = NULL;
    memcpy(&options, &fake_efi_state.script.load_options, sizeof(options)); /* sheds the const */
    devices.loaded_image = (EFI_LOADED_IMAGE_PROTOCOL){
        .SystemTable = system,
        .DeviceHandle = &devices.volume_handle,
        .LoadOptions = options,
        .LoadOptionsSize = fake_efi_state.script.load_options_bytes,
    };
}

void fake_efi_devices_start(EFI_SYSTEM_TABLE *system)
{
    const struct fake_efi_script *const script = &fake_efi_state.script;
    memset(&devices, 0, sizeof(devices));
    devices.conout.OutputString = output_string;
    system->ConOut = script->no_conout ? NULL : &devices.conout;
    system->ConsoleOutHandle = script->no_conout ? NULL : &devices.console_handle;
    devices.conin.ReadKeyStroke = read_key;
    system->ConIn = script->no_conin ? NULL : &devices.conin;
    system->RuntimeServices->GetVariable = get_variable;
    system->RuntimeServices->SetVariable = set_variable;
    system->RuntimeServices->ResetSystem = reset_system;
    EFI_BOOT_SERVICES *const services = system->BootServices;
    devices.boot_services = services;
    services->HandleProtocol = handle_protocol;
    services->LocateProtocol = locate_protocol;
    services->LocateHandleBuffer = locate_handle_buffer;
    services->Stall = stall;
    services->SetWatchdogTimer = set_watchdog_timer;
    plug_uart();
    make_screen(script->screen);
    start_console_control(script->console_control);
    fake_efi_outputs_start(services);
    if (has_pixels(script->screen)) {
        fake_efi_screen_start(script->screen);
    }
    describe_image(system);
}
