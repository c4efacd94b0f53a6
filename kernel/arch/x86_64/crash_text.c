/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See crash_text.h. Error codes: SDM vol 3A, "Error Code", "Page-Fault Exceptions", "Control
 * Protection Exceptions"; DR6: vol 3B, "Debug Status Register" (ed. 2023-12). No state.
 */
#include "crash_text.h"

#include "lib/bits.h"
#include "lib/compiler.h"
#include "lib/format.h"
#include "trap.h"

#define TRAP_INVALID_TSS         10U
#define TRAP_SEGMENT_NOT_PRESENT 11U
#define TRAP_STACK_SEGMENT       12U
#define TRAP_ALIGNMENT_CHECK     17U
#define TRAP_CONTROL_PROTECTION  21U

/* Page-fault bits that trap.h has no use for. */
#define PF_PROTECTION_KEY 0x20U
#define PF_SHADOW_STACK   0x40U
#define PF_SGX            0x8000U

/* Selector error codes. */
#define SELECTOR_EXTERNAL 0x1U
#define SELECTOR_IDT      0x2U
#define SELECTOR_LDT      0x4U

static const char *const names[TRAP_VECTOR_COUNT] = {
    [0] = "divide error (#DE)",
    [TRAP_DEBUG] = "debug (#DB)",
    [TRAP_NMI] = "non-maskable interrupt (NMI)",
    [TRAP_BREAKPOINT] = "breakpoint (#BP)",
    [TRAP_OVERFLOW] = "overflow (#OF)",
    [5] = "bound range exceeded (#BR)",
    [TRAP_INVALID_OPCODE] = "invalid opcode (#UD)",
    [7] = "device not available (#NM)",
    [TRAP_DOUBLE_FAULT] = "double fault (#DF)",
    [TRAP_INVALID_TSS] = "invalid TSS (#TS)",
    [TRAP_SEGMENT_NOT_PRESENT] = "segment not present (#NP)",
    [TRAP_STACK_SEGMENT] = "stack-segment fault (#SS)",
    [TRAP_GENERAL_PROTECTION] = "general protection (#GP)",
    [TRAP_PAGE_FAULT] = "page fault (#PF)",
    [16] = "x87 floating-point error (#MF)",
    [TRAP_ALIGNMENT_CHECK] = "alignment check (#AC)",
    [TRAP_MACHINE_CHECK] = "machine check (#MC)",
    [19] = "SIMD floating-point error (#XM)",
    [20] = "virtualization exception (#VE)",
    [TRAP_CONTROL_PROTECTION] = "control protection (#CP)",
    [28] = "hypervisor injection (#HV)",
    [29] = "VMM communication (#VC)",
    [30] = "security exception (#SX)",
};

const char *crash_name(uint64_t vector)
{
    const char *const name = vector < TRAP_VECTOR_COUNT ? names[vector] : NULL;
    return name != NULL ? name : "reserved exception";
}

/* What of a present page forbids the access. */
static const char *forbidding(const struct crash_cause *cause)
{
    const uint64_t code = cause->error_code;
    if ((code & TRAP_PF_RESERVED) != 0) {
        return "a page whose entry has a reserved bit set";
    }
    if ((code & TRAP_PF_PRESENT) == 0) {
        return "a page that is not mapped";
    }
    if ((code & PF_PROTECTION_KEY) != 0) {
        return "a page that its protection key forbids";
    }
    if (cause->leaf_is_user && (code & TRAP_PF_USER) == 0) {
        return "a user page (SMEP, SMAP)";
    }
    if ((code & TRAP_PF_FETCH) != 0) {
        return "a no-execute page";
    }
    return (code & TRAP_PF_WRITE) != 0 ? "a read-only page" : "a page that forbids it";
}

static size_t describe_page_fault(const struct crash_cause *cause, char *text, size_t size_bytes)
{
    const uint64_t code = cause->error_code;
    const char *access = (code & TRAP_PF_WRITE) != 0 ? "write to" : "read of";
    if ((code & TRAP_PF_FETCH) != 0) {
        access = "instruction fetch from";
    }
    return format_text(text, size_bytes, "%s %s, %s%s%s", access, forbidding(cause),
                       (code & TRAP_PF_USER) != 0 ? "user" : "supervisor",
                       (code & PF_SHADOW_STACK) != 0 ? ", shadow stack" : "",
                       (code & PF_SGX) != 0 ? ", SGX" : "");
}

static size_t describe_selector(uint64_t code, char *text, size_t size_bytes)
{
    const char *const external = (code & SELECTOR_EXTERNAL) != 0 ? ", by an outside event" : "";
    if ((code & SELECTOR_IDT) != 0) {
        return format_text(text, size_bytes, "vector %u of the IDT%s",
                           (unsigned)(code >> 3 & 0x1fff), external); /* 13 bits */
    }
    if ((code & ~(uint64_t)SELECTOR_EXTERNAL) == 0) {
        return format_text(text, size_bytes, "no selector%s", external);
    }
    return format_text(text, size_bytes, "selector 0x%x of the %s%s",
                       (unsigned)(code & 0xfff8), /* 16 bits */
                       (code & SELECTOR_LDT) != 0 ? "LDT" : "GDT", external);
}

struct flag_word {
    uint64_t bit;
    const char *word;
};

static size_t describe_debug(uint64_t dr6, char *text, size_t size_bytes)
{
    static const struct flag_word words[] = {
        { BIT(0), "breakpoint 0" },
        { BIT(1), "breakpoint 1" },
        { BIT(2), "breakpoint 2" },
        { BIT(3), "breakpoint 3" },
        { BIT(13), "access to a debug register" },
        { BIT(14), "single step" },
        { BIT(15), "task switch" },
    };
    size_t length = 0;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if ((dr6 & words[i].bit) != 0 && length < size_bytes) {
            length += format_text(text + length, size_bytes - length, "%s%s",
                                  length == 0 ? "" : ", ", words[i].word);
        }
    }
    return length > 0 ? length : format_text(text, size_bytes, "by INT1");
}

static const char *control_protection(uint64_t code)
{
    static const char *const causes[] = {
        "near return", "far return or IRET", "no ENDBRANCH", "RSTORSSP", "SETSSBSY",
    };
    const uint64_t cause = code & 0x7fff; /* bit 15: inside an enclave */
    return cause >= 1 && cause <= ARRAY_COUNT(causes) ? causes[cause - 1] : "cause not known";
}

/* Where the name alone would send people searching. */
static const char *hint(uint64_t vector)
{
    switch (vector) {
    case 0:
        return "division by zero, or a quotient that does not fit";
    case 7:
        return "an FPU or SSE instruction: the kernel runs without";
    case TRAP_DOUBLE_FAULT:
        return "no way into the handler of another exception: often a stack overflow";
    case TRAP_NMI:
        return "a hardware error, a watchdog, or somebody's button";
    case TRAP_MACHINE_CHECK:
        return "the hardware reports an error of its own";
    default:
        return "";
    }
}

size_t crash_describe(const struct crash_cause *cause, char *text, size_t size_bytes)
{
    switch (cause->vector) {
    case TRAP_PAGE_FAULT:
        return describe_page_fault(cause, text, size_bytes);
    case TRAP_GENERAL_PROTECTION:
        if (cause->error_code == 0) {
            return format_text(text, size_bytes,
                               "no selector: an address that is not canonical, or a value or "
                               "instruction that is not allowed");
        }
        return describe_selector(cause->error_code, text, size_bytes);
    case TRAP_INVALID_TSS:
    case TRAP_SEGMENT_NOT_PRESENT:
    case TRAP_STACK_SEGMENT:
        return describe_selector(cause->error_code, text, size_bytes);
    case TRAP_DEBUG:
        return describe_debug(cause->dr6, text, size_bytes);
    case TRAP_CONTROL_PROTECTION:
        return format_text(text, size_bytes, "%s", control_protection(cause->error_code));
    default:
        return format_text(text, size_bytes, "%s", hint(cause->vector));
    }
}
