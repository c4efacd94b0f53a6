# SPDX-License-Identifier: GPL-2.0-only
#
# build/host/loader_unit: the whole loader on the host, against the scripted firmware of
# tests/fake/efi. Its own program because loader and kernel each have a printk(), and because the
# headers of gnu-efi want 16-bit wide characters. Included after the Makefile's host rules.

LOADER_UNIT_C := $(wildcard loader/*.c) $(wildcard tests/fake/efi/*.c) $(wildcard tests/loader/*.c) \
                 tests/fake/fake_cpu.c tests/fake/fake_cpu_barrier.c tests/fake/fake_io.c tests/fake/fake_ram.c \
                 tests/ktest_run.c tests/host_main.c kernel/bootinfo.c kernel/measured_boot.c \
                 kernel/tcg_extend.c kernel/lib/sha256.c tests/fake/json_read.c \
                 $(filter-out kernel/lib/string.c,$(LOADER_SHARED_C))
LOADER_UNIT_O := $(LOADER_UNIT_C:%.c=$(BUILD)/host/loader/%.o) \
                 $(BUILD)/host/loader/tests/fake/efi/fake_efi_blob.o

LOADER_UNIT_FLAGS := -Itests/fake/efi/include $(HOST_FLAGS) -idirafter loader/include -fshort-wchar \
                     -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

$(BUILD)/host/loader/%.o: %.c Makefile tests/loader/loader.mk
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(call warn_for,clang) $(LOADER_UNIT_FLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(BUILD)/host/loader/%.o: %.S
	$(call say,HOSTAS,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -c $< -o $@

# What no firmware can bring about is forced between the loader's units (fake_efi_break.c).
LOADER_WRAPPED := boot_describe_machine mmap_build mmap_build_balances handover_audit \
                  handover_extend boot_block_write kernel_tables_build bringup_plan_finish

$(BUILD)/host/loader_unit: $(LOADER_UNIT_O) $(FONT_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(SANITIZE) -pthread $(LOADER_WRAPPED:%=-Wl,--wrap=%) -o $@ $(LOADER_UNIT_O) $(FONT_O)

.PHONY: test-loader
test-loader: $(BUILD)/host/loader_unit
	$(BUILD)/host/loader_unit $(PATTERN)

-include $(LOADER_UNIT_O:.o=.d)
