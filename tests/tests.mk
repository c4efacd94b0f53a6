# SPDX-License-Identifier: GPL-2.0-only
#
# Targets that test; the Makefile includes this file after its own rules. tests/all.py is the list
# of what `make test` runs.

PYTHON ?= python3

include tests/guest/guest.mk tests/guest/hostile/hostile.mk tests/loader/loader.mk

.PHONY: test
test:
	$(Q)$(PYTHON) tests/all.py --build $(BUILD) --esp $(ESP)

# PATTERN is a glob over boot names: make test-boot PATTERN='q35-*'
.PHONY: test-boot
test-boot: $(EFI) gcc-kernel
	$(Q)$(PYTHON) tests/guest/run_matrix.py --build $(BUILD) --esp $(ESP) $(if $(PATTERN),'$(PATTERN)')

.PHONY: test-hostile
test-hostile: $(HOSTILE_EFI)
	$(Q)$(PYTHON) tests/guest/run_hostile.py --build $(BUILD) --esp $(ESP) $(if $(PATTERN),'$(PATTERN)')

.PHONY: gcc-kernel
gcc-kernel:
	$(Q)$(MAKE) -s --no-print-directory KERNEL_CC=gcc BUILD=$(BUILD)/gcc ESP=$(BUILD)/gcc/esp \
	    $(BUILD)/gcc/esp/EFI/BOOT/BOOTX64.EFI

# Not in `make test`: host tests over many seeds, 10^6 random changes of page tables twice (with and
# without 1 GiB leaves, about a quarter of an hour), a storm of 10^8 calls on the page-frame allocator
# with 10^6 bad frees of each kind, and the whole matrix (over 160 boots).
LONG_SEEDS ?= 40
LONG_STEPS ?= 1000000
.PHONY: test-long
test-long: $(BUILD)/host/unit $(BUILD)/host/buddy_storm $(EFI)
	$(Q)for seed in $$(seq 1 $(LONG_SEEDS)); do \
	    $(BUILD)/host/unit --seed $$seed >$(BUILD)/host/unit-$$seed.log \
	        || { cat $(BUILD)/host/unit-$$seed.log; exit 1; }; \
	done; echo "host tests passed with $(LONG_SEEDS) seeds"
	$(Q)PAGE_MAPPER_STEPS=$(LONG_STEPS) $(BUILD)/host/unit mm.paging.random
	$(Q)$(BUILD)/host/buddy_storm --operations 100000000 --injections 1000000 --threads 2
	$(Q)$(PYTHON) tests/guest/run_matrix.py --build $(BUILD) --esp $(ESP) --full
	$(Q)STORM_SECONDS=60 BUILD=$(BUILD) ESP=$(ESP) $(PYTHON) tests/python_tests.py script_monitor.py 1

# Static analysis: slower than the gates that `make test` runs, zero findings all the same.
.PHONY: check
check:
	$(Q)BUILD=$(BUILD) ESP=$(ESP) tests/check.sh

# The tools of it that take seconds; part of `make test`.
.PHONY: check-quick
check-quick:
	$(Q)BUILD=$(BUILD) ESP=$(ESP) tests/check.sh --quick

# What only the host runs: tests, fakes and tools, for scan-build (tests/check.sh).
HOST_ONLY_O = $(sort $(filter $(BUILD)/host/asan/tests/% $(BUILD)/host/asan/tools/%,$(HOST_O)) \
                     $(filter $(BUILD)/host/loader/tests/%,$(LOADER_UNIT_O)) \
                     $(filter $(BUILD)/host/tool/tools/%,$(REPLAY_O) $(SYMBOLS_O) $(REFERENCE_O)) \
                     $(filter $(BUILD)/host/libmm/tests/%,$(LIBMM_O) \
                         $(patsubst %.c,$(BUILD)/host/libmm/%.o,$(STORM_C) $(LOG_STORM_C))))

# sparse takes the target's name for a file.
LOADER_SPARSE_FLAGS = $(filter-out -target x86_64-unknown-windows,$(LOADER_FLAGS))

# For the tools above: a variable of the Makefile as it stands.
.PHONY: print-%
print-%:
	@printf '%s\n' '$(subst ','\'',$($*))'

.PHONY: help-tests
help-tests:
	@echo '  make test              everything CI runs; last line "N passed, N failed"'
	@echo '  make test-boot         boot matrix only; PATTERN=GLOB over boot names'
	@echo '  make test-hostile      boots under misbehaving firmware; PATTERN=GLOB'
	@echo '  make test-long         many seeds, the whole matrix'
	@echo '  make check             static analysis; installs its tools first'
	@echo '  make check-quick       the part of it that make test has too'
