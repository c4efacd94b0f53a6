/* SPDX-License-Identifier: GPL-2.0-only
 *
 * EFI_TCG2_PROTOCOL as far as the loader calls it (TCG EFI Protocol Specification, family 2.0,
 * revision 00.13, section 6 "EFI TCG2 Protocol"), and the TPM 2.0 numbers that go with it (TPM 2.0
 * Library, part 2 and part 3, "TPM2_PCR_Read"). gnu-efi's headers have neither. Layout only.
 */
#ifndef LOADER_TCG2_H
#define LOADER_TCG2_H

#include <stddef.h>
#include <stdint.h>

#include <efi.h>

/* 6.2: 607f766c-7455-42be-930b-e4d76db2720f. */
#define TCG2_PROTOCOL_GUID                                 \
    {                                                      \
        0x607f766c, 0x7455, 0x42be,                        \
        {                                                  \
            0x93, 0x0b, 0xe4, 0xd7, 0x6d, 0xb2, 0x72, 0x0f \
        }                                                  \
    }

#define TCG2_EVENT_LOG_FORMAT_TCG_2 UINT32_C(2) /* crypto-agile; 1: TCG 1.2 */
#define TCG2_EVENT_HEADER_VERSION   1U

/** 6.4.4 EFI_TCG2_BOOT_SERVICE_CAPABILITY: naturally aligned, not packed. The members before
 *  bank_count are what structure version 1.0 has. */
struct tcg2_capability {
    uint8_t size_bytes;
    uint8_t structure_version[2];
    uint8_t protocol_version[2];
    uint32_t hash_algorithms;
    uint32_t event_logs; /* TCG2_EVENT_LOG_FORMAT_* */
    uint8_t tpm_present;
    uint16_t max_command_bytes;
    uint16_t max_response_bytes;
    uint32_t manufacturer;
    uint32_t bank_count;
    uint32_t active_banks;
};
_Static_assert(offsetof(struct tcg2_capability, hash_algorithms) == 8, "TCG EFI 6.4.4");
_Static_assert(offsetof(struct tcg2_capability, event_logs) == 12, "TCG EFI 6.4.4");
_Static_assert(offsetof(struct tcg2_capability, tpm_present) == 16, "TCG EFI 6.4.4");
_Static_assert(offsetof(struct tcg2_capability, max_command_bytes) == 18, "TCG EFI 6.4.4");
_Static_assert(offsetof(struct tcg2_capability, manufacturer) == 24, "TCG EFI 6.4.4");
_Static_assert(sizeof(struct tcg2_capability) == 36, "TCG EFI 6.4.4");

/** 6.6.3 EFI_TCG2_EVENT up to its data: packed. */
struct tcg2_event_header {
    uint32_t size_bytes; /* of all, with the data behind */
    uint32_t header_size_bytes;
    uint16_t header_version;
    uint32_t pcr;
    uint32_t type;
} __attribute__((packed));
_Static_assert(offsetof(struct tcg2_event_header, header_size_bytes) == 4, "TCG EFI 6.6.3");
_Static_assert(offsetof(struct tcg2_event_header, header_version) == 8, "TCG EFI 6.6.3");
_Static_assert(offsetof(struct tcg2_event_header, pcr) == 10, "TCG EFI 6.6.3");
_Static_assert(offsetof(struct tcg2_event_header, type) == 14, "TCG EFI 6.6.3");
_Static_assert(sizeof(struct tcg2_event_header) == 18, "TCG EFI 6.6.3");

/** header_size_bytes: the header without size_bytes. */
#define TCG2_EVENT_HEADER_BYTES 14U

struct tcg2_protocol;

/** 6.2 EFI_TCG2_PROTOCOL: seven services; the last three are not called. */
struct tcg2_protocol {
    EFI_STATUS(EFIAPI *get_capability)
    (struct tcg2_protocol *self, struct tcg2_capability *capability);
    EFI_STATUS(EFIAPI *get_event_log)
    (struct tcg2_protocol *self, UINT32 format, EFI_PHYSICAL_ADDRESS *location,
     EFI_PHYSICAL_ADDRESS *last_entry, BOOLEAN *truncated);
    EFI_STATUS(EFIAPI *hash_log_extend_event)
    (struct tcg2_protocol *self, UINT64 flags, EFI_PHYSICAL_ADDRESS data, UINT64 data_bytes,
     const struct tcg2_event_header *event);
    EFI_STATUS(EFIAPI *submit_command)
    (struct tcg2_protocol *self, UINT32 command_bytes, const uint8_t *command,
     UINT32 response_bytes, uint8_t *response);
    void *get_active_pcr_banks;
    void *set_active_pcr_banks;
    void *get_result_of_set_active_pcr_banks;
};
_Static_assert(offsetof(struct tcg2_protocol, get_event_log) == 8, "TCG EFI 6.2");
_Static_assert(offsetof(struct tcg2_protocol, hash_log_extend_event) == 16, "TCG EFI 6.2");
_Static_assert(offsetof(struct tcg2_protocol, submit_command) == 24, "TCG EFI 6.2");
_Static_assert(sizeof(struct tcg2_protocol) == 56, "TCG EFI 6.2");

#endif
