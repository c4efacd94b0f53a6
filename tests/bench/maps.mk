# SPDX-License-Identifier: GPL-2.0-only
#
# What the memory-map pipeline costs: make bench-maps. By hand, not in CI: time is the machine's.

MAP_BENCH_C := kernel/kstatus.c kernel/lib/format.c kernel/mm/memory_map.c loader/efi_map.c \
               $(wildcard loader/mmap_*.c) tests/fake/fake_efi_map.c tests/bench/map_bench.c
MAP_BENCH_O := $(MAP_BENCH_C:%.c=$(BUILD)/host/tool/%.o)

$(BUILD)/host/map_bench: $(MAP_BENCH_O)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -pthread -o $@ $(MAP_BENCH_O)

# callgrind counts what one mmap_build() of the largest real map executes (Debian 12's does not
# read the debug information that clang writes).
.PHONY: bench-maps
bench-maps: $(BUILD)/host/map_bench
	$(Q)$(BUILD)/host/map_bench
	$(Q)objcopy --strip-debug $(BUILD)/host/map_bench $(BUILD)/host/map_bench.counted
	$(Q)valgrind --tool=callgrind --callgrind-out-file=$(BUILD)/host/map_bench.callgrind \
	    --toggle-collect=mmap_build $(BUILD)/host/map_bench.counted once 2>&1 \
	    | sed -n 's/.*Collected : \([0-9]*\).*/largest real map: \1 instructions (goal 200000)/p'

.PHONY: help-bench-maps
help-bench-maps:
	@echo '  make bench-maps        what the memory-map pipeline costs on the host (by hand)'

-include $(MAP_BENCH_O:.o=.d)
