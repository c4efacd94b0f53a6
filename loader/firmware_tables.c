/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See firmware_tables.h. Nothing here fails: a table that makes no sense is passed over, because a
 * kernel without a pin is better than no kernel. Numbers are taken out of byte copies (tables are
 * not aligned). Stateless.
 */
#include "firmware_tables.h"

#include <stdbool.h>
#include <stddef.h>

#include <arch/physmap.h>

#include "acpi_tables.h"
#include "lib/little_endian.h"
#include "lib/string.h"

#define RSDP_V1_BYTES          20U
#define RSDP_V2_BYTES          36U
#define RSDP_BYTES_MAX         4096U
#define RSDP_REVISION          15U /* offsets in the RSDP */
#define RSDP_RSDT              16U
#define RSDP_LENGTH            20U
#define RSDP_XSDT              24U
#define ACPI_HEADER_LENGTH     4U
#define ACPI_TABLE_BYTES_MAX   (UINT64_C(16) << 20)
#define FADT_FACS              36U
#define FADT_DSDT              40U
#define FADT_X_FACS            132U
#define FADT_X_DSDT            140U
#define SMBIOS2_BYTES          31U
#define SMBIOS2_TABLE_LENGTH   22U
#define SMBIOS2_TABLE          24U
#define SMBIOS3_BYTES          24U
#define SMBIOS3_TABLE_MAX      12U
#define SMBIOS3_TABLE          16U
#define BGRT_IMAGE             40U
#define BITMAP_BYTES           14U
#define BITMAP_SIZE            2U
#define TPM2_LOG_BYTES         64U
#define TPM2_LOG               68U
#define TCPA_CLASS             36U
#define TCPA_CLASS_SERVER      1U
#define TCPA_LOG_BYTES         38U
#define TCPA_LOG               42U
#define TCPA_SERVER_LOG_BYTES  40U
#define TCPA_SERVER_LOG        48U
#define COUNTED_BYTES          16U /* header of ESRT, memory attributes, final events */
#define ESRT_COUNT             0U
#define ATTRIBUTES_COUNT       4U
#define ATTRIBUTES_ENTRY_BYTES 8U
#define FINAL_EVENTS_COUNT     8U
#define EVENT_BYTES            12U
#define EVENT_DIGESTS          8U
#define EVENTS_MAX             256U
#define DIGESTS_MAX            16U
/* TCG Algorithm Registry, TPM_ALG_ID. */
#define TPM_SHA1         0x0004U
#define TPM_SHA256       0x000bU
#define TPM_SHA384       0x000cU
#define TPM_SHA512       0x000dU
#define TPM_SM3_256      0x0012U
#define ESRT_ENTRY_BYTES 40U

static uint8_t sum_bytes(const uint8_t *bytes, uint64_t size_bytes)
{
    uint8_t sum = 0;
    for (uint64_t i = 0; i < size_bytes; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

/* The whole of a version 2 pointer: its length field, then the checksum over so many bytes. */
static bool second_part_is_sound(uint64_t rsdp)
{
    const uint8_t *const fixed = physmap_ptr(phys_addr(rsdp), RSDP_V2_BYTES);
    const uint64_t length = little_endian(fixed + RSDP_LENGTH, 4);
    return length >= RSDP_V2_BYTES && length <= RSDP_BYTES_MAX &&
           sum_bytes(physmap_ptr(phys_addr(rsdp), length), length) == 0;
}

enum kstatus firmware_tables_copy_rsdp(uint64_t rsdp, struct bootinfo *info)
{
    const uint8_t *const first = physmap_ptr(phys_addr(rsdp), RSDP_V1_BYTES);
    if (memcmp(first, "RSD PTR ", 8) != 0 || sum_bytes(first, RSDP_V1_BYTES) != 0) {
        return K_EILSEQ;
    }
    const bool has_second_part = first[RSDP_REVISION] >= 2 && second_part_is_sound(rsdp);
    if (first[RSDP_REVISION] >= 2 && !has_second_part && little_endian(first + RSDP_RSDT, 4) == 0) {
        return K_EILSEQ;
    }
    const uint32_t copied = has_second_part ? RSDP_V2_BYTES : RSDP_V1_BYTES;
    memcpy(info->rsdp_copy, physmap_ptr(phys_addr(rsdp), copied), copied);
    info->rsdp = rsdp;
    info->rsdp_copy_size = copied;
    return K_OK;
}

/* Pins what can be read in full: a size that nobody could have filled is nonsense. */
static void pin_readable(struct firmware_pins *pins, uint64_t base, uint64_t size_bytes)
{
    if (firmware_pins_can_read(pins->map, base, size_bytes)) {
        firmware_pins_add(pins, base, size_bytes, BOOTINFO_PIN_RESERVED);
    }
}

/* Whether there is an ACPI table at @p base; its length through @p size_bytes. */
static bool find_acpi_table(const struct efi_map *map, uint64_t base, uint64_t *size_bytes)
{
    uint8_t header[ACPI_HEADER_BYTES];
    if (!firmware_pins_read(map, base, header, ACPI_HEADER_BYTES)) {
        return false;
    }
    const uint64_t length = little_endian(header + ACPI_HEADER_LENGTH, 4);
    if (length < ACPI_HEADER_BYTES || length > ACPI_TABLE_BYTES_MAX ||
        !firmware_pins_can_read(map, base, length)) {
        return false;
    }
    *size_bytes = length;
    return true;
}

/* The address in a table that is long enough for it, or 0. */
static uint64_t address_in(const uint8_t *table, uint64_t table_bytes, uint64_t offset,
                           unsigned size_bytes)
{
    return table_bytes >= offset + size_bytes ? little_endian(table + offset, size_bytes) : 0;
}

/* What hangs on the FADT alone: DSDT and FACS, each by a 64-bit address or else a 32-bit one. */
static void pin_behind_fadt(struct firmware_pins *pins, const uint8_t *fadt, uint64_t fadt_bytes)
{
    static const struct {
        uint64_t wide;
        uint64_t narrow;
    } offsets[] = { { FADT_X_DSDT, FADT_DSDT }, { FADT_X_FACS, FADT_FACS } };
    for (size_t i = 0; i < ARRAY_COUNT(offsets); i++) {
        uint64_t address = address_in(fadt, fadt_bytes, offsets[i].wide, 8);
        if (address == 0) {
            address = address_in(fadt, fadt_bytes, offsets[i].narrow, 4);
        }
        uint64_t size_bytes;
        if (find_acpi_table(pins->map, address, &size_bytes)) { /* nonsense gets no pin */
            firmware_pins_add(pins, address, size_bytes, BOOTINFO_PIN_ACPI);
        }
    }
}

/* The boot logo: a bitmap whose header says how long it is (BITMAPFILEHEADER: "BM", size). */
static void pin_behind_bgrt(struct firmware_pins *pins, const uint8_t *bgrt, uint64_t bgrt_bytes)
{
    uint8_t header[BITMAP_BYTES];
    const uint64_t image = address_in(bgrt, bgrt_bytes, BGRT_IMAGE, 8);
    if (firmware_pins_read(pins->map, image, header, BITMAP_BYTES) &&
        memcmp(header, "BM", 2) == 0) {
        pin_readable(pins, image, little_endian(header + BITMAP_SIZE, 4));
    }
}

/* The TPM's event log: TPM2 and, for TPM 1.2, TCPA; server platforms have other offsets in TCPA. */
static void pin_behind_tpm2(struct firmware_pins *pins, const uint8_t *table, uint64_t table_bytes)
{
    pin_readable(pins, address_in(table, table_bytes, TPM2_LOG, 8),
                 address_in(table, table_bytes, TPM2_LOG_BYTES, 4));
}

static void pin_behind_tcpa(struct firmware_pins *pins, const uint8_t *table, uint64_t table_bytes)
{
    if (address_in(table, table_bytes, TCPA_CLASS, 2) == TCPA_CLASS_SERVER) {
        pin_readable(pins, address_in(table, table_bytes, TCPA_SERVER_LOG, 8),
                     address_in(table, table_bytes, TCPA_SERVER_LOG_BYTES, 8));
    } else {
        pin_readable(pins, address_in(table, table_bytes, TCPA_LOG, 8),
                     address_in(table, table_bytes, TCPA_LOG_BYTES, 4));
    }
}

/* What ACPI tables point at besides the root. */
static void pin_behind(struct firmware_pins *pins, uint64_t table, uint64_t table_bytes)
{
    static const struct {
        char signature[5];
        void (*pin)(struct firmware_pins *pins, const uint8_t *table, uint64_t table_bytes);
    } kinds[] = { { "FACP", pin_behind_fadt },
                  { "BGRT", pin_behind_bgrt },
                  { "TPM2", pin_behind_tpm2 },
                  { "TCPA", pin_behind_tcpa } };
    const uint8_t *const bytes = physmap_ptr(phys_addr(table), table_bytes);
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (memcmp(bytes, kinds[i].signature, 4) == 0) {
            kinds[i].pin(pins, bytes, table_bytes);
        }
    }
}

/* What an ACPI table is found for. */
struct acpi_visit {
    const struct efi_map *map;
    firmware_tables_visitor visit;
    void *context;
};

/* A root table that can be read: addresses of `entry_bytes` (RSDT 4, XSDT 8) behind its header. */
struct acpi_root {
    uint64_t table;
    uint64_t table_bytes;
    unsigned entry_bytes;
};

static bool open_root(const struct efi_map *map, uint64_t table, unsigned entry_bytes,
                      struct acpi_root *root)
{
    *root = (struct acpi_root){ .table = table, .entry_bytes = entry_bytes };
    return find_acpi_table(map, table, &root->table_bytes);
}

static uint64_t root_entries(const struct acpi_root *root)
{
    return bits_min((root->table_bytes - ACPI_HEADER_BYTES) / root->entry_bytes, ACPI_TABLES_MAX);
}

static uint64_t root_entry(const struct acpi_root *root, uint64_t i)
{
    const uint64_t at = root->table + ACPI_HEADER_BYTES + i * root->entry_bytes;
    return little_endian(physmap_ptr(phys_addr(at), root->entry_bytes), root->entry_bytes);
}

static void visit_tree(const struct acpi_visit *visit, uint64_t table, unsigned entry_bytes)
{
    struct acpi_root root;
    if (!open_root(visit->map, table, entry_bytes, &root)) {
        return;
    }
    visit->visit(visit->context, table, root.table_bytes);
    for (uint64_t i = 0; i < root_entries(&root); i++) {
        const uint64_t entry = root_entry(&root, i);
        uint64_t entry_table_bytes;
        if (find_acpi_table(visit->map, entry, &entry_table_bytes)) {
            visit->visit(visit->context, entry, entry_table_bytes);
        }
    }
}

void firmware_tables_list_acpi(const struct bootinfo *info, const struct efi_map *map,
                               firmware_tables_visitor visit, void *context)
{
    const struct acpi_visit visitor = { .map = map, .visit = visit, .context = context };
    if (info->rsdp == 0) {
        return;
    }
    uint64_t xsdt = 0;
    if (info->rsdp_copy_size >= RSDP_V2_BYTES) {
        xsdt = little_endian(info->rsdp_copy + RSDP_XSDT, 8);
    }
    if (xsdt != 0) {
        visit_tree(&visitor, xsdt, 8);
    } else {
        visit_tree(&visitor, little_endian(info->rsdp_copy + RSDP_RSDT, 4), 4);
    }
}

/* Whether there is a root table at @p table that names one that can be read. */
static bool names_tables(const struct efi_map *map, uint64_t table, unsigned entry_bytes)
{
    struct acpi_root root;
    if (!open_root(map, table, entry_bytes, &root)) {
        return false;
    }
    uint64_t bytes;
    for (uint64_t i = 0; i < root_entries(&root); i++) {
        if (find_acpi_table(map, root_entry(&root, i), &bytes)) {
            return true;
        }
    }
    return false;
}

enum firmware_tables_root firmware_tables_settle_root(struct bootinfo *info,
                                                      const struct efi_map *map)
{
    if (info->rsdp == 0 || info->rsdp_copy[RSDP_REVISION] < 2) {
        return FIRMWARE_TABLES_ROOT_AS_SAID;
    }
    const bool has_wide = info->rsdp_copy_size >= RSDP_V2_BYTES;
    const uint64_t xsdt = has_wide ? little_endian(info->rsdp_copy + RSDP_XSDT, 8) : 0;
    if (has_wide && (xsdt == 0 || names_tables(map, xsdt, 8))) {
        return FIRMWARE_TABLES_ROOT_AS_SAID;
    }
    if (names_tables(map, little_endian(info->rsdp_copy + RSDP_RSDT, 4), 4)) {
        info->rsdp_copy_size = RSDP_V1_BYTES;
        return FIRMWARE_TABLES_ROOT_RSDT_SERVES;
    }
    if (has_wide) {
        return FIRMWARE_TABLES_ROOT_AS_SAID; /* no better */
    }
    info->rsdp = 0;
    info->rsdp_copy_size = 0;
    return FIRMWARE_TABLES_ROOT_BROKEN;
}

static void pin_acpi_table(void *context, uint64_t table, uint64_t table_bytes)
{
    struct firmware_pins *const pins = context;
    firmware_pins_add(pins, table, table_bytes, BOOTINFO_PIN_ACPI);
    pin_behind(pins, table, table_bytes);
}

static void pin_acpi(const struct bootinfo *info, struct firmware_pins *pins)
{
    if (info->rsdp != 0) {
        firmware_pins_add(pins, info->rsdp, info->rsdp_copy_size, BOOTINFO_PIN_ACPI);
    }
    firmware_tables_list_acpi(info, pins->map, pin_acpi_table, pins);
}

/* The structure table behind the entry point at @p base, of either version. */
static bool read_smbios_entry(uint64_t base, const struct efi_map *map, bool is_version_3,
                              uint64_t *table, uint64_t *table_bytes)
{
    uint8_t entry[SMBIOS2_BYTES];
    const uint32_t entry_bytes = is_version_3 ? SMBIOS3_BYTES : SMBIOS2_BYTES;
    const char *const anchor = is_version_3 ? "_SM3_" : "_SM_";
    if (base == 0 || !firmware_pins_read(map, base, entry, entry_bytes) ||
        memcmp(entry, anchor, strlen(anchor)) != 0) {
        return false;
    }
    *table =
        little_endian(entry + (is_version_3 ? SMBIOS3_TABLE : SMBIOS2_TABLE), is_version_3 ? 8 : 4);
    *table_bytes = little_endian(entry + (is_version_3 ? SMBIOS3_TABLE_MAX : SMBIOS2_TABLE_LENGTH),
                                 is_version_3 ? 4 : 2);
    return true;
}

bool firmware_tables_find_smbios(const struct bootinfo *info, const struct efi_map *map,
                                 uint64_t *table, uint64_t *table_bytes)
{
    return (read_smbios_entry(info->smbios3, map, true, table, table_bytes) ||
            read_smbios_entry(info->smbios, map, false, table, table_bytes)) &&
           firmware_pins_can_read(map, *table, *table_bytes);
}

static void pin_smbios(uint64_t base, struct firmware_pins *pins, bool is_version_3)
{
    uint64_t table;
    uint64_t table_bytes;
    if (read_smbios_entry(base, pins->map, is_version_3, &table, &table_bytes)) {
        firmware_pins_add(pins, base, is_version_3 ? SMBIOS3_BYTES : SMBIOS2_BYTES,
                          BOOTINFO_PIN_RESERVED);
        firmware_pins_add(pins, table, table_bytes, BOOTINFO_PIN_RESERVED);
    }
}

/* Tables of a header and so many entries, of a size that stands in the header or is fixed. */
static void pin_counted(uint64_t table, struct firmware_pins *pins, unsigned count_at,
                        uint64_t entry_bytes)
{
    uint8_t header[COUNTED_BYTES];
    if (!firmware_pins_read(pins->map, table, header, COUNTED_BYTES)) {
        return;
    }
    if (entry_bytes == 0) {
        entry_bytes = little_endian(header + ATTRIBUTES_ENTRY_BYTES, 4);
    }
    /* Two numbers of 32 bits: their product leaves room for the header. */
    pin_readable(pins, table, little_endian(header + count_at, 4) * entry_bytes + COUNTED_BYTES);
}

/* Bytes of a digest by the number of its algorithm, 0 for one that nobody uses. */
static uint64_t digest_bytes(uint64_t algorithm)
{
    switch (algorithm) {
    case TPM_SHA1:
        return 20;
    case TPM_SHA256:
    case TPM_SM3_256:
        return 32;
    case TPM_SHA384:
        return 48;
    case TPM_SHA512:
        return 64;
    default:
        return 0;
    }
}

/* The address behind the TCG_PCR_EVENT2 at @p event, or 0 where it makes no sense:
 *   PCR (4), type (4), number of digests (4), digests (2 + n each), size (4), that many bytes */
static uint64_t next_event(const struct efi_map *map, uint64_t event)
{
    uint8_t number[EVENT_BYTES];
    if (!firmware_pins_read(map, event, number, EVENT_BYTES)) {
        return 0;
    }
    const uint64_t digests = bits_min(little_endian(number + EVENT_DIGESTS, 4), DIGESTS_MAX);
    uint64_t at = event + EVENT_BYTES;
    for (uint64_t i = 0; i < digests; i++) {
        if (!firmware_pins_read(map, at, number, 2) ||
            digest_bytes(little_endian(number, 2)) == 0) {
            return 0;
        }
        at += 2 + digest_bytes(little_endian(number, 2));
    }
    if (!firmware_pins_read(map, at, number, 4)) {
        return 0;
    }
    return at + 4 + little_endian(number, 4);
}

/* The events since the log was read last (TCG EFI Protocol, "Final Events Table"): version (8),
 * count (8), events. Pinned as far as they make sense. */
static void pin_final_events(uint64_t table, struct firmware_pins *pins)
{
    uint8_t header[COUNTED_BYTES];
    if (!firmware_pins_read(pins->map, table, header, COUNTED_BYTES)) {
        return;
    }
    const uint64_t count = bits_min(little_endian(header + FINAL_EVENTS_COUNT, 8), EVENTS_MAX);
    uint64_t end = table + COUNTED_BYTES;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t next = next_event(pins->map, end);
        if (next == 0 || !firmware_pins_can_read(pins->map, end, next - end)) {
            break;
        }
        end = next;
    }
    pin_readable(pins, table, end - table);
}

void firmware_tables_pin(const struct bootinfo *info, const struct firmware_tables *tables,
                         struct firmware_pins *pins)
{
    pins->count = 0;
    pins->dropped = 0;
    if (info->framebuffer.format != BOOTINFO_PIXEL_NONE) {
        firmware_pins_add(pins, info->framebuffer.base, info->framebuffer.size,
                          BOOTINFO_PIN_FRAMEBUFFER);
    }
    pin_acpi(info, pins);
    pin_smbios(info->smbios, pins, false);
    pin_smbios(info->smbios3, pins, true);
    pin_counted(tables->esrt, pins, ESRT_COUNT, ESRT_ENTRY_BYTES);
    pin_counted(tables->memory_attributes, pins, ATTRIBUTES_COUNT, 0);
    pin_final_events(tables->tpm_final_events, pins);
}
