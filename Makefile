
# Weir: thin names for what scripts/ does.

all: build

build:
	scripts/build

sanitize:
	scripts/build --sanitize

deps test lint bench quickstart:
	scripts/$@

unit e2e policy faults fuzz:
	scripts/test $@

clean:
	rm -rf build

.PHONY: all build sanitize deps test lint bench quickstart unit e2e policy \
	faults fuzz clean
