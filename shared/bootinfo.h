/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The loader -> kernel contract. One contiguous, page-aligned block of physical memory: this
 * header, then the tables and texts it names by byte offset from its start. Fixed-width fields
 * only, no pointers; little-endian; read by the kernel through the direct map (RDI at _start is its
 * virtual address). docs/boot.md has the state of the machine that goes with it.
 *
 * A reader first checks magic, then version_major, then the CRC, then every offset
 * (kernel/bootinfo.c does). Fields may be added at the end with a new minor version; anything else
 * needs a new major version, which an old kernel refuses.
 */
#ifndef SHARED_BOOTINFO_H
#define SHARED_BOOTINFO_H

#include <stddef.h>
#include <stdint.h>

#include "shared/multiboot2_mmap.h"

#define BOOTINFO_MAGIC         UINT64_C(0x3148474c54535249) /* "IRSTLGH1" read as bytes */
#define BOOTINFO_VERSION_MAJOR 1
#define BOOTINFO_VERSION_MINOR 2

/** A table of @p count elements of @p entry_size bytes, at @p offset bytes from the header. */
struct bootinfo_table {
    uint32_t offset;
    uint32_t count;
    uint32_t entry_size;
    uint32_t reserved;
};
_Static_assert(sizeof(struct bootinfo_table) == 16, "contract");

/** What the loader allocated and left behind (design.md section 4). */
enum bootinfo_lifetime {
    BOOTINFO_LIFETIME_KERNEL = 1, /* as long as the kernel: mmap type 0x1000 */
    BOOTINFO_LIFETIME_BOOT = 2,   /* until the kernel runs on its own tables: 0x1001 */
    BOOTINFO_LIFETIME_EXIT = 3,   /* until exit boot services: stays available */
};

enum bootinfo_purpose {
    BOOTINFO_PURPOSE_KERNEL_IMAGE = 1,
    BOOTINFO_PURPOSE_BOOT_STACK = 2,  /* with its guard frame, the lowest one */
    BOOTINFO_PURPOSE_PAGE_TABLES = 3, /* hand-over tables */
    BOOTINFO_PURPOSE_JUMP_PAGE = 4,   /* identity page with handoff code and GDT */
    BOOTINFO_PURPOSE_BOOTINFO = 5,    /* this block */
    BOOTINFO_PURPOSE_SCRATCH = 6,     /* buffers that die with boot services */
    BOOTINFO_PURPOSE_BLACK_BOX = 7,   /* shared/black_box.h */
};

struct bootinfo_ledger_entry {
    uint64_t base;     /* bytes, physical, page-aligned */
    uint64_t pages;    /* 4 KiB pages */
    uint32_t type;     /* mmap type: MMAP_KERNEL, MMAP_LOADER or MMAP_AVAILABLE */
    uint32_t lifetime; /* enum bootinfo_lifetime */
    uint32_t purpose;  /* enum bootinfo_purpose */
    uint32_t reserved;
};
_Static_assert(sizeof(struct bootinfo_ledger_entry) == 32, "contract");

enum bootinfo_pin_kind {
    BOOTINFO_PIN_RESERVED = 1,    /* SMBIOS, ESRT, ...: type 2 */
    BOOTINFO_PIN_ACPI = 2,        /* ACPI tables: type 3 */
    BOOTINFO_PIN_FRAMEBUFFER = 3, /* type 2, not in the direct map */
};

/** A range that a configuration table points at; overlaid where it would be type 1. */
struct bootinfo_pin {
    uint64_t base;  /* bytes, physical, page-aligned */
    uint64_t pages; /* 4 KiB pages */
    uint32_t kind;  /* enum bootinfo_pin_kind */
    uint32_t reserved;
};
_Static_assert(sizeof(struct bootinfo_pin) == 24, "contract");

/** A maximal run of firmware RAM (design.md section 6): sorted, disjoint, byte granular. */
struct bootinfo_ram_range {
    uint64_t base; /* bytes */
    uint64_t size; /* bytes */
};
_Static_assert(sizeof(struct bootinfo_ram_range) == 16, "contract");

enum bootinfo_pixel_format {
    BOOTINFO_PIXEL_NONE = 0, /* no framebuffer that memory writes reach */
    BOOTINFO_PIXEL_RGB = 1,  /* byte 0 red */
    BOOTINFO_PIXEL_BGR = 2,  /* byte 0 blue */
    BOOTINFO_PIXEL_MASKS = 3,
};

struct bootinfo_framebuffer {
    uint64_t base;   /* bytes, physical */
    uint64_t size;   /* bytes */
    uint32_t width;  /* pixels */
    uint32_t height; /* pixels */
    uint32_t pitch;  /* pixels from one line to the next */
    uint32_t format; /* enum bootinfo_pixel_format */
    uint32_t red_mask;
    uint32_t green_mask;
    uint32_t blue_mask;
    uint32_t reserved_mask;
};
_Static_assert(sizeof(struct bootinfo_framebuffer) == 48, "contract");

/** What named the serial port. */
enum bootinfo_serial_source {
    BOOTINFO_SERIAL_NONE = 0, /* there is no port that answers */
    BOOTINFO_SERIAL_SPCR = 1,
    BOOTINFO_SERIAL_DBG2 = 2,
    BOOTINFO_SERIAL_EARLYCON = 3, /* earlycon= */
    BOOTINFO_SERIAL_CONSOLE = 4,  /* console=ttySN */
    BOOTINFO_SERIAL_PROBED = 5,   /* COM1 to COM4 */
    BOOTINFO_SERIAL_PCI = 6,
};

/** The UART that the loader chose (docs/debugging.md). */
struct bootinfo_serial {
    uint64_t base;        /* first I/O port, or physical address */
    uint32_t baud;        /* 0 = as the firmware left it */
    uint8_t source;       /* enum bootinfo_serial_source */
    uint8_t is_mmio;      /* 1: registers in memory */
    uint8_t stride_bytes; /* from one register to the next */
    uint8_t width_bytes;  /* of one access */
};
_Static_assert(sizeof(struct bootinfo_serial) == 16, "contract");

enum bootinfo_stamp {
    BOOTINFO_STAMP_LOADER_ENTRY,
    BOOTINFO_STAMP_EXIT_BOOT_SERVICES, /* just before the first GetMemoryMap of the exit */
    BOOTINFO_STAMP_EXITED,             /* just after the exit succeeded */
    BOOTINFO_STAMP_HANDOFF,            /* last thing before the jump page */
    BOOTINFO_STAMP_COUNT,
};

enum bootinfo_tsc_source {
    BOOTINFO_TSC_UNKNOWN = 0,
    BOOTINFO_TSC_CPUID_15 = 1,
    BOOTINFO_TSC_CPUID_16 = 2,
    BOOTINFO_TSC_STALL = 3, /* measured against the firmware's Stall() */
    BOOTINFO_TSC_PIT = 4,
};

/** How far measured boot came (docs/measured-boot.md). */
enum bootinfo_tpm_state {
    BOOTINFO_TPM_ABSENT = 0,   /* no TCG2 protocol, or one without a TPM */
    BOOTINFO_TPM_MEASURED = 1, /* everything was measured */
    BOOTINFO_TPM_FAILED = 2,   /* something was not: the loader's log says what */
};

#define BOOTINFO_TPM_LOG_TRUNCATED 1U /* the firmware had no room for all events */
#define BOOTINFO_TPM_HAS_PCRS      2U /* pcr_files and pcr_command_line were read */
#define BOOTINFO_TPM_DIGEST_BYTES  32U

/** Measured boot: what the loader saw, SHA-256 bank. */
struct bootinfo_tpm {
    uint32_t state;                                      /* enum bootinfo_tpm_state */
    uint32_t flags;                                      /* BOOTINFO_TPM_* */
    uint8_t pcr_files[BOOTINFO_TPM_DIGEST_BYTES];        /* PCR 9, after our measurements */
    uint8_t pcr_command_line[BOOTINFO_TPM_DIGEST_BYTES]; /* PCR 12, the same */
};
_Static_assert(sizeof(struct bootinfo_tpm) == 72, "contract");

#define BOOTINFO_BUILD_ID_BYTES    20
#define BOOTINFO_VENDOR_BYTES      64
#define BOOTINFO_FLAG_SECURE_BOOT  UINT64_C(1)
#define BOOTINFO_FLAG_MMAP_IS_E820 UINT64_C(2) /* replay only: no EFI conversion was done */

struct bootinfo {
    uint64_t magic;
    uint16_t version_major;
    uint16_t version_minor;
    uint32_t crc32c;      /* of all total_size bytes, with this field as 0 */
    uint32_t header_size; /* sizeof(struct bootinfo) of the writer */
    uint32_t total_size;  /* bytes, header and everything behind it */

    /* Kernel image as loaded: [kernel_phys, kernel_phys + kernel_size), runs at kernel_virt. */
    uint64_t kernel_phys;
    uint64_t kernel_virt;
    uint64_t kernel_size; /* bytes, multiple of 4 KiB */
    uint8_t build_id[BOOTINFO_BUILD_ID_BYTES];
    uint32_t build_id_size; /* bytes used, 0 where the image has none */

    /* Boot stack: usable [stack_base, stack_base + stack_size); the guard frame lies just below
     * stack_base and is mapped nowhere. Physical addresses. */
    uint64_t stack_base;
    uint64_t stack_size;
    uint64_t stack_guard; /* stack_base - 4096 */
    uint64_t jump_page;   /* physical = its identity address; R+X, until the kernel unmaps it */
    uint64_t page_table_root;

    struct bootinfo_table mmap;         /* struct multiboot2_mmap_entry */
    struct bootinfo_table reasons;      /* uint32_t, enum mmap_reason, one for each mmap entry */
    struct bootinfo_table repairs;      /* struct mmap_repair */
    struct bootinfo_table ram;          /* struct bootinfo_ram_range */
    struct bootinfo_table ledger;       /* struct bootinfo_ledger_entry */
    struct bootinfo_table pins;         /* struct bootinfo_pin */
    struct bootinfo_table efi_map;      /* raw descriptors, entry_size = the firmware's stride */
    struct bootinfo_table command_line; /* bytes, NUL-terminated: count includes the NUL */
    struct bootinfo_table loader_log;   /* bytes, NUL-terminated: count includes the NUL */

    uint32_t efi_descriptor_version;
    uint32_t exit_attempts;    /* calls of ExitBootServices, 1 where the first was accepted */
    uint64_t efi_system_table; /* physical */
    uint8_t firmware_vendor[BOOTINFO_VENDOR_BYTES]; /* ASCII, NUL-terminated */
    uint32_t firmware_revision;
    uint32_t efi_revision; /* of the EFI system table header */
    uint64_t rsdp;         /* physical, 0 = none */
    uint8_t rsdp_copy[36]; /* ACPI 2.0 size; 20 of ACPI 1.0, or where the XSDT is no good */
    uint32_t rsdp_copy_size;
    uint64_t smbios;  /* physical address of the SMBIOS 2.x entry point, 0 = none */
    uint64_t smbios3; /* the same for 3.x */
    struct bootinfo_framebuffer framebuffer;
    uint64_t flags; /* BOOTINFO_FLAG_* */

    uint64_t tsc_stamp[BOOTINFO_STAMP_COUNT];
    uint64_t tsc_hz;     /* 0 = unknown */
    uint32_t tsc_source; /* enum bootinfo_tsc_source */
    uint32_t phys_bits;  /* MAXPHYADDR that the loader used */

    struct bootinfo_serial serial; /* since 1.1 */

    struct bootinfo_table tpm_log; /* bytes: the firmware's crypto-agile event log; since 1.2 */
    struct bootinfo_tpm tpm;       /* since 1.2 */
};

_Static_assert(offsetof(struct bootinfo, crc32c) == 12, "contract");
_Static_assert(offsetof(struct bootinfo, kernel_phys) == 24, "contract");
_Static_assert(offsetof(struct bootinfo, stack_base) == 72, "contract");
_Static_assert(offsetof(struct bootinfo, mmap) == 112, "contract");
_Static_assert(offsetof(struct bootinfo, efi_descriptor_version) == 256, "contract");
_Static_assert(offsetof(struct bootinfo, rsdp) == 344, "contract");
_Static_assert(offsetof(struct bootinfo, framebuffer) == 408, "contract");
_Static_assert(offsetof(struct bootinfo, tsc_stamp) == 464, "contract");
_Static_assert(offsetof(struct bootinfo, serial) == 512, "contract");
_Static_assert(offsetof(struct bootinfo, tpm_log) == 528, "contract");
_Static_assert(offsetof(struct bootinfo, tpm) == 544, "contract");
_Static_assert(sizeof(struct bootinfo) == 616, "contract");

#endif
