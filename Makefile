# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the kernel (static PIE ELF), the loader with the kernel inside (esp/EFI/BOOT/BOOTX64.EFI)
# and the host programs (tests, replay). `make help` lists the targets.
#
#   KERNEL_CC=gcc   builds the kernel with the second compiler
#   BUILD=dir       where objects go; ESP=dir where BOOTX64.EFI goes
#   V=1             shows the commands

KERNEL_CC ?= clang
LOADER_CC ?= clang
HOST_CC   ?= clang
BUILD     ?= build
ESP       ?= esp

VERSION := 0.1.0

ifeq ($(V),1)
Q :=
else
Q := @
endif
say = @printf '  %-7s %s\n' $(1) $(2)

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ELF  := $(BUILD)/kernel.elf
BLOB := $(BUILD)/kernel.stripped.elf
EFI  := $(ESP)/EFI/BOOT/BOOTX64.EFI
# The same file as it was linked; `make sign` puts a signed copy into $(ESP).
UNSIGNED := $(BUILD)/BOOTX64.unsigned.EFI
# Where its functions are, as the linker tells it: the file itself has no symbols.
LOADER_MAP := $(BUILD)/loader.map

.PHONY: all
all: $(EFI) $(ELF) host-tools
	@sha256sum $(EFI)

# ---- flags ------------------------------------------------------------------------------------

# Every warning is an error; none is switched off.
WARN := -std=c11 -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion \
        -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla \
        -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings -Wformat=2 -Wswitch-enum \
        -Wimplicit-fallthrough -Wdouble-promotion -Wnull-dereference -Wredundant-decls \
        -Wdate-time -fno-common
WARN_TARGET := -Wframe-larger-than=1024
WARN_gcc   := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wstack-usage=1024 \
              -Warith-conversion
WARN_clang := -Wcomma -Wshorten-64-to-32 -Wassign-enum -Wmissing-variable-declarations \
              -Wthread-safety

warn_for = $(WARN) $(if $(findstring gcc,$(1)),$(WARN_gcc),$(WARN_clang))

# Absolute folder names must not reach the output: two clean builds give the same bytes.
# (clang also notes the folder in the line tables of assembly files.)
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=. \
                $(if $(findstring clang,$(KERNEL_CC)),-fdebug-compilation-dir=.)

FREESTANDING := -ffreestanding -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
                -fno-stack-protector -fno-omit-frame-pointer -fno-delete-null-pointer-checks

# Fast where memory is managed and its map is cleaned, small everywhere else: the one file has a
# limit (tests/gates.py), the prompt and the self-tests are most of it. The loader uses kernel/mm
# once.
FAST     := kernel/mm/%.c kernel/bench/%.c kernel/lib/string.c kernel/lib/crc32c.c \
            loader/mmap_%.c loader/efi_map.c
optimise = $(if $(filter $(FAST),$(1)),-O2,-Os)
optimise_loader = $(call optimise,$(filter-out kernel/mm/%,$(1)))

# A section a function, so that the linkers leave out what loader or kernel does not use of the units
# that they share with each other and with the host.
SECTIONS := -ffunction-sections -fdata-sections

KERNEL_FLAGS := -g $(FREESTANDING) $(SECTIONS) -fpie -fvisibility=hidden -mcmodel=small \
                -fno-asynchronous-unwind-tables $(REPRODUCIBLE) \
                -DFIRSTLIGHT_VERSION='"$(VERSION)"' \
                -I. -Ikernel -Ikernel/arch/x86_64/include -Ikernel/arch/x86_64

# The Windows target gives PE/COFF; its MS extensions would make gnu-efi's headers delete every
# __attribute__.
LOADER_FLAGS := -target x86_64-unknown-windows -fno-ms-extensions -fno-ms-compatibility \
                -mno-stack-arg-probe -fshort-wchar $(FREESTANDING) $(SECTIONS) $(REPRODUCIBLE) \
                -DFIRSTLIGHT_VERSION='"$(VERSION)"' \
                -I. -Iloader -Iloader/include -Ikernel -Ikernel/arch/x86_64/include \
                -Ikernel/arch/x86_64 -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

HOST_INCLUDES := -I. -Itests/fake/include -Ikernel -Ikernel/arch/x86_64/include \
                 -Ikernel/arch/x86_64 -Iloader
HOST_FLAGS    := -g $(HOST_INCLUDES) -D_GNU_SOURCE -DFIRSTLIGHT_VERSION='"$(VERSION)"' -pthread
SANITIZE      := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
                 -fno-omit-frame-pointer

# ---- sources ----------------------------------------------------------------------------------

KERNEL_C := $(wildcard kernel/*.c kernel/lib/*.c kernel/dev/*.c kernel/mm/*.c kernel/monitor/*.c \
                       kernel/selftest/*.c kernel/bench/*.c kernel/gdb/*.c \
                       kernel/arch/x86_64/*.c) tests/ktest_run.c
KERNEL_S := $(wildcard kernel/arch/x86_64/*.S)

# What loader and kernel share (design: the same source runs in three worlds).
LOADER_SHARED_C := kernel/kstatus.c kernel/command_line.c kernel/tcg_log.c kernel/lib/format.c kernel/lib/crc32c.c kernel/lib/string.c \
                   kernel/black_box_record.c \
                   kernel/mm/page_table.c kernel/mm/page_flush.c kernel/mm/page_mapper.c \
                   kernel/mm/page_audit.c kernel/mm/page_walk.c kernel/mm/direct_map.c \
                   kernel/mm/kernel_tables.c kernel/arch/x86_64/low_remap.c \
                   kernel/mm/memory_map.c kernel/mm/phys_memory_area.c kernel/mm/bump_allocator.c \
                   $(wildcard kernel/mm/buddy_*.c) kernel/mm/takeover.c \
                   kernel/dev/framebuffer.c kernel/dev/psf_font.c kernel/dev/text_screen.c \
                   kernel/dev/text_display.c kernel/dev/serial8250.c \
                   kernel/dev/serial_words.c kernel/acpi_console.c \
                   kernel/arch/x86_64/cpu_features.c \
                   kernel/lib/json_writer.c kernel/report_parts.c
LOADER_C := $(wildcard loader/*.c) $(LOADER_SHARED_C)
LOADER_S := $(filter-out loader/kernel_blob.S,$(wildcard loader/*.S))

# Commands that need what only the kernel has: self-tests, power; and the table that names them all.
HOST_MONITOR_C := $(filter-out kernel/monitor/monitor.c kernel/monitor/command_table.c \
                               kernel/monitor/session_commands.c kernel/monitor/crash_commands.c \
                               kernel/monitor/regs_command.c, \
                               $(wildcard kernel/monitor/*.c))

# What the host can run: everything that reaches the machine only through the seams.
HOST_CORE_C := kernel/kstatus.c kernel/black_box_record.c kernel/lib/format.c kernel/lib/crc32c.c \
               $(wildcard kernel/mm/*.c kernel/gdb/gdb_*.c) \
               $(wildcard kernel/bootinfo.c kernel/command_line.c kernel/report.c kernel/report_parts.c \
                          kernel/lib/json_writer.c kernel/lib/random.c kernel/lib/deadline.c \
                          kernel/stages.c \
                          kernel/log_ring.c kernel/log_output.c \
                          kernel/acpi.c kernel/acpi_console.c kernel/dev/serial_words.c \
                          kernel/acpi_tables.c kernel/acpi_machine.c kernel/smbios.c \
                          kernel/firmware_memory.c \
                          kernel/dev/serial8250.c kernel/dev/psf_font.c \
                          kernel/dev/framebuffer.c kernel/dev/text_screen.c \
                          kernel/dev/text_display.c kernel/dev/ps2_scancodes.c kernel/dev/ps2_keyboard.c \
                          $(HOST_MONITOR_C) \
                          kernel/symbol_table.c kernel/lib/range_decoder.c kernel/log_tail.c \
                          kernel/lockdown.c kernel/lib/sha256.c kernel/tcg_log.c kernel/tcg_extend.c kernel/measured_boot.c \
                          kernel/measured_boot_report.c) \
               $(wildcard kernel/arch/x86_64/cpu_features.c kernel/arch/x86_64/efer.c \
                          kernel/arch/x86_64/low_remap.c kernel/arch/x86_64/mm_arch.c \
                          kernel/arch/x86_64/debug_points.c kernel/arch/x86_64/backtrace.c \
                          kernel/arch/x86_64/crash_text.c kernel/arch/x86_64/crash_dump.c \
                          kernel/arch/x86_64/descriptor_text.c) \
               $(wildcard loader/efi_map.c loader/mmap_*.c loader/exit_boot.c \
                          loader/elf_image.c loader/elf_relocate.c loader/options.c loader/boot_block.c \
                          loader/serial_choice.c loader/pci_serial.c loader/device_path.c \
                          loader/firmware_tables.c loader/firmware_pins.c \
                          loader/preflight.c loader/tpm_command.c loader/pci_masters.c \
                          loader/bringup_plan.c loader/stand_in_memory.c loader/table_count.c \
                          loader/handover.c loader/smbios_machine.c loader/stick_report.c loader/start_menu.c)
HOST_CORE_C := $(sort $(HOST_CORE_C)) # a file that two lists name is linked once
FAKE_C      := $(wildcard tests/fake/*.c)
UNIT_C      := $(wildcard tests/unit/*.c tests/property/*.c) tests/ktest_run.c tests/host_main.c \
               tools/range_encoder.c

# ---- kernel -----------------------------------------------------------------------------------

# The screen's font, unpacked, and as an object for the kernel and the tests (docs/screen.md).
FONT_GZ ?= /usr/share/consolefonts/Lat15-Terminus16.psf.gz
FONT    := $(BUILD)/font.psf
FONT_O  := $(BUILD)/font_blob.o

KERNEL_O := $(KERNEL_C:%.c=$(BUILD)/kernel/%.o) $(KERNEL_S:%.S=$(BUILD)/kernel/%.o) $(FONT_O)

$(FONT): $(FONT_GZ)
	$(call say,FONT,$@)
	@mkdir -p $(@D)
	$(Q)gzip -dc $< >$@

$(FONT_O): kernel/dev/font_blob.S $(FONT)
	$(call say,BLOB,$@)
	$(Q)$(KERNEL_CC) $(KERNEL_FLAGS) -g0 -DFONT_FILE='"$(FONT)"' -c $< -o $@

# The compiler must not turn the loops in memcpy() into calls of memcpy().
$(BUILD)/kernel/kernel/lib/string.o: EXTRA := -fno-builtin \
    $(if $(findstring gcc,$(KERNEL_CC)),-fno-tree-loop-distribute-patterns)
$(BUILD)/loader/kernel/lib/string.o: EXTRA := -fno-builtin

# Waits for a person, or runs once: small is better than fast there.
$(BUILD)/kernel/kernel/monitor/%.o $(BUILD)/kernel/kernel/selftest/%.o: EXTRA := -Os
$(BUILD)/loader/kernel/mm/buddy_%.o: EXTRA := -Os

$(BUILD)/kernel/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(call warn_for,$(KERNEL_CC)) $(WARN_TARGET) $(call optimise,$<) $(KERNEL_FLAGS) $(EXTRA) \
	    -MMD -MP -c $< -o $@

$(BUILD)/kernel/%.o: %.S Makefile
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(KERNEL_FLAGS) -MMD -MP -c $< -o $@

# ld.lld with every flag that keeps it a plain static PIE; kernel.lds asserts the rest.
# What is left out has its debug information far above the kernel, not at address 0, where code is,
# and not so far that it wraps where gdb adds the run address.
LD_KERNEL := ld.lld --gc-sections -z dead-reloc-in-nonalloc='.debug_*=0x0000700000000000' \
             -pie --no-dynamic-linker -nostdlib -z max-page-size=0x1000 -z noexecstack \
             -z norelro -z nognustack --hash-style=gnu --build-id=sha1 --fatal-warnings \
             --pack-dyn-relocs=relr -T kernel/arch/x86_64/kernel.lds

# Linked twice: the symbol table of the first link goes into the second, behind all code. Made
# again from the second it must be the same, or it would tell of code that moved.
BARE_ELF     := $(BUILD)/kernel.bare.elf
SYMBOLS      := $(BUILD)/kernel.symbols
MAKE_SYMBOLS := $(BUILD)/host/make_symbols

$(BUILD)/symbols_none.o: kernel/symbols_blob.S Makefile
	@mkdir -p $(@D)
	$(Q)$(KERNEL_CC) $(KERNEL_FLAGS) -g0 -c $< -o $@

$(BUILD)/symbols.o: kernel/symbols_blob.S $(SYMBOLS)
	$(Q)$(KERNEL_CC) $(KERNEL_FLAGS) -g0 -DSYMBOLS_FILE='"$(SYMBOLS)"' -c $< -o $@

$(BARE_ELF): $(KERNEL_O) $(BUILD)/symbols_none.o kernel/arch/x86_64/kernel.lds
	$(Q)$(LD_KERNEL) -o $@ $(KERNEL_O) $(BUILD)/symbols_none.o

$(SYMBOLS): $(BARE_ELF) $(MAKE_SYMBOLS)
	$(call say,SYMBOLS,$@)
	$(Q)$(MAKE_SYMBOLS) $< $@

$(ELF): $(KERNEL_O) $(BUILD)/symbols.o kernel/arch/x86_64/kernel.lds
	$(call say,LD,$@)
	$(Q)$(LD_KERNEL) -o $@ $(KERNEL_O) $(BUILD)/symbols.o
	$(Q)$(MAKE_SYMBOLS) $@ $(SYMBOLS).check
	$(Q)cmp $(SYMBOLS) $(SYMBOLS).check

$(BLOB): $(ELF)
	$(call say,STRIP,$@)
	$(Q)objcopy --strip-all $< $@

# ---- loader -----------------------------------------------------------------------------------

LOADER_O := $(LOADER_C:%.c=$(BUILD)/loader/%.o) $(LOADER_S:%.S=$(BUILD)/loader/%.o) \
            $(BUILD)/loader/loader/kernel_blob.o

$(BUILD)/loader/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(LOADER_CC) $(call warn_for,clang) $(WARN_TARGET) $(call optimise_loader,$<) $(LOADER_FLAGS) $(EXTRA) \
	    -MMD -MP -c $< -o $@

$(BUILD)/loader/%.o: %.S Makefile
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(LOADER_CC) $(LOADER_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/loader/loader/kernel_blob.o: loader/kernel_blob.S $(ELF) $(BLOB) $(FONT)
	$(call say,BLOB,$@)
	@mkdir -p $(@D)
	$(Q)font_offset=$$(tools/blob-offset.sh $(ELF) $(BLOB) font_blob_start) && \
	$(LOADER_CC) $(LOADER_FLAGS) -DKERNEL_BLOB='"$(BLOB)"' -DFONT_OFFSET=$$font_offset \
	    -DFONT_BYTES=$$(stat -c %s $(FONT)) -c $< -o $@

# What firmware is asked to load (tests/pe_file.py): no time, a checksum, sections by permission.
PE_LINK := lld-link -subsystem:efi_application -entry:efi_main -nodefaultlib -nxcompat \
           -dynamicbase -timestamp:0

PE_CHECKSUM := $(BUILD)/host/pe_checksum

$(PE_CHECKSUM): tools/pe_checksum.c Makefile
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(call warn_for,$(HOST_CC)) -O2 -o $@ $<

$(UNSIGNED): $(LOADER_O) $(PE_CHECKSUM)
	$(call say,PE,$@)
	@mkdir -p $(@D)
	$(Q)$(PE_LINK) -map:$(LOADER_MAP) -out:$@ $(LOADER_O)
	$(Q)$(PE_CHECKSUM) $@

$(EFI): $(UNSIGNED)
	$(call say,COPY,$@)
	@mkdir -p $(@D)
	$(Q)cp $< $@

# ---- stick ------------------------------------------------------------------------------------

IMAGE := $(BUILD)/firstlight.img

# What $(ESP) holds as a disk image, FAT=32, 16 or 12 (docs/real-pc.md).
.PHONY: image
image: $(EFI)
	$(call say,IMAGE,$(IMAGE))
	$(Q)tools/usb-image.sh --fat $(or $(FAT),32) $(ESP) $(IMAGE)
	@sha256sum $(EFI) $(IMAGE)

# Screens on the way from the stick to the prompt, for docs/real-pc.md; by hand, the result is in git.
.PHONY: pictures
pictures: image
	$(Q)tools/pictures $(IMAGE) docs/pictures

# A signed copy of the loader in $(ESP), for `make image` or to be copied (docs/secure-boot.md).
.PHONY: sign
sign: $(UNSIGNED)
	$(Q)tools/sign.sh '$(KEY)' '$(CERT)' $(UNSIGNED) $(EFI)
	@sha256sum $(EFI)

# ---- host -------------------------------------------------------------------------------------

HOST_O := $(patsubst %.c,$(BUILD)/host/asan/%.o,$(HOST_CORE_C) $(FAKE_C) $(UNIT_C))

$(BUILD)/host/asan/%.o: %.c Makefile
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(call warn_for,clang) $(HOST_FLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(BUILD)/host/unit: $(HOST_O) $(FONT_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) $(SANITIZE) -pthread -o $@ $(HOST_O) $(FONT_O)

# Programs for the user: the same sources, optimised and without sanitizers.
TOOL_O   := $(patsubst %.c,$(BUILD)/host/tool/%.o,$(HOST_CORE_C) $(FAKE_C))
REPLAY_O := $(TOOL_O) $(BUILD)/host/tool/tools/replay.o $(BUILD)/host/tool/tools/map_file.o

$(BUILD)/host/tool/%.o: %.c Makefile
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(call warn_for,clang) $(HOST_FLAGS) -O2 -MMD -MP -c $< -o $@

# Makes the kernel's symbol table while it is built, so it needs nothing but a C compiler.
SYMBOLS_O := $(patsubst %.c,$(BUILD)/host/tool/%.o,tools/make_symbols.c tools/dwarf_lines.c \
               tools/range_encoder.c kernel/symbol_table.c kernel/lib/range_decoder.c)

$(MAKE_SYMBOLS): $(SYMBOLS_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -o $@ $(SYMBOLS_O)

$(BUILD)/host/replay: $(REPLAY_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -pthread -o $@ $(REPLAY_O)

# Prints docs/commands.md. The table is linked without the commands: their addresses read 0.
REFERENCE_O := $(BUILD)/host/tool/tools/command_reference.o \
               $(BUILD)/host/tool/kernel/monitor/command_table.o

$(BUILD)/host/command-reference: $(REFERENCE_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -no-pie -Wl,--unresolved-symbols=ignore-all -o $@ $(REFERENCE_O)

.PHONY: command-reference
command-reference: $(BUILD)/host/command-reference
	$(Q)$(BUILD)/host/command-reference >docs/commands.md

.PHONY: host-tools
host-tools: $(BUILD)/host/replay $(BUILD)/host/command-reference

.PHONY: replay
replay: $(BUILD)/host/replay
	@if [ -z '$(MAP)' ]; then echo 'usage: make replay MAP=file.map'; exit 2; fi
	$(Q)$(BUILD)/host/replay $(MAP)

.PHONY: replay-all
replay-all: $(BUILD)/host/replay
	$(Q)tools/replay-all.sh $(BUILD)/host/replay tests/data/maps tests/data/made

.PHONY: test-host
test-host: $(BUILD)/host/unit
	$(BUILD)/host/unit $(PATTERN)

# By hand only: costs in instructions against the goals, and against the seed's way.
.PHONY: bench
bench: all
	$(Q)python3 tests/bench/bench.py --build $(BUILD) --esp $(ESP)

# For clangd and clang-tidy: how every file of the three worlds is compiled.
.PHONY: compile_commands
compile_commands:
	$(Q)$(MAKE) -nB V=1 all $(BUILD)/host/unit | tools/compile-commands.py > compile_commands.json

.PHONY: help
help:
	@echo 'Targets:'
	@echo '  make                   BOOTX64.EFI in $(ESP)/, $(ELF), $(BUILD)/host/replay'
	@echo '  make test-host         host unit and property tests; PATTERN=GLOB over suite.case'
	@echo '  make bench             costs in instructions against the goals (by hand)'
	@echo '  make replay MAP=FILE   the bring-up over a recorded memory map, as JSON'
	@echo '  make replay-all        the same for every map in tests/data/maps'
	@echo '  make image             $(IMAGE), for a USB stick; FAT=16 or FAT=12 a small one'
	@echo '  make pictures          docs/pictures: screens of a boot from the image'
	@echo '  make sign KEY= CERT=   signs the loader in $(ESP)/ for Secure Boot (PEM files)'
	@echo '  make command-reference docs/commands.md from the table of the prompt'
	@echo '  make clean             removes $(BUILD)/ and the built loader'
	@$(MAKE) -s --no-print-directory help-tests help-fuzz help-bench-maps
	@echo 'Variables: KERNEL_CC=gcc BUILD=dir ESP=dir V=1'

.PHONY: clean
clean:
	rm -rf $(BUILD) $(EFI)

-include tests/tests.mk
-include tests/bench/bench.mk
-include tests/fuzz/fuzz.mk
-include tests/bench/maps.mk

-include $(KERNEL_O:.o=.d) $(filter-out %kernel_blob.d,$(LOADER_O:.o=.d)) $(HOST_O:.o=.d) $(REPLAY_O:.o=.d) $(SYMBOLS_O:.o=.d) \
         $(REFERENCE_O:.o=.d)
