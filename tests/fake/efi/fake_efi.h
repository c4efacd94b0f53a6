/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Scripted UEFI firmware for host tests: a system table whose services keep real books (pages,
 * pool, files, map keys) over the fake RAM, and fail where a script says so. What the
 * specification forbids is noted as a violation:
 *
 *   - any service after ExitBootServices; after a failed one any but it and GetMemoryMap;
 *   - anything between the GetMemoryMap whose key is used and ExitBootServices;
 *   - freeing what was not allocated, closing what is not open, printing without a console;
 *   - going back to the firmware with pages, pool or files not given back.
 *
 * Two ways to use it. A unit is called directly between fake_efi_start() and fake_efi_finish(). The
 * whole loader runs in a child process (fake_efi_run()), because its state is static and two of
 * its three ends do not return. On the host EFIAPI is the host's own calling convention.
 */
#ifndef FAKE_EFI_H
#define FAKE_EFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <efi.h>

#include "shared/black_box.h"
#include "shared/bootinfo.h"

#include "measured_boot.h"
#include "mm/kernel_tables.h"
#include "tests/fake/fake_cpu.h"

enum fake_efi_service {
    FAKE_EFI_ALLOCATE_PAGES,
    FAKE_EFI_FREE_PAGES,
    FAKE_EFI_ALLOCATE_POOL,
    FAKE_EFI_FREE_POOL,
    FAKE_EFI_GET_MEMORY_MAP,
    FAKE_EFI_EXIT_BOOT_SERVICES,
    FAKE_EFI_HANDLE_PROTOCOL,
    FAKE_EFI_LOCATE_PROTOCOL,
    FAKE_EFI_LOCATE_HANDLE_BUFFER,
    FAKE_EFI_STALL,
    FAKE_EFI_SET_WATCHDOG_TIMER,
    FAKE_EFI_OUTPUT_STRING,
    FAKE_EFI_READ_KEY,
    FAKE_EFI_GET_VARIABLE,
    FAKE_EFI_SET_VARIABLE,
    FAKE_EFI_RESET_SYSTEM,
    FAKE_EFI_OPEN_VOLUME,
    FAKE_EFI_FILE_OPEN,
    FAKE_EFI_FILE_CLOSE,
    FAKE_EFI_FILE_READ,
    FAKE_EFI_FILE_SET_POSITION,
    FAKE_EFI_FILE_GET_POSITION,
    FAKE_EFI_TPM_CAPABILITY,
    FAKE_EFI_TPM_EVENT_LOG,
    FAKE_EFI_TPM_MEASURE,
    FAKE_EFI_TPM_COMMAND,
    FAKE_EFI_FILE_WRITE,
    FAKE_EFI_FILE_FLUSH,
    FAKE_EFI_FILE_DELETE,
    FAKE_EFI_SERVICE_COUNT,
};

/** Calls @p at .. @p at + @p times - 1 (the first call is 1) of a service give @p status. */
struct fake_efi_fault {
    enum fake_efi_service service;
    uint32_t at; /* 0: no fault */
    uint32_t times;
    EFI_STATUS status;
};

#define FAKE_EFI_FOR_EVER UINT32_MAX

/** One descriptor of the machine, or one that is laid over its map. */
struct fake_efi_range {
    uint32_t type;
    uint64_t start; /* bytes; ranges of the machine are page-aligned */
    uint64_t pages;
    uint64_t attribute;
};

struct fake_efi_file {
    const char *path; /* "\\name", compared without case; NULL: no file */
    const void *bytes;
    size_t size_bytes;
    size_t claimed_bytes;   /* what seeking to the end says; 0: the truth */
    size_t bytes_each_read; /* 0: as many as asked for */
    bool is_directory;      /* seeking to the end fails */
    bool reads_too_much;    /* Read() claims one byte more than was asked for */
};

enum fake_efi_screen {
    FAKE_EFI_SCREEN_NONE,
    FAKE_EFI_SCREEN_RGB,
    FAKE_EFI_SCREEN_BGR,
    FAKE_EFI_SCREEN_MASKS_24, /* 24 bits a pixel */
    FAKE_EFI_SCREEN_BLT_ONLY,
    FAKE_EFI_SCREEN_UNKNOWN_FORMAT,
    FAKE_EFI_SCREEN_TOO_SMALL, /* a size without the last page */
    FAKE_EFI_SCREEN_WRAPS,     /* it ends beyond 2^64 */
    FAKE_EFI_SCREEN_TOO_HIGH,  /* it ends beyond what the CPU can address */
    FAKE_EFI_SCREEN_AT_ZERO,
    FAKE_EFI_SCREEN_NO_COLUMNS,
    FAKE_EFI_SCREEN_NO_LINES,
    FAKE_EFI_SCREEN_SHORT_PITCH, /* lines longer than from one to the next */
    FAKE_EFI_SCREEN_HUGE,        /* a size far beyond its mode's, over all RAM above it */
    FAKE_EFI_SCREEN_UNMAPPED,    /* not in the firmware's page tables */
    FAKE_EFI_SCREEN_NO_MODE,
    FAKE_EFI_SCREEN_NULL_INTERFACE, /* success, and a NULL pointer */
};

/** A graphics output besides the console's. */
struct fake_efi_output {
    enum fake_efi_output_kind {
        FAKE_EFI_OUTPUT_NONE,
        FAKE_EFI_OUTPUT_BLT_ONLY,
        FAKE_EFI_OUTPUT_SOUND,
    } kind;
    uint64_t base;
    bool is_console; /* its handle carries EFI_CONSOLE_OUT_DEVICE_GUID */
    enum fake_efi_monitor {
        FAKE_EFI_MONITOR_UNKNOWN, /* no EFI_EDID_ACTIVE_PROTOCOL */
        FAKE_EFI_MONITOR_NONE,    /* one without bytes */
        FAKE_EFI_MONITOR_NULL,    /* success, and a NULL pointer */
        FAKE_EFI_MONITOR,
    } monitor;
};

#define FAKE_EFI_OUTPUTS_MAX   10U
#define FAKE_EFI_OUTPUT_WIDTH  800U
#define FAKE_EFI_OUTPUT_HEIGHT 600U

/** What the console draws: EFI_CONSOLE_CONTROL_PROTOCOL of EDK1 and Apple. */
enum fake_efi_console_control {
    FAKE_EFI_CONSOLE_CONTROL_NONE, /* no such protocol: text */
    FAKE_EFI_CONSOLE_CONTROL_TEXT,
    FAKE_EFI_CONSOLE_CONTROL_GRAPHICS, /* text is swallowed; the screen has another mode */
    FAKE_EFI_CONSOLE_CONTROL_STUCK,    /* ... and SetMode() fails */
    FAKE_EFI_CONSOLE_CONTROL_SILENT,   /* ... and GetMode() fails */
    FAKE_EFI_CONSOLE_CONTROL_NULL,     /* success, and a NULL pointer */
};

/** What breaks inside the loader, which no firmware can bring about. */
enum fake_efi_break {
    FAKE_EFI_BREAK_NOTHING,
    FAKE_EFI_BREAK_STEP,        /* a step fails and does not say why */
    FAKE_EFI_BREAK_BOOKS,       /* the books of the first map */
    FAKE_EFI_BREAK_TABLES,      /* the audit of the hand-over tables */
    FAKE_EFI_BREAK_PLAN_TABLES, /* the audit of the kernel's tables, in the trial of its bring-up */
    FAKE_EFI_BREAK_PLAN_BUILD,  /* ... no tables for this map */
    FAKE_EFI_BREAK_PLAN_MEMORY, /* ... too little memory */
    FAKE_EFI_BREAK_PLAN_BOOKS,  /* ... sums that do not agree: a frame is lost */
    FAKE_EFI_BREAK_PLAN_PANIC,  /* ... a broken invariant, under a lock */
    FAKE_EFI_BREAK_LAST_MAP,    /* the map behind the exit */
    FAKE_EFI_BREAK_EXTENSION,   /* the tables' extension behind the exit */
    FAKE_EFI_BREAK_BLOCK,       /* writing the bootinfo */
};

/** Who types. */
enum fake_efi_key {
    FAKE_EFI_KEY_NONE,
    FAKE_EFI_KEY_CONIN,    /* on the firmware's console, once it is asked for */
    FAKE_EFI_KEY_SERIAL,   /* on COM1 */
    FAKE_EFI_KEY_EARLY,    /* ten keys before the start, never again */
    FAKE_EFI_KEY_FOR_EVER, /* a key that hangs */
    FAKE_EFI_KEY_HELD      /* a repeated key, for one ReadKeyStroke() */
};

/** The TPM behind TCG2. */
enum fake_efi_tpm {
    FAKE_EFI_TPM_NONE,           /* no TCG2 */
    FAKE_EFI_TPM_SOUND,          /* measures, and its log gives its PCRs */
    FAKE_EFI_TPM_NOT_PRESENT,    /* TCG2 says that there is no TPM */
    FAKE_EFI_TPM_NULL_INTERFACE, /* success, and a NULL pointer */
    FAKE_EFI_TPM_LOG_1_2,        /* a log in the format of TPM 1.2 only */
    FAKE_EFI_TPM_LOG_FULL,       /* room for the firmware's own events only */
    FAKE_EFI_TPM_LOG_CUT,        /* GetEventLog says that events are missing */
    FAKE_EFI_TPM_LOG_NOWHERE,    /* at an address that is no memory */
    FAKE_EFI_TPM_LOG_BACKWARDS,  /* the last event lies before the first */
    FAKE_EFI_TPM_LOG_ASTRAY,     /* ... inside an event */
    FAKE_EFI_TPM_LOG_OVERLONG,   /* it claims more bytes than its memory has */
    FAKE_EFI_TPM_LOG_WRONG,      /* an event is not what was extended */
    FAKE_EFI_TPM_SHA1_ONLY,      /* the SHA-256 bank is off */
    FAKE_EFI_TPM_REFUSES,        /* TPM2_PCR_Read gets a response code */
    FAKE_EFI_TPM_SILENT,         /* success, and no response */
};

#define FAKE_EFI_FAULTS_MAX 4U
#define FAKE_EFI_FILES_MAX  3U

/** What this firmware is like; zero is a sound machine of 256 MiB with ACPI and COM1. */
struct fake_efi_script {
    /* machine */
    const struct fake_efi_range *ranges; /* sorted, disjoint; NULL: the usual one */
    uint32_t range_count;
    bool no_uart;
    bool exit_returns; /* Exit() fails */
    bool la57;
    bool no_long_mode; /* CPUID denies what runs */
    bool is_guest;     /* under a hypervisor */
    uint64_t cr3;
    const struct fake_cpuid *cpuid; /* two leaves, or NULL */
    const struct fake_msr *msr;     /* one, or NULL */
    bool has_nx_cleared;            /* the CPU has no NX */
    /* firmware at rest */
    bool no_conout;
    bool no_conin;
    enum fake_efi_key key;
    uint32_t key_at;      /* FAKE_EFI_KEY_HELD: for which, from 1 on */
    const char *typed;    /* on the firmware's console once the start menu asks, or NULL */
    bool typed_on_serial; /* ... on COM1 */
    enum fake_efi_break breaks;
    enum fake_efi_console_control console_control;
    bool conout_is_com1; /* the console's device path leads to the first serial port */
    bool conout_sends;   /* the console writes to that port, and no path says so */
    bool no_loaded_image;
    bool no_volume;
    bool no_config_tables;
    bool bad_rsdp;
    bool bad_xsdt_address; /* the second part of the RSDP has a wrong sum; there is an RSDT */
    bool no_vendor;
    bool secure_boot;
    enum fake_efi_tpm tpm;
    bool has_memory_attributes;  /* EFI_MEMORY_ATTRIBUTE_PROTOCOL */
    enum fake_efi_screen screen; /* of the console */
    struct fake_efi_output outputs[FAKE_EFI_OUTPUTS_MAX];
    const void *load_options;
    uint32_t load_options_bytes;
    struct fake_efi_file files[FAKE_EFI_FILES_MAX];
    bool read_only;            /* the volume takes no files */
    uint64_t volume_bytes;     /* room for new files; 0: enough */
    uint64_t bytes_each_write; /* Write() takes no more; 0: all */
    bool writes_too_much;      /* Write() claims one byte more than it was given */
    uint32_t reports_taken;    /* report-000 .. are there: .txt and .json by turns */
    /* memory map */
    const struct fake_efi_range *overlay; /* descriptors on top, in any state of health */
    uint32_t overlay_count;
    uint64_t stride; /* 0: 48 */
    bool unset_stride;
    bool reverse;
    uint32_t premerge;       /* descriptors that a buffer must have room for on top */
    uint32_t grow_each_map;  /* descriptors that come with each GetMemoryMap */
    uint32_t grow_each_exit; /* ... with each ExitBootServices */
    bool overrun;            /* GetMemoryMap for the exit writes behind its buffer */
    bool lie;                /* ... claims more bytes than there is room for */
    bool key_is_zero;        /* the good key is 0 */
    /* memory */
    bool pool_gives_null;   /* AllocatePool succeeds with a NULL pointer at the first call */
    uint32_t pages_at_zero; /* AllocatePages gives page 0 so often, whatever was asked for */
    bool pages_refused_low; /* AllocatePages refuses everything below 16 MiB */
    const void *black_box;  /* BLACK_BOX_BYTES at FAKE_EFI_BLACK_BOX from the start, or NULL */
    const void *variable;   /* value of FirstlightBlackBox, or NULL */
    uint32_t variable_bytes;
    /* exit */
    uint32_t refuse; /* ExitBootServices says so often that the key is stale */
    bool serial_byte_after_stop;
    bool reset_returns; /* ResetSystem does nothing */
    /* nth-call faults */
    struct fake_efi_fault faults[FAKE_EFI_FAULTS_MAX];
};

enum fake_efi_end {
    FAKE_EFI_CRASHED, /* by a signal, a sanitizer, or the fake's own time limit */
    FAKE_EFI_RETURNED,
    FAKE_EFI_ENTERED_KERNEL,
    FAKE_EFI_RESET,
    FAKE_EFI_HALTED, /* ResetSystem came back */
};

#define FAKE_EFI_TEXT_BYTES    16384U
#define FAKE_EFI_WRITTEN_MAX   2U
#define FAKE_EFI_BLACK_BOX     UINT64_C(0x7f8000) /* where a black box lies */
#define FAKE_EFI_WRITTEN_BYTES 65536U

/** A file that was made and is still there. */
struct fake_efi_written {
    char name[32]; /* in the folder firstlight; "": none */
    bool is_whole; /* every write went in, and the end was flushed */
    uint32_t size_bytes;
    char text[FAKE_EFI_WRITTEN_BYTES];
};

/** What a run left behind. */
struct fake_efi_result {
    enum fake_efi_end end;
    EFI_STATUS status; /* of efi_main, where it returned */
    uint32_t violations;
    char violation[160]; /* the first */
    uint32_t calls[FAKE_EFI_SERVICE_COUNT];
    uint32_t faults_fired;
    uint32_t live_pages; /* allocations not given back */
    uint32_t live_pool;
    uint32_t live_files;
    struct fake_efi_written written[FAKE_EFI_WRITTEN_MAX];
    bool interrupts_off;               /* the loader has masked them */
    uint32_t exits_by_call;            /* calls of Exit() */
    uint64_t stopped_ms;               /* fake time from the last print to the reset */
    uint64_t waited_ms;                /* fake time from the question for a key on */
    char console[FAKE_EFI_TEXT_BYTES]; /* what ConOut printed, as ASCII without CR */
    char serial[FAKE_EFI_TEXT_BYTES];  /* what went out on COM1, without CR */
    bool screen_is_touched;            /* somebody wrote to the framebuffer */
    char screen[FAKE_EFI_TEXT_BYTES];  /* what can be read on it then, rows of text */
    struct kernel_layout planned;      /* what the loader expects of the kernel, and of its CPU */
    struct paging_features planned_features;
    bool bootinfo_is_good;              /* the kernel's own check says so */
    struct bootinfo info;               /* its header, where the kernel was entered */
    uint64_t usable_bytes;              /* by its map: type 1 */
    uint64_t bad_bytes;                 /* type 5 */
    struct measured_boot measured;      /* what the kernel makes of the TPM's log */
    uint8_t black_box[BLACK_BOX_BYTES]; /* what lies there in the end; the usual machine only */
    uint8_t variable[64];               /* what SetVariable got */
    uint32_t variable_bytes;
    uint32_t tpm_events; /* that the loader had measured */
    char tpm_text[512];  /* their data, a line each, with the PCR in front */
};

/** The firmware that runs now (singleton of the test program). */
extern struct fake_efi_result fake_efi;

/** Sets up machine and firmware anew. @return the system table; it lives until the next start */
EFI_SYSTEM_TABLE *fake_efi_start(const struct fake_efi_script *script);

/** The handle of the image that is under test, and of its volume. */
EFI_HANDLE fake_efi_image(void);
EFI_HANDLE fake_efi_volume(void);

/** Counts what was not given back into fake_efi. */
void fake_efi_finish(void);

/** Runs efi_main() in a child process under @p script. */
void fake_efi_run(const struct fake_efi_script *script, struct fake_efi_result *result);

/** Shows what the loader prints on stderr as well (--log). */
void fake_log_show(bool on);

#endif
