/* SPDX-License-Identifier: GPL-2.0-only
 *
 * HOSTILE.EFI: a UEFI application that starts Firstlight under firmware which misbehaves on
 * command. It gives the started image copies of the system table and of the boot services whose
 * pointers lead here first; the firmware itself and its drivers keep the real ones, so that only
 * the image under test sees the faults.
 *
 *     firmware ──starts──> HOSTILE.EFI ──LoadImage, StartImage──> BOOTX64.EFI
 *         ^                 |  words of `hostile=`                     |
 *         |                 v                                          v
 *         └── real ── wrapped boot services <──────────── system table (copy)
 *
 *     hostile_main.c      the order of things
 *     hostile_plan.c      the words: `hostile=split:3000,refuse:3`
 *     hostile_map.c       GetMemoryMap: the shapes of the map
 *     hostile_services.c  every other wrapped service, and the calls that are forbidden
 *     hostile_squeeze.c   memory taken away before the start, really
 *     hostile_protect.c   memory that is writable or executable, never both
 *     hostile_screen.c    the graphics output: another framebuffer than the firmware's
 *     hostile_tpm.c       the TCG2 protocol: logs that do not fit, a TPM that refuses
 *     hostile_variables.c a store of variables that takes nothing
 *     hostile_levels.c    5-level paging while the image runs
 *
 * What the image must not do is answered with a line on COM1 that begins with `hostile: called`;
 * the boot matrix fails on it. Loader flags, boot services needed.
 */
#ifndef TESTS_GUEST_HOSTILE_HOSTILE_H
#define TESTS_GUEST_HOSTILE_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <efi.h>

#include "kstatus.h"
#include "lib/compiler.h"

/** What can be asked for; hostile_plan.c has the names and what each one does. */
enum hostile_word {
    /* the memory map */
    HOSTILE_SHUFFLE,
    HOSTILE_REVERSE,
    HOSTILE_SPLIT,
    HOSTILE_COUNT,
    HOSTILE_DOUBLE,
    HOSTILE_NEST,
    HOSTILE_NEST_LOW,
    HOSTILE_JUNK,
    HOSTILE_STRIDE,
    HOSTILE_UNSET_STRIDE,
    HOSTILE_PREMERGE,
    HOSTILE_GROW,
    HOSTILE_CREEP,
    HOSTILE_OVERRUN,
    HOSTILE_LIE,
    HOSTILE_TAKE_BACK,
    HOSTILE_GIVE,
    /* the exit */
    HOSTILE_REFUSE,
    HOSTILE_EXIT_ERROR,
    /* memory */
    HOSTILE_FAIL_PAGES,
    HOSTILE_FAIL_ONE,
    HOSTILE_FAIL_POOL,
    HOSTILE_FRAGMENT,
    HOSTILE_NO_LOW,
    HOSTILE_SCARCE,
    HOSTILE_STRICT_NX,
    /* consoles and screen */
    HOSTILE_NO_CONOUT,
    HOSTILE_NO_CONIN,
    HOSTILE_CONOUT_ERROR,
    HOSTILE_NO_GOP,
    HOSTILE_BLT_ONLY,
    HOSTILE_GOP_BAR,
    HOSTILE_GOP_FREE,
    HOSTILE_GOP_BASE,
    HOSTILE_GOP_OFFSET,
    HOSTILE_GOP_WIDTH,
    HOSTILE_GOP_HEIGHT,
    HOSTILE_GOP_PITCH,
    HOSTILE_GOP_SIZE,
    HOSTILE_GOP_RGB,
    HOSTILE_GOP_MASKS,
    HOSTILE_GOP_UNMAPPED,
    /* CPU */
    HOSTILE_NO_NXE,
    HOSTILE_CR4_MIN,
    HOSTILE_CR4_MAX,
    HOSTILE_LA57,
    /* the rest */
    HOSTILE_NONE,
    HOSTILE_WATCHDOG,
    HOSTILE_STALL_ERROR,
    HOSTILE_STALL_TENTH,
    HOSTILE_UNTERMINATED,
    HOSTILE_ODD_OPTIONS,
    HOSTILE_SECURE_BOOT,
    HOSTILE_FILL_VARIABLES,
    HOSTILE_PROTECT_VARIABLES,
    HOSTILE_NO_TABLES,
    /* TPM */
    HOSTILE_TPM_EXTEND,
    HOSTILE_TPM_DROP,
    HOSTILE_TPM_TRUNCATED,
    HOSTILE_TPM_REFUSE,
    HOSTILE_WORD_COUNT,
};

/** How far the image under test is. */
enum hostile_phase {
    HOSTILE_RUNNING,
    HOSTILE_EXIT_TRIED, /* ExitBootServices failed: only it and GetMemoryMap may follow */
    HOSTILE_EXITED,     /* nothing may follow */
};

/** The one state, set up by efi_main() (singleton). */
struct hostile {
    EFI_SYSTEM_TABLE *real_system;
    EFI_BOOT_SERVICES *real;
    EFI_SYSTEM_TABLE *system; /* what the image gets; in runtime memory, it stays valid */
    EFI_BOOT_SERVICES *services;
    EFI_RUNTIME_SERVICES *runtime;
    enum hostile_phase phase;
    bool map_is_fresh;                  /* no call since the last GetMemoryMap */
    bool in_exit;                       /* that map was for the exit: the buffer is page-aligned */
    uint32_t exits;                     /* calls of ExitBootServices */
    uint64_t value[HOSTILE_WORD_COUNT]; /* 0: off */
    bool is_given[HOSTILE_WORD_COUNT];
};

extern struct hostile hostile;

/** The value of @p word, 0 where it was not asked for. */
static inline uint64_t hostile_value(enum hostile_word word)
{
    return hostile.value[word];
}

/** The value of @p word, 0 included, and @p other where it was not asked for. */
static inline uint64_t hostile_value_or(enum hostile_word word, uint64_t other)
{
    return hostile.is_given[word] ? hostile.value[word] : other;
}

/** One line on COM1: "hostile: ", @p text, @p name. Works before and after the exit. */
void hostile_say(const char *text, const char *name);

/**
 * Reads `name,name:number` into hostile.value.
 * @return K_OK; K_EINVAL after a line that says which word nobody knows
 */
MUST_CHECK enum kstatus hostile_plan_read(const char *words, size_t length);

/** Memory for the shaped map. @return K_OK or K_ENOMEM */
MUST_CHECK enum kstatus hostile_map_init(void);

/** GetMemoryMap as the image sees it. */
EFI_STATUS EFIAPI hostile_get_memory_map(UINTN *size_bytes, EFI_MEMORY_DESCRIPTOR *map,
                                         UINTN *map_key, UINTN *descriptor_size,
                                         UINT32 *descriptor_version);

/** The firmware's key where @p map_key is the one that hostile_get_memory_map() gave last. */
bool hostile_map_real_key(UINTN map_key, UINTN *real_key);

/** Copies the tables and leads their pointers here. @return K_OK or K_ENOMEM */
MUST_CHECK enum kstatus hostile_services_install(void);

/** Takes memory as `fragment`, `no-low` and `scarce` say. @return K_OK, K_EIO, K_ENOMEM */
MUST_CHECK enum kstatus hostile_squeeze(void);

/** Protects memory and @p image where `strict-nx` says so.
 *  @return K_OK; K_ENOENT without the firmware's protocol; K_EIO where it refuses */
MUST_CHECK enum kstatus hostile_protect(const EFI_LOADED_IMAGE_PROTOCOL *image);

/** Makes the graphics output that the words of the screen ask for.
 *  @return K_OK; K_ENOENT no device with such memory; K_EIO no memory map */
MUST_CHECK enum kstatus hostile_screen_init(void);

/** Whether the protocol @p guid is the graphics output, and not the firmware's. */
bool hostile_screen_answers(const EFI_GUID *guid);

/** The answer then. @param none  the status where there is to be no such protocol */
EFI_STATUS hostile_screen_open(EFI_STATUS none, void **interface);

/** What the image gets for the protocol @p guid: @p interface, but for TCG2. */
void *hostile_tpm_wrap(const EFI_GUID *guid, void *interface);

/** Sets variables until not one byte more has room. */
void hostile_variables_fill(void);

/** Leads the services for variables here. */
void hostile_variables_wrap(EFI_RUNTIME_SERVICES *services);

/** Turns 5-level paging on. @return K_OK; K_ENOTSUP on a CPU without */
MUST_CHECK enum kstatus hostile_levels_add(void);

/** Turns it off again, where it was turned on. */
void hostile_levels_remove(void);

#endif
