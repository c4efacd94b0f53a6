# SPDX-License-Identifier: GPL-2.0-only
#
# libmm: the page-frame allocator's own sources for the host, optimised, behind tests/bench/pa.h.
# bench-mm: the same workloads on it and on the allocators that it is compared with.

LIBMM_CORE_C := $(wildcard kernel/mm/buddy_*.c) tests/bench/host_kernel.c tests/fake/fake_cpu_barrier.c
LIBMM_C      := $(LIBMM_CORE_C) tests/bench/pa.c
LIBMM_O := $(LIBMM_C:%.c=$(BUILD)/host/libmm/%.o)

# As the kernel is compiled: without vector registers.
$(BUILD)/host/libmm/kernel/mm/%.o: EXTRA := -mgeneral-regs-only

$(BUILD)/host/libmm/%.o: %.c Makefile tests/bench/bench.mk
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(call warn_for,$(HOST_CC)) -O2 -g $(EXTRA) -I. -Itests/bench/include -Ikernel \
	    -D_GNU_SOURCE -pthread -MMD -MP -c $< -o $@

# From scratch: ar keeps members whose source is gone.
$(BUILD)/host/libmm.a: $(LIBMM_O)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $(LIBMM_O)

.PHONY: libmm
libmm: $(BUILD)/host/libmm.a

# HARNESS is a folder with bench.c and the allocators to compare with; it is no part of the project.
HARNESS ?= ../shared/bench

.PHONY: bench-mm
bench-mm: $(BUILD)/host/libmm.a
	$(Q)python3 tests/bench/bench_mm.py --build $(BUILD) --harness $(HARNESS)

# The same sources in a storm of random calls: long without sanitizers, short under ThreadSanitizer.
STORM_C := tests/storm/buddy_storm.c tests/storm/storm_world.c tests/storm/storm_inject.c

$(BUILD)/host/buddy_storm: $(STORM_C:%.c=$(BUILD)/host/libmm/%.o) $(BUILD)/host/libmm.a
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -pthread -o $@ $^

TSAN_O := $(patsubst %.c,$(BUILD)/host/tsan/%.o,$(LIBMM_CORE_C) $(STORM_C))

$(BUILD)/host/tsan/%.o: %.c Makefile tests/bench/bench.mk
	$(call say,TSANCC,$<)
	@mkdir -p $(@D)
	$(Q)clang $(call warn_for,clang) -O1 -g -fsanitize=thread -I. -Itests/bench/include -Ikernel \
	    -D_GNU_SOURCE -pthread -MMD -MP -c $< -o $@

$(BUILD)/host/tsan_buddy: $(TSAN_O)
	$(call say,TSANLD,$@)
	$(Q)clang -fsanitize=thread -pthread -o $@ $(TSAN_O)

# The log under threads and signals (tests/storm/log_storm.c), and once under ThreadSanitizer.
LOG_STORM_C := tests/storm/log_storm.c kernel/printk.c kernel/log_ring.c kernel/log_output.c \
               kernel/lib/format.c

$(BUILD)/host/log_storm: $(LOG_STORM_C:%.c=$(BUILD)/host/libmm/%.o)
	$(call say,HOSTLD,$@)
	$(Q)$(HOST_CC) -pthread -o $@ $^

$(BUILD)/host/tsan_log: $(LOG_STORM_C:%.c=$(BUILD)/host/tsan/%.o)
	$(call say,TSANLD,$@)
	$(Q)clang -fsanitize=thread -pthread -o $@ $^

-include $(LOG_STORM_C:%.c=$(BUILD)/host/libmm/%.d) $(LOG_STORM_C:%.c=$(BUILD)/host/tsan/%.d)
-include $(LIBMM_O:.o=.d) $(STORM_C:%.c=$(BUILD)/host/libmm/%.d) $(TSAN_O:.o=.d)

# `make bench` runs them too.
bench: $(BUILD)/host/libmm.a $(HOSTILE_EFI)
