# SPDX-License-Identifier: GPL-2.0-only
#
# Boot images that only tests use; the Makefile includes this file after its own rules.
#
#   $(BUILD)/guest/BROKEN.EFI   the shipped loader, but for a boot_block_write() that damages the
#                               bootinfo as `damage=` on the command line says (broken_block.c)

BROKEN   := $(BUILD)/guest/BROKEN.EFI
BROKEN_O := $(filter-out %/loader/boot_block.o,$(LOADER_O)) \
            $(BUILD)/guest/boot_block.o $(BUILD)/guest/broken_block.o

# The shipped unit under another name, so that broken_block.c can take its place and call it.
$(BUILD)/guest/boot_block.o: loader/boot_block.c Makefile tests/guest/guest.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(LOADER_CC) $(call warn_for,clang) $(WARN_TARGET) $(call optimise,$<) $(LOADER_FLAGS) \
	    -Dboot_block_write=boot_block_write_intact -MMD -MP -c $< -o $@

$(BUILD)/guest/broken_block.o: tests/guest/broken_block.c Makefile tests/guest/guest.mk
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(LOADER_CC) $(call warn_for,clang) $(WARN_TARGET) $(call optimise,$<) $(LOADER_FLAGS) -MMD -MP -c $< -o $@

$(BROKEN): $(BROKEN_O)
	$(call say,PE,$@)
	$(Q)lld-link -subsystem:efi_application -entry:efi_main -nodefaultlib -nxcompat -dynamicbase \
	    -timestamp:0 -out:$@ $(BROKEN_O)

.PHONY: guest-images
guest-images: $(BROKEN)

-include $(BUILD)/guest/boot_block.d $(BUILD)/guest/broken_block.d
