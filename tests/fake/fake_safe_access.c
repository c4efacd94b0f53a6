/* SPDX-License-Identifier: GPL-2.0-only
 *
 * See fake_safe_access.h.
 */
#include "tests/fake/fake_safe_access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/cpu.h>
#include <arch/physmap.h>
#include <arch/safe_access.h>

#include "tests/fake/fake_ram.h"

#define MSR_EFER    0xc0000080U
#define MSR_PAT     0x277U
#define MAX_ENTRIES 8U

struct buffer {
    uint64_t start;
    size_t size_bytes;
    char *bytes;
    bool is_writable;
};

struct msr {
    uint32_t number;
    uint64_t value;
};

static struct {
    struct buffer buffers[MAX_ENTRIES];
    size_t buffer_count;
    struct msr msrs[MAX_ENTRIES];
    size_t msr_count;
    struct fake_safe_access_log log;
} fake;

void fake_safe_access_reset(void)
{
    memset(&fake, 0, sizeof(fake));
}

void fake_safe_access_map(uint64_t start, void *bytes, size_t size_bytes, bool is_writable)
{
    if (fake.buffer_count == MAX_ENTRIES) {
        fprintf(stderr, "fake_safe_access: too many buffers\n");
        abort();
    }
    fake.buffers[fake.buffer_count++] = (struct buffer){ start, size_bytes, bytes, is_writable };
}

void fake_safe_access_add_msr(uint32_t msr, uint64_t value)
{
    if (fake.msr_count == MAX_ENTRIES) {
        fprintf(stderr, "fake_safe_access: too many registers\n");
        abort();
    }
    fake.msrs[fake.msr_count++] = (struct msr){ msr, value };
}

struct fake_safe_access_log fake_safe_access_log(void)
{
    return fake.log;
}

/* The bytes at `virt`, or NULL: a fault. */
static char *find(uint64_t virt, unsigned width_bytes, bool is_store)
{
    for (size_t i = 0; i < fake.buffer_count; i++) {
        const struct buffer *const b = &fake.buffers[i];
        if (virt >= b->start && virt - b->start < b->size_bytes &&
            b->size_bytes - (virt - b->start) >= width_bytes && (b->is_writable || !is_store)) {
            return b->bytes + (virt - b->start);
        }
    }
    if (virt >= PHYS_OFFSET && virt < MMIO_POOL_START &&
        fake_ram_contains(virt - PHYS_OFFSET, width_bytes)) {
        return physmap_ptr(phys_addr(virt - PHYS_OFFSET), width_bytes);
    }
    return NULL;
}

static bool width_is_valid(unsigned width_bytes)
{
    return width_bytes == 1 || width_bytes == 2 || width_bytes == 4 || width_bytes == 8;
}

enum kstatus arch_safe_load(virt_addr_t virt, unsigned width_bytes, uint64_t *value)
{
    if (!width_is_valid(width_bytes)) {
        return K_EINVAL;
    }
    fake.log.loads++;
    fake.log.address = virt.value;
    fake.log.width_bytes = width_bytes;
    const char *const bytes = find(virt.value, width_bytes, false);
    if (bytes == NULL) {
        return K_EFAULT;
    }
    *value = 0;
    memcpy(value, bytes, width_bytes); /* little-endian, as the machine */
    return K_OK;
}

enum kstatus arch_safe_store(virt_addr_t virt, unsigned width_bytes, uint64_t value)
{
    if (!width_is_valid(width_bytes)) {
        return K_EINVAL;
    }
    fake.log.stores++;
    fake.log.address = virt.value;
    fake.log.width_bytes = width_bytes;
    char *const bytes = find(virt.value, width_bytes, true);
    if (bytes == NULL) {
        return K_EFAULT;
    }
    memcpy(bytes, &value, width_bytes);
    return K_OK;
}

static struct msr *find_msr(uint32_t number)
{
    for (size_t i = 0; i < fake.msr_count; i++) {
        if (fake.msrs[i].number == number) {
            return &fake.msrs[i];
        }
    }
    return NULL;
}

enum kstatus arch_safe_rdmsr(uint32_t msr, uint64_t *value)
{
    if (msr == MSR_EFER || msr == MSR_PAT) {
        *value = x86_rdmsr(msr);
        return K_OK;
    }
    const struct msr *const found = find_msr(msr);
    if (found == NULL) {
        return K_EFAULT;
    }
    *value = found->value;
    return K_OK;
}

enum kstatus arch_safe_wrmsr(uint32_t msr, uint64_t value)
{
    if (msr == MSR_EFER || msr == MSR_PAT) {
        x86_wrmsr(msr, value);
        return K_OK;
    }
    struct msr *const found = find_msr(msr);
    if (found == NULL) {
        return K_EFAULT;
    }
    found->value = value;
    return K_OK;
}
