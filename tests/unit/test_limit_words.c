
/*
 * Unit tests of lib/limit where there is no 16-byte compare-and-swap: the
 * table is compiled once more, with 8-byte ones, and has to pass the same.
 */

#define WEIR_LIMIT_WORDS  1

#include "weir_limit.c"
#include "test_limit_table.c"
