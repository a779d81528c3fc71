
/*
 * Unit tests of lib/limit where there is no 16-byte compare-and-swap: the
 * table is compiled once more, with 8-byte ones, and has to pass the same.
 */

#define WEIR_LIMIT_WORDS  1

#include "weir_limit.c"

#define main  limit_table_main
#include "test_limit_table.c"
#undef main

#define main  limit_flood_main
#include "test_limit_flood.c"
#undef main

#define main  limit_processes_main
#include "test_limit_processes.c"
#undef main


int
main(void)
{
    return limit_table_main() + limit_flood_main() + limit_processes_main();
}
