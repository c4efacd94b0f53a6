# SPDX-License-Identifier: GPL-2.0-only
#
# HOSTILE.EFI: BOOTX64.EFI inside a UEFI application that plays bad firmware (hostile.h). Included
# after the Makefile's rules for the loader, whose flags it uses.

HOSTILE_EFI := $(BUILD)/guest/HOSTILE.EFI
HOSTILE_C   := $(wildcard tests/guest/hostile/*.c)
HOSTILE_O   := $(HOSTILE_C:%.c=$(BUILD)/loader/%.o) $(BUILD)/loader/tests/guest/hostile/loader_blob.o \
               $(BUILD)/loader/tests/guest/hostile/levels.o \
               $(patsubst %.c,$(BUILD)/loader/%.o,loader/options.c kernel/dev/serial8250.c kernel/command_line.c kernel/tcg_log.c \
               kernel/lib/sha256.c kernel/lib/string.c)

$(BUILD)/loader/tests/guest/hostile/loader_blob.o: tests/guest/hostile/loader_blob.S $(EFI)
	$(call say,BLOB,$@)
	@mkdir -p $(@D)
	$(Q)$(LOADER_CC) $(LOADER_FLAGS) -DLOADER_BLOB='"$(EFI)"' -c $< -o $@

$(HOSTILE_EFI): $(HOSTILE_O)
	$(call say,PE,$@)
	@mkdir -p $(@D)
	$(Q)lld-link -subsystem:efi_application -entry:efi_main -nodefaultlib -nxcompat -dynamicbase \
	    -timestamp:0 -out:$@ $(HOSTILE_O)

.PHONY: hostile
hostile: $(HOSTILE_EFI)

-include $(HOSTILE_C:%.c=$(BUILD)/loader/%.d)
