/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The words of `hostile=`: see hostile.h. `name` alone is `name:1`.
 */
#include "hostile.h"
#include "lib/string.h"

static const struct {
    const char *name;
    enum hostile_word word;
} words[] = {
    { "shuffle", HOSTILE_SHUFFLE },           /* each map in another order */
    { "reverse", HOSTILE_REVERSE },           /* highest address first */
    { "split", HOSTILE_SPLIT },               /* N pages above 1 MiB: a descriptor each */
    { "count", HOSTILE_COUNT },               /* N descriptors, of types that do not merge */
    { "double", HOSTILE_DOUBLE },             /* descriptors twice, and once more by halves */
    { "nest", HOSTILE_NEST },                 /* reserved in free memory, bad in that; high up */
    { "nest-low", HOSTILE_NEST_LOW },         /* reserved on the first free MiB above 1 MiB */
    { "junk", HOSTILE_JUNK },                 /* zero-length, wrapping, too high, unaligned */
    { "stride", HOSTILE_STRIDE },             /* N bytes from one descriptor to the next */
    { "unset-stride", HOSTILE_UNSET_STRIDE }, /* the size of a descriptor is not written */
    { "premerge", HOSTILE_PREMERGE },         /* wants room for 300 more than it returns */
    { "grow", HOSTILE_GROW },                 /* N descriptors more after each refused exit */
    { "creep", HOSTILE_CREEP },               /* N descriptors more after each call */
    { "overrun", HOSTILE_OVERRUN },           /* writes 8 bytes behind the buffer of the exit */
    { "lie", HOSTILE_LIE },                   /* claims more bytes than that buffer holds */
    { "take-back", HOSTILE_TAKE_BACK },       /* at the exit the image's memory is reserved */
    { "give", HOSTILE_GIVE },     /* at the exit: N pages more, 2 GiB apart, behind all RAM */
    { "refuse", HOSTILE_REFUSE }, /* ExitBootServices refuses N times */
    { "exit-error", HOSTILE_EXIT_ERROR }, /* ... fails with an error it must not return */
    { "fail-pages", HOSTILE_FAIL_PAGES }, /* AllocatePages fails from call N on */
    { "fail-one", HOSTILE_FAIL_ONE },     /* AllocatePages fails at call N only */
    { "fail-pool", HOSTILE_FAIL_POOL },   /* AllocatePool fails from call N on */
    { "fragment", HOSTILE_FRAGMENT },     /* no free 2 MiB below 4 GiB; the holes stay */
    { "no-low", HOSTILE_NO_LOW },         /* nothing free from 1 MiB to 4 GiB */
    { "scarce", HOSTILE_SCARCE },         /* N KiB free above 1 MiB */
    { "strict-nx", HOSTILE_STRICT_NX },   /* no page that is writable is executable */
    { "none", HOSTILE_NONE },             /* good firmware, but wrapped */
    { "no-conout", HOSTILE_NO_CONOUT },
    { "no-conin", HOSTILE_NO_CONIN },
    { "conout-error", HOSTILE_CONOUT_ERROR }, /* OutputString prints nothing and fails */
    { "no-gop", HOSTILE_NO_GOP },
    { "blt-only", HOSTILE_BLT_ONLY }, /* a screen without a framebuffer */
    /* 1024 x 768, BGR, but for what these say: */
    { "gop-bar", HOSTILE_GOP_BAR },           /* in the 64-bit BAR of QEMU's ivshmem */
    { "gop-free", HOSTILE_GOP_FREE },         /* amid free memory, which stays free */
    { "gop-base", HOSTILE_GOP_BASE },         /* at N */
    { "gop-offset", HOSTILE_GOP_OFFSET },     /* N bytes behind where it would be */
    { "gop-width", HOSTILE_GOP_WIDTH },       /* N pixels */
    { "gop-height", HOSTILE_GOP_HEIGHT },     /* N lines */
    { "gop-pitch", HOSTILE_GOP_PITCH },       /* N pixels from one line to the next */
    { "gop-size", HOSTILE_GOP_SIZE },         /* N bytes, instead of what these need */
    { "gop-rgb", HOSTILE_GOP_RGB },           /* red in the lowest byte */
    { "gop-masks", HOSTILE_GOP_MASKS },       /* 11 bits green, 9 bits red, 10 bits blue, a gap */
    { "gop-unmapped", HOSTILE_GOP_UNMAPPED }, /* not in the firmware's page tables */
    { "no-nxe", HOSTILE_NO_NXE },             /* at the exit: EFER.NXE clear */
    { "cr4-min", HOSTILE_CR4_MIN },           /* at the exit: no OSFXSR, OSXMMEXCPT, DE, MCE, PGE */
    { "cr4-max", HOSTILE_CR4_MAX },           /* at the exit: PGE, SMEP, SMAP, UMIP, ... */
    { "la57", HOSTILE_LA57 },                 /* 5-level paging */
    { "watchdog", HOSTILE_WATCHDOG },         /* SetWatchdogTimer fails */
    { "stall-error", HOSTILE_STALL_ERROR },
    { "stall-tenth", HOSTILE_STALL_TENTH },   /* Stall takes a tenth of the time */
    { "unterminated", HOSTILE_UNTERMINATED }, /* LoadOptions without NUL, junk behind */
    { "odd-options", HOSTILE_ODD_OPTIONS },   /* LoadOptionsSize is odd, there is a BOM */
    { "secure-boot", HOSTILE_SECURE_BOOT },   /* the variable says that it is on */
    { "fill-variables", HOSTILE_FILL_VARIABLES },
    { "protect-variables", HOSTILE_PROTECT_VARIABLES },
    { "no-tables", HOSTILE_NO_TABLES },   /* no configuration tables, no vendor */
    { "tpm-extend", HOSTILE_TPM_EXTEND }, /* PCR N is extended past the log */
    { "tpm-drop", HOSTILE_TPM_DROP },     /* the log lacks the last event of PCR N */
    { "tpm-truncated", HOSTILE_TPM_TRUNCATED },
    { "tpm-refuse", HOSTILE_TPM_REFUSE }, /* measuring fails, the TPM knows no command */
};
_Static_assert(ARRAY_COUNT(words) == HOSTILE_WORD_COUNT, "each word has a name");

static bool set_word(const char *name, size_t length, uint64_t value)
{
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strlen(words[i].name) == length && memcmp(words[i].name, name, length) == 0) {
            hostile.value[words[i].word] = value;
            hostile.is_given[words[i].word] = true;
            return true;
        }
    }
    return false;
}

/* Reads one word, [text, text + length). */
static bool read_word(const char *text, size_t length)
{
    size_t name_length = 0;
    while (name_length < length && text[name_length] != ':') {
        name_length++;
    }
    if (name_length == length) {
        return set_word(text, length, 1);
    }
    uint64_t value = 0;
    for (size_t i = name_length + 1; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    return set_word(text, name_length, value);
}

enum kstatus hostile_plan_read(const char *text, size_t length)
{
    size_t start = 0;
    while (start < length) {
        size_t end = start;
        while (end < length && text[end] != ',') {
            end++;
        }
        if (!read_word(text + start, end - start)) {
            hostile_say("nobody knows the word at: ", text + start);
            return K_EINVAL;
        }
        start = end + 1;
    }
    return K_OK;
}
