# Snug. `make run` starts a server, `make test` passes all tests, `make help` tells the rest.

VERSION := 0.1.0

CC      ?= cc
CFLAGS  ?= -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
LDFLAGS ?= -Wl,-z,relro -Wl,-z,now
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := build

# Choices of the build. SANITIZE=address,undefined makes a test build, which checks itself.
SANITIZE ?=
MOVE_ALL ?=
FUZZ     ?=

comma := ,
ifneq ($(FUZZ),)
  CC := clang
  SANITIZE := address,undefined
  BUILD := build-fuzz
else ifneq ($(MOVE_ALL),)
  SANITIZE := address,undefined
  BUILD := build-move-all
else ifneq ($(SANITIZE),)
  BUILD := build-$(subst $(comma),-,$(SANITIZE))
else
  BUILD := build
endif

# The malloc for all that is not a value: jemalloc where its header is found. Another one has a
# directory of its own.
ifneq ($(SANITIZE),)
  override MALLOC := libc
else
  HAS_JEMALLOC := $(shell echo '\#include <jemalloc/jemalloc.h>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
  USUAL_MALLOC := $(if $(HAS_JEMALLOC),jemalloc,libc)
  MALLOC ?= $(USUAL_MALLOC)
  ifneq ($(MALLOC),$(USUAL_MALLOC))
    BUILD := build-$(MALLOC)
  endif
endif

MALLOC_LIB_libc     :=
# Where it can be, a part of the program: the shared one brings the library of C++ with it, 1 MB.
MALLOC_LIB_jemalloc  = $(if $(wildcard $(shell $(CC) -print-file-name=libjemalloc_pic.a)),-l:libjemalloc_pic.a,-ljemalloc)
MALLOC_LIB_mimalloc := -lmimalloc
# The library without its development package will do as well.
MALLOC_LIB_tcmalloc  = $(shell pkg-config --libs libtcmalloc_minimal 2>/dev/null || echo -l:libtcmalloc_minimal.so.4)
MALLOC_DEF_libc     := -DSNUG_MALLOC_LIBC=1
MALLOC_DEF_jemalloc := -DSNUG_MALLOC_JEMALLOC=1
MALLOC_DEF_mimalloc := -DSNUG_MALLOC_MIMALLOC=1
MALLOC_DEF_tcmalloc := -DSNUG_MALLOC_TCMALLOC=1
ifeq ($(MALLOC_DEF_$(MALLOC)),)
  $(error MALLOC is one of jemalloc, libc, tcmalloc, mimalloc; not '$(MALLOC)')
endif

LUA_CFLAGS := $(shell pkg-config --cflags luajit 2>/dev/null || echo -I/usr/include/luajit-2.1)
LUA_LIBS   := $(shell pkg-config --libs luajit 2>/dev/null || echo -lluajit-5.1)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wundef -Wvla -Wstrict-prototypes \
  -Wmissing-prototypes -Wcast-qual -Wswitch-enum -Wimplicit-fallthrough
# A warning is an error with the compilers we promise it for; newer ones may find new words.
CC_VERSION := $(shell $(CC) -dumpversion 2>/dev/null)
WERROR ?= $(if $(filter 12 12.% 14.%,$(CC_VERSION)),1,0)
ifeq ($(WERROR),1)
  WARNINGS += -Werror
endif

ifneq ($(SANITIZE),)
  # Without fortified calls, which hide from the sanitizer what they touch.
  CFLAGS := -O1 -g
  CHECKS := -DSNUG_CHECKS=1 -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
  LINK_CHECKS := -fsanitize=$(SANITIZE)
endif
ifneq ($(MOVE_ALL),)
  CHECKS += -DSNUG_MOVE_ALL=1
endif
ifneq ($(FUZZ),)
  CHECKS += -fsanitize=fuzzer-no-link
endif

# V=1 shows whole commands.
Q := $(if $(V),,@)
say  = $(if $(V),,@echo '  $(1) $@')

COMPILE := $(CC) -std=c17 -D_GNU_SOURCE -DSNUG_VERSION='"$(VERSION)"' $(MALLOC_DEF_$(MALLOC)) \
  -Isrc $(LUA_CFLAGS) $(CPPFLAGS) $(WARNINGS) $(CFLAGS) $(CHECKS) -pthread
LINK := $(CC) -pthread -rdynamic $(CFLAGS) $(LINK_CHECKS) $(LDFLAGS) -Wl,--as-needed
TLS_LIBS := $(shell pkg-config --libs libssl libcrypto 2>/dev/null || echo -lssl -lcrypto)
LIBS := -llzf -lxxhash $(TLS_LIBS) $(LUA_LIBS) -lmicrohttpd $(MALLOC_LIB_$(MALLOC)) -lm -ldl $(LDLIBS)

# ---- what is built -----------------------------------------------------------------------------

SOURCES := $(sort $(wildcard src/*/*.c))
PAGES   := $(sort $(wildcard web/*))
MAIN    := src/server/main.c
UNIT    := $(sort $(wildcard tests/unit/*.c))
FUZZERS := $(sort $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
BENCHES := $(sort $(patsubst bench/%.c,$(BUILD)/bench-%,$(wildcard bench/*.c))) $(BUILD)/snug-load
object   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# What only some need stands in an object of its own, with its libraries (os/part.h).
PARTS   := $(BUILD)/snug-tls.so $(BUILD)/snug-http.so
$(BUILD)/snug-tls.so: $(patsubst %.c,$(BUILD)/obj/part/%.o,$(wildcard src/net/tls*.c))
$(BUILD)/snug-tls.so: private PART_LIBS := $(TLS_LIBS)
$(BUILD)/snug-http.so: $(patsubst %.c,$(BUILD)/obj/part/%.o,$(wildcard src/http/*.c) $(BUILD)/made/pages.c)
$(BUILD)/snug-http.so: private PART_LIBS := -lmicrohttpd

.PHONY: build unit-tests benches help
build: $(BUILD)/snug-server $(BUILD)/snug-check $(PARTS)
unit-tests: $(BUILD)/unit-tests
benches: $(BENCHES)

$(BUILD)/snug-server: $(call object,$(MAIN)) $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/snug-check: $(call object,tools/check.c) $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/unit-tests: $(call object,$(UNIT)) $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/snug-docs: $(call object,tools/docs.c) $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

$(BUILD)/bench-%: $(BUILD)/obj/bench/%.o $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# What server tests drive by itself.
DRIVERS := $(BUILD)/rdb-rewrite $(BUILD)/forgetful.so
$(BUILD)/rdb-rewrite: $(call object,tests/drivers/rdb_rewrite.c tests/unit/persist_parts.c) $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Loaded into a server from outside, so it is never instrumented.
$(BUILD)/forgetful.so: tests/drivers/forgetful.c $(BUILD)/flags
	$(call say,link)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE $(WARNINGS) -O1 -g -fPIC -shared -pthread -o $@ $< -ldl

# The load generator stands alone: it measures any server, and owes nothing to ours.
LOAD := $(call object,$(sort $(wildcard bench/load/*.c)))
$(LOAD): private COMPILE += -Ibench
$(BUILD)/snug-load: $(LOAD)
	$(call say,link)
	$(Q)$(LINK) -o $@ $^ -lm

$(BUILD)/fuzz-%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/libsnug.a
	$(call say,link)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/fuzz-rdb: $(call object,tests/unit/persist_parts.c)

# All rooms but main, so that tests and tools link what they use.
$(BUILD)/libsnug.a: $(call object,$(filter-out $(MAIN),$(SOURCES)) $(BUILD)/made/pages.c) $(BUILD)/sources
	@rm -f $@
	$(Q)ar rcs $@ $(filter %.o,$^)

# The files of the page, as they are.
$(BUILD)/made/pages.c: $(PAGES) tools/embed.sh $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,embed)
	$(Q)tools/embed.sh $(PAGES) >$@.tmp && mv $@.tmp $@

$(PARTS):
	$(call say,link)
	$(Q)$(CC) -shared -pthread $(CFLAGS) $(LINK_CHECKS) $(LDFLAGS) -o $@ $^ $(PART_LIBS)

$(BUILD)/obj/part/%.o: private COMPILE += -fPIC -fvisibility=hidden
$(BUILD)/obj/part/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  )
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,cc  )
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# Another compiler, malloc or flag, or a source gone, makes what depends on it anew.
.PHONY: FORCE
.PRECIOUS: $(BUILD)/obj/%.o
$(BUILD)/flags: FORCE
	@mkdir -p $(BUILD)
	@echo "$$WANTED" | cmp -s - $@ || echo "$$WANTED" >$@
$(BUILD)/flags: export WANTED = $(CC_VERSION) $(COMPILE) | $(LINK) $(LIBS)
$(BUILD)/sources: FORCE
	@mkdir -p $(BUILD)
	@echo '$(SOURCES) $(PAGES)' | cmp -s - $@ || echo '$(SOURCES) $(PAGES)' >$@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# ---- run and test ------------------------------------------------------------------------------

.PHONY: setup run demo test test-unit test-server test-memory test-allocators test-install \
  test-clients test-page screenshots kill-loop move-all fuzz fuzz-all bench lint format docs clean
setup:
	@tools/setup.sh build

run: setup
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@echo
	@echo 'Snug listens on 127.0.0.1, port 6379; Ctrl-C ends it. In another terminal:'
	@echo '    redis-cli          (from redis-tools; any client of Redis will do)'
	@echo '    redis-cli info memory'
	@echo
	@exec $(BUILD)/snug-server snug.conf

# make demo MB=200: fragments memory and heals it, with a page that shows it.
MB ?= 400
demo: setup
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@exec $(BUILD)/snug-server --demo $(MB)

# Set-up, build, lint, all tests; the last line is their sum.
test:
	@tools/setup.sh build test
	@$(PYTHON) tools/test.py $(JOBS)

ASAN := SANITIZE=address,undefined
TEST_ENV := ASAN_OPTIONS=abort_on_error=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
# What a test takes longer over is marked slow; SHORT=1 leaves it out, and compares fewer commands.
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider $(PYTEST_ARGS)
NOT_SLOW := $(if $(SHORT), and not slow)

# NAME=part runs the unit tests whose name holds that part; SEED=n replays one.
test-unit:
	@$(MAKE) --no-print-directory -j$(JOBS) $(ASAN) unit-tests
	$(TEST_ENV) build-address-undefined/unit-tests $(NAME)

# What measures the machine as a whole runs by itself, behind the others.
SERVER_TESTS = $(TEST_ENV) $(if $(SHORT),SNUG_DIFFERENTIAL=5000) \
  SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTEST) tests/server
test-server: build $(DRIVERS)
	$(SERVER_TESTS) -n $(JOBS) --dist loadfile -m 'not alone$(NOT_SLOW)'
	$(if $(SHORT)$(PYTEST_ARGS),,$(SERVER_TESTS) -m alone)

# What is said of memory, with each malloc in a build of its own: minutes.
test-memory: build
	$(TEST_ENV) SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTEST) tests/server/test_memory.py \
	  tests/server/test_memory_parts.py tests/server/test_allocator.py
test-allocators:
	@set -e; for malloc in jemalloc libc tcmalloc mimalloc; do echo "MALLOC=$$malloc"; \
	  $(MAKE) --no-print-directory -j$(JOBS) MALLOC=$$malloc build; \
	  $(MAKE) --no-print-directory MALLOC=$$malloc test-memory; done

test-install: build
	$(PYTEST) tests/install

# Clients of Redis in several languages, and what is built on them, with the server just built.
test-clients: build
	SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTEST) tests/clients

# The page in a browser without a window.
test-page: build
	SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTEST) tests/page

# The pictures of docs/images, made anew.
screenshots: build
	SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTHON) tests/page/screenshots.py docs/images

# N kills in each mode of appendfsync, of the process and of the machine: minutes.
N ?= 50
kill-loop: build $(DRIVERS)
	SNUG_SERVER=$(CURDIR)/$(BUILD)/snug-server $(PYTHON) tests/server/kill.py --rounds $(N) $(if $(findstring file,$(origin SEED)),,--seed $(SEED))

# Every movable block is moved at every safe point, under sanitizers, with all limits tiny.
move-all:
	@$(MAKE) --no-print-directory -j$(JOBS) MOVE_ALL=1 build unit-tests
	$(TEST_ENV) build-move-all/unit-tests $(NAME)
	@$(MAKE) --no-print-directory MOVE_ALL=1 test-server

# make fuzz T=resp S=60: what is new goes to build-fuzz/corpus, the seeds stay as they are.
S ?= 10
FUZZ_FLAGS ?= -print_final_stats=1
fuzz:
	@test -f tests/fuzz/$(T).c || { echo 'make fuzz T=target S=seconds; targets: $(FUZZERS)'; exit 1; }
	@$(MAKE) --no-print-directory -j$(JOBS) FUZZ=1 build-fuzz/fuzz-$(T)
	@mkdir -p build-fuzz/corpus/$(T) tests/fuzz/seeds/$(T)
	$(TEST_ENV) build-fuzz/fuzz-$(T) -max_total_time=$(S) -timeout=5 -rss_limit_mb=2048 $(FUZZ_FLAGS) \
	  -artifact_prefix=build-fuzz/$(T)- build-fuzz/corpus/$(T) tests/fuzz/seeds/$(T)
# Each target for S seconds, quietly, always the same inputs first; SEED=n takes others.
SEED ?= 1
fuzz-all:
	@$(MAKE) --no-print-directory -j$(JOBS) FUZZ=1 $(FUZZERS:%=build-fuzz/fuzz-%)
	@passed=0; failed=0; for target in $(FUZZERS); do \
	    $(MAKE) --no-print-directory fuzz T=$$target S=$(S) FUZZ_FLAGS='-verbosity=0 -seed=$(SEED)' \
	      && passed=$$((passed + 1)) || failed=$$((failed + 1)); \
	done; echo "$$passed passed, $$failed failed"; test $$failed = 0

bench: build benches
	$(PYTHON) bench/run.py $(BENCH_ARGS)

lint: build docs-check
	@$(PYTHON) tools/lint $(BUILD)

# Whether the compiler warns, without objects: make CC=clang syntax
.PHONY: syntax
SYNTAX ?= $(SOURCES) $(UNIT) $(wildcard tests/fuzz/*.c tests/drivers/*.c tools/*.c bench/*.c bench/*/*.c)
syntax:
	@$(COMPILE) -Ibench -fsyntax-only $(SYNTAX)

FORMATTED = $(wildcard src/*/*.[ch] tests/*/*.[ch] tools/*.[ch] bench/*.[ch] bench/*/*.[ch] \
  tests/clients/c/*.c)
format:
	$(firstword $(shell command -v clang-format-14 clang-format)) -i $(FORMATTED)

# Reference pages come from the rows of commands and options.
.PHONY: docs-check
docs: $(BUILD)/snug-docs
	@mkdir -p docs/generated
	$(BUILD)/snug-docs docs/generated
docs-check: $(BUILD)/snug-docs
	@rm -rf $(BUILD)/docs && mkdir -p $(BUILD)/docs
	@$(BUILD)/snug-docs $(BUILD)/docs

clean:
	rm -rf build build-*

# ---- install -----------------------------------------------------------------------------------

# /usr keeps its configuration in /etc, every other prefix its own.
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
CONFIGURE = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g'
INSTALLED = $(PREFIX)/bin/snug-server $(PREFIX)/bin/snug-check \
  $(patsubst $(BUILD)/%,$(PREFIX)/lib/snug/%,$(PARTS)) \
  $(PREFIX)/lib/systemd/system/snug-server.service $(PREFIX)/lib/sysusers.d/snug.conf \
  $(PREFIX)/lib/tmpfiles.d/snug.conf $(SYSCONFDIR)/init.d/snug-server
CONF = $(DESTDIR)$(SYSCONFDIR)/snug/snug.conf

.PHONY: install uninstall
install: build
	install -D -m 755 $(BUILD)/snug-server $(DESTDIR)$(PREFIX)/bin/snug-server
	install -D -m 755 $(BUILD)/snug-check $(DESTDIR)$(PREFIX)/bin/snug-check
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/snug $(PARTS)
	@set -e; for pair in \
	  snug-server.service:644:$(PREFIX)/lib/systemd/system/snug-server.service \
	  sysusers.conf:644:$(PREFIX)/lib/sysusers.d/snug.conf \
	  tmpfiles.conf:644:$(PREFIX)/lib/tmpfiles.d/snug.conf \
	  snug-server.init:755:$(SYSCONFDIR)/init.d/snug-server; do \
	    file=$${pair%%:*}; rest=$${pair#*:}; mode=$${rest%%:*}; to=$(DESTDIR)$${rest#*:}; \
	    $(CONFIGURE) ops/$$file >$(BUILD)/install.tmp; \
	    echo "install $$to"; install -D -m $$mode $(BUILD)/install.tmp $$to; \
	done; rm -f $(BUILD)/install.tmp
	install -d $(DESTDIR)$(SYSCONFDIR)/snug/profiles
	install -m 644 ops/profiles/*.conf $(DESTDIR)$(SYSCONFDIR)/snug/profiles
	@if test -f $(CONF) && ! cmp -s snug.conf $(CONF); then \
	    echo "kept $(CONF); the new one is $(CONF).new"; install -m 644 snug.conf $(CONF).new; \
	else echo "install $(CONF)"; install -D -m 644 snug.conf $(CONF); fi
	@test -n '$(DESTDIR)' || echo 'Next: systemd-sysusers && systemd-tmpfiles --create' \
	  '&& systemctl daemon-reload && systemctl enable --now snug-server'

# A configuration that was changed stays, as do the data.
uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED)) $(CONF).new
	rm -f $(addprefix $(DESTDIR)$(SYSCONFDIR)/snug/,$(patsubst ops/%,%,$(wildcard ops/profiles/*.conf)))
	rmdir $(DESTDIR)$(SYSCONFDIR)/snug/profiles $(DESTDIR)$(PREFIX)/lib/snug 2>/dev/null || true
	@if test -f $(CONF) && ! cmp -s snug.conf $(CONF); then echo "kept $(CONF)"; \
	else rm -f $(CONF); rmdir $(DESTDIR)$(SYSCONFDIR)/snug 2>/dev/null || true; fi

help:
	@echo 'make run             install what the build needs, build, serve on port 6379'
	@echo 'make demo            fragment memory, heal it, and show both on a page; MB=400'
	@echo 'make test            install what the tests need, build, lint, run every test'
	@echo 'make                 build/snug-server; CC=gcc|clang'
	@echo 'make MALLOC=libc     the same in build-libc; jemalloc, libc, tcmalloc or mimalloc'
	@echo 'make SANITIZE=address,undefined     the same, checking itself, in its own directory'
	@echo 'make test-unit       C tests under sanitizers; NAME=part SEED=n'
	@echo 'make test-server     Python tests on the server; PYTEST_ARGS=..., SHORT=1'
	@echo 'make kill-loop N=50  kill -9 under load, N times in each mode of appendfsync'
	@echo 'make test-allocators what is said of memory, with each malloc'
	@echo 'make test-install    install, uninstall, unit and init script'
	@echo 'make test-clients    real clients: redis-cli, redis-benchmark, ioredis, BullMQ, Celery...'
	@echo 'make test-page       the page in a browser; make screenshots: the pictures of docs/images'
	@echo 'make move-all        both with every block moved at every safe point'
	@echo 'make fuzz T=... S=.. a fuzz target for S seconds; make fuzz-all for each'
	@echo 'make bench           figures beside redis-server; BENCH_ARGS=...'
	@echo 'make lint format docs clean install uninstall'
