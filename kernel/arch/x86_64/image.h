/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Where the running kernel image lies: the linker's symbols (kernel.lds) as addresses. Hidden
 * visibility, so that they need no GOT in a PIE.
 */
#ifndef ARCH_X86_64_IMAGE_H
#define ARCH_X86_64_IMAGE_H

#include "mm/kernel_image.h"

/** The symbols _text .. _end of this image, as virtual addresses (S05). */
struct kernel_image kernel_image(void);

#define IMAGE_BUILD_ID_BYTES 20U /* SHA-1, as the Makefile asks the linker for */

/** The image's build id in hex digits, as `readelf -n build/kernel.elf` shows it. */
void image_build_id_text(char text[2 * IMAGE_BUILD_ID_BYTES + 1]);

#endif
