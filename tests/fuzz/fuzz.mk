# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzzing and branch coverage; the Makefile includes this file after its own rules.
#
#   make fuzz SECONDS=n      every target for n seconds from its corpus, two at a time; the last
#                            line is "N passed, N failed". FUZZ='mmap exit' chooses, SEED=n repeats
#   make fuzz-ci             the same, part of `make test`: for 20 seconds what a map, a kernel file,
#                            options or the bootinfo can hold, for 5 what is read later or by tools
#   make fuzz-corpus         takes what was found into tests/fuzz/corpus, as few files as will do
#   make coverage            branches reached by unit tests and corpora; fails below 95 %
#
# A target NAME is tests/fuzz/fuzz_NAME.c with the folder tests/fuzz/corpus/NAME. Inputs that are
# found stay in $(BUILD)/fuzz/NAME, one that crashes as $(BUILD)/fuzz/NAME.crash-*.

FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ         ?= $(FUZZ_TARGETS)
FUZZ_EARLY   := bootinfo command_line elf exit firmware_tables mmap options
FUZZ_SECONDS := $(if $(filter command line,$(origin SECONDS)),$(SECONDS),20)

# What the targets fuzz, and what that needs.
FUZZ_CORE_C := kernel/kstatus.c kernel/black_box_record.c kernel/lib/format.c kernel/lib/crc32c.c kernel/mm/memory_map.c \
               kernel/bootinfo.c kernel/smbios.c kernel/acpi_tables.c kernel/tcg_log.c \
               kernel/tcg_extend.c kernel/lib/sha256.c kernel/measured_boot.c \
               kernel/command_line.c $(wildcard kernel/monitor/line_*.c) \
               tests/fake/fake_terminal.c \
               kernel/monitor/arguments.c kernel/monitor/command.c kernel/monitor/command_input.c \
               kernel/monitor/search_pattern.c tests/fake/fake_monitor.c tests/fake/fake_console.c \
               loader/efi_map.c $(wildcard loader/mmap_*.c) loader/exit_boot.c \
               loader/elf_image.c loader/elf_relocate.c loader/options.c loader/firmware_tables.c \
               loader/smbios_machine.c loader/firmware_pins.c kernel/acpi_console.c kernel/dev/serial_words.c \
               kernel/dev/serial8250.c tests/fake/fake_io.c tools/map_file.c \
               tests/fake/fake_efi_map.c $(wildcard tests/fake/map_*.c) \
               $(wildcard kernel/gdb/gdb_*.c) tests/fake/fake_gdb.c \
               $(wildcard kernel/mm/buddy_*.c) loader/stand_in_memory.c tests/fake/fake_ram.c tests/fake/fake_cpu.c \
               tests/fake/fake_cpu_barrier.c tests/fake/fake_kernel.c
FUZZ_CORE_O := $(FUZZ_CORE_C:%.c=$(BUILD)/host/fuzz/%.o)
FUZZ_BIN    := $(FUZZ_TARGETS:%=$(BUILD)/host/fuzz_%)

$(BUILD)/host/fuzz/%.o: %.c Makefile tests/fuzz/fuzz.mk
	$(call say,FUZZCC,$<)
	@mkdir -p $(@D)
	$(Q)clang $(call warn_for,clang) $(HOST_FLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP \
	    -c $< -o $@

$(FUZZ_BIN): $(BUILD)/host/fuzz_%: $(BUILD)/host/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_CORE_O)
	$(call say,FUZZLD,$@)
	$(Q)clang $(SANITIZE) -fsanitize=fuzzer -o $@ $^

fuzz_run = $(PYTHON) tests/fuzz/run.py --build $(BUILD)

.PHONY: fuzz fuzz-ci fuzz-corpus
fuzz: $(FUZZ:%=$(BUILD)/host/fuzz_%)
	$(Q)$(fuzz_run) --seconds $(FUZZ_SECONDS) $(if $(SEED),--seed $(SEED)) $(FUZZ)

fuzz-ci: $(FUZZ_BIN)
	$(Q)$(fuzz_run) $(FUZZ_EARLY:%=%:20) $(patsubst %,%:5,$(filter-out $(FUZZ_EARLY),$(FUZZ_TARGETS)))

fuzz-corpus: $(FUZZ:%=$(BUILD)/host/fuzz_%)
	$(Q)$(fuzz_run) --merge $(FUZZ)

# ---- coverage ---------------------------------------------------------------------------------

# Units whose branches are counted, each on its own: what comes from outside before the kernel runs.
COVERAGE_UNITS := $(wildcard loader/mmap_*.c) loader/exit_boot.c loader/elf_image.c loader/elf_relocate.c \
                  loader/efi_map.c loader/options.c kernel/bootinfo.c \
                  loader/firmware_tables.c loader/firmware_pins.c kernel/tcg_log.c
COVERAGE_MIN   := 95

COVERAGE := -O1 -fprofile-instr-generate -fcoverage-mapping
COVERAGE_TESTS_C := $(FUZZ_CORE_C) tests/ktest_run.c tests/host_main.c \
                    $(wildcard tests/unit/mmap_*_test.c tests/property/mmap_*.c) \
                    tests/unit/exit_boot_test.c tests/unit/elf_image_test.c \
                    $(wildcard tests/unit/elf_files_test.c) tests/unit/efi_map_test.c \
                    tests/unit/options_test.c tests/unit/bootinfo_test.c \
                    tests/unit/firmware_tables_test.c tests/unit/tcg_log_test.c
COVERAGE_BIN := $(BUILD)/cov/unit $(FUZZ_TARGETS:%=$(BUILD)/cov/fuzz_%)

$(BUILD)/cov/obj/%.o: %.c Makefile tests/fuzz/fuzz.mk
	$(call say,COVCC,$<)
	@mkdir -p $(@D)
	$(Q)clang $(call warn_for,clang) $(HOST_FLAGS) $(COVERAGE) -MMD -MP -c $< -o $@

$(BUILD)/cov/unit: $(COVERAGE_TESTS_C:%.c=$(BUILD)/cov/obj/%.o)
	$(Q)clang $(COVERAGE) -pthread -o $@ $^

$(FUZZ_TARGETS:%=$(BUILD)/cov/fuzz_%): $(BUILD)/cov/fuzz_%: \
        $(BUILD)/cov/obj/tests/fuzz/fuzz_%.o $(FUZZ_CORE_C:%.c=$(BUILD)/cov/obj/%.o)
	$(Q)clang $(COVERAGE) -fsanitize=fuzzer -o $@ $^

.PHONY: coverage
coverage: $(COVERAGE_BIN)
	$(Q)$(PYTHON) tests/fuzz/coverage.py --build $(BUILD) --min $(COVERAGE_MIN) $(COVERAGE_UNITS)

.PHONY: help-fuzz
help-fuzz:
	@echo '  make fuzz SECONDS=n    fuzzers with sanitizers; FUZZ="mmap exit" chooses, SEED=n'
	@echo '  make coverage          branches that tests and corpora reach; fails below $(COVERAGE_MIN) %'

-include $(FUZZ_CORE_O:.o=.d) $(FUZZ_TARGETS:%=$(BUILD)/host/fuzz/tests/fuzz/fuzz_%.d)
-include $(COVERAGE_TESTS_C:%.c=$(BUILD)/cov/obj/%.d)
