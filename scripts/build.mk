
# Weir: what is not nginx: libweir, weirctl, the unit tests and the fuzzers.
# scripts/build calls this; its variables: B (output folder), O (objects and
# flavour below B/obj), CC, and SAN (sanitizer flags or nothing).

# Dependencies are kept by the names of the objects: one name each.

override B   := $(abspath $(B))
override O   := $(abspath $(O))
override BIN := $(abspath $(BIN))

SRC      = modules

INCS    := $(patsubst %/,-I%,$(wildcard $(SRC)/lib/*/))
FOLDERS := $(patsubst $(SRC)/lib/%/,%,$(dir $(wildcard $(SRC)/lib/*/*.c)))
FOLDERS := $(sort $(FOLDERS))

CX16    := $(shell echo 'static __int128 v; int main(void) { return \
	!__sync_bool_compare_and_swap(&v, v, v + 1); }' \
	| $(CC) -mcx16 -x c - -o /dev/null 2>/dev/null && echo -mcx16)

CFLAGS  ?= -O2 -g
WARN     = -Wall -Wextra -Werror -Wpointer-arith
ALL_CF   = -std=c11 $(CFLAGS) $(CX16) $(WARN) $(SAN) -fPIC -MMD -MP $(INCS)
POSIX    = -D_GNU_SOURCE

# Tests: arguments that a framework hands over in vain, keys of 16 characters
# written as strings (gcc 15), what cmocka 2 calls by other names.

TEST_CF  = -Wno-unknown-warning-option -Wno-unused-parameter \
	-Wno-unterminated-string-initialization -Wno-deprecated-declarations

ARS     := $(patsubst %,$(O)/libweir-%.a,$(FOLDERS))

# What a fuzzer has in common with a unit test asserts as that does.

asserts  = $(shell grep -qs '^\#include "../unit/' $(1) && echo -lcmocka)

uses     = $(shell grep -qs '^\#include <$(1)' $(2) $(HEADERS) && echo $(3))
libs     = $(call uses,jansson.h,$(1),-ljansson) \
	$(call uses,pcre2.h,$(1),-lpcre2-8) \
	$(call uses,hiredis/,$(1),-lhiredis) \
	$(call uses,jwt.h,$(1),-ljwt) \
	$(call uses,cmocka.h,$(1),-lcmocka) \
	$(call uses,openssl/ssl.h,$(1),-lssl) -lcrypto

HEADERS  = $(wildcard $(SRC)/lib/*/*.h)

LIBSRC  := $(wildcard $(SRC)/lib/*/*.c)
CLISRC  := $(wildcard $(SRC)/cli/*.c)
REDIS   := $(wildcard $(SRC)/cli/weirctl_redis*.c)
TESTS   := $(patsubst tests/unit/%.c,$(BIN)/unit/%,\
	$(wildcard tests/unit/test_*.c))
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(BIN)/fuzz-%,\
	$(wildcard tests/fuzz/fuzz_*.c))
WEIRCTL := $(if $(CLISRC),$(BIN)/weirctl)

obj      = $(patsubst %.c,$(O)/%.o,$(1))

.PHONY: lib weirctl unit bench fuzz
.SECONDARY:
.DELETE_ON_ERROR:

lib: $(ARS)
weirctl: $(WEIRCTL)
unit: $(TESTS) $(BIN)/unit/drive_store
bench: $(BIN)/bench_policy
fuzz: $(FUZZERS)

$(O)/modules/cli/%.o: modules/cli/%.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(ALL_CF) $(POSIX) -Imodules/cli -c -o $@ $<

$(O)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(ALL_CF) $(TEST_CF) $(POSIX) -I$(<D) -c -o $@ $<

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(ALL_CF) -c -o $@ $<

# An archive's list of members is among its prerequisites: it is made anew
# when a source is removed.

define folder_rule
$(O)/libweir-$(1).list: force
	@mkdir -p $$(@D)
	@echo '$(sort $(wildcard $(SRC)/lib/$(1)/*.c))' | cmp -s - $$@ \
		|| echo '$(sort $(wildcard $(SRC)/lib/$(1)/*.c))' > $$@

$(O)/libweir-$(1).a: $(call obj,$(wildcard $(SRC)/lib/$(1)/*.c)) \
		$(O)/libweir-$(1).list
	@rm -f $$@
	@$(AR) rcs $$@ $$(filter %.o,$$^)
endef

$(foreach f,$(FOLDERS),$(eval $(call folder_rule,$(f))))

.PHONY: force

$(BIN)/weirctl: $(call obj,$(CLISRC)) $(ARS)
	@echo "  LINK $@"
	@$(CC) $(ALL_CF) -o $@ $(call obj,$(CLISRC)) -Wl,--start-group $(ARS) \
		-Wl,--end-group $(call libs,$(LIBSRC) $(CLISRC))

# A test of a folder links that folder and what it may use, so that the
# arrows between the folders hold, and one folder's error stops no other.

test_ars = $(or $(foreach f,$(filter $(firstword $(subst _, ,$(1))),\
	$(FOLDERS)),$(O)/libweir-$(f).a $(if $(filter bundle prove authzen,$(f)),\
	$(O)/libweir-policy.a) $(if $(filter authzen,$(f)),\
	$(O)/libweir-token.a) $(if $(filter-out base,$(f)),\
	$(O)/libweir-base.a)),$(ARS))

define test_rule
$(BIN)/unit/test_$(1): $(O)/tests/unit/test_$(1).o $(call test_ars,$(1))
	@mkdir -p $$(@D)
	@echo "  LINK $$@"
	@$(CC) $(ALL_CF) -o $$@ $$< -Wl,--start-group \
		$(call test_ars,$(1)) -Wl,--end-group -lcmocka \
		$(call libs,$(LIBSRC) tests/unit/test_$(1).c)
endef

$(foreach t,$(patsubst $(BIN)/unit/test_%,%,$(TESTS)),\
	$(eval $(call test_rule,$(t))))

# What drives a store for the end-to-end tests: weirctl's way to Redis alone.

$(BIN)/unit/drive_store: $(O)/tests/unit/drive_store.o $(call obj,$(REDIS)) \
		$(ARS)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(ALL_CF) -o $@ $< $(call obj,$(REDIS)) -Wl,--start-group \
		$(ARS) -Wl,--end-group $(call libs,$(LIBSRC) $(REDIS)) -lssl

# What scripts/bench runs.

$(BIN)/bench_%: $(O)/tests/bench/bench_%.o $(ARS)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) $(ALL_CF) -o $@ $< -Wl,--start-group $(ARS) -Wl,--end-group \
		$(call libs,$(LIBSRC) tests/bench/bench_$*.c)

# That of a verb takes weirctl as it is, but for its main().

$(BIN)/fuzz-eval: ALL_CF += -Imodules/cli -Dmain=weirctl_main

$(BIN)/fuzz-eval: $(O)/tests/fuzz/fuzz_eval.o $(call obj,$(CLISRC)) $(ARS)
	@echo "  LINK $@"
	@$(CC) $(ALL_CF) -fsanitize=fuzzer -o $@ $< $(call obj,$(CLISRC)) \
		-Wl,--start-group $(ARS) -Wl,--end-group \
		$(call libs,$(LIBSRC) $(CLISRC))

$(BIN)/fuzz-%: $(O)/tests/fuzz/fuzz_%.o $(ARS)
	@echo "  LINK $@"
	@$(CC) $(ALL_CF) -fsanitize=fuzzer -o $@ $< -Wl,--start-group $(ARS) \
		-Wl,--end-group $(call libs,$(LIBSRC) tests/fuzz/fuzz_$*.c) \
		$(call asserts,tests/fuzz/fuzz_$*.c)

-include $(patsubst %.o,%.d,$(call obj,$(LIBSRC) $(CLISRC) \
	$(wildcard tests/unit/*.c) $(wildcard tests/fuzz/*.c) \
	$(wildcard tests/bench/*.c)))
