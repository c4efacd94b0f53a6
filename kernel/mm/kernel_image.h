/* SPDX-License-Identifier: GPL-2.0-only
 *
 * The bounds of the kernel image (the seed's X86_64MMBootstrapInfo, S05) and the page flags that
 * follow from them (S84). Virtual addresses, page-aligned, half-open, in this order:
 *
 *     code_start .. code_end .. rodata_end .. data_end .. start_brk
 *      R X           R           RW            RW (bss)
 */
#ifndef MM_KERNEL_IMAGE_H
#define MM_KERNEL_IMAGE_H

#include <stdbool.h>

#include "mm/addr.h"
#include "mm/page_flags.h"

struct kernel_image {
    virt_addr_t code_start; /* _text */
    virt_addr_t code_end;   /* _etext; rodata starts here */
    virt_addr_t rodata_end; /* _erodata; data starts here */
    virt_addr_t data_end;   /* _edata */
    virt_addr_t start_brk;  /* _end */
};

/** What the page at @p virt may do (S84): code R+X, rodata R, everything else RW and no-exec. */
static inline page_flags_t kernel_page_flags(const struct kernel_image *image, virt_addr_t virt)
{
    if (virt.value >= image->code_start.value && virt.value < image->code_end.value) {
        return page_flags_set_execute(page_flags_new(), true);
    }
    if (virt.value >= image->code_end.value && virt.value < image->rodata_end.value) {
        return page_flags_new();
    }
    return page_flags_set_write(page_flags_new(), true);
}

#endif
