
/*
 * Weir: unit tests of sources that are large in one way: to compile them
 * costs what they are long, not the square of it.
 */

#include <unistd.h>

#include "policy_make.h"


/* Seconds that no test comes near, unless something is squared. */

#define LARGE_DEADLINE  60


typedef struct {
    char    *text;
    size_t   len;
    size_t   size;
} text_t;


static void add(text_t *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


static void
add(text_t *t, const char *fmt, ...)
{
    va_list  args;

    if (t->size - t->len < 256) {
        t->size = t->size * 2 + 4096;
        t->text = realloc(t->text, t->size);
        assert_non_null(t->text);
    }

    va_start(args, fmt);
    t->len += (size_t) vsnprintf(t->text + t->len, 256, fmt, args);
    va_end(args);
}


static void
add_list(text_t *t, const char *name, uint32_t from, uint32_t n)
{
    uint32_t  i;

    for (i = from; i < from + n; i++) {
        add(t, "%s%s%u", i == from ? "" : ", ", name, i);
    }
}


/* Compiles it with so many errors, in time. */

static void
compiles(text_t *t, uint32_t errors)
{
    policy_t  p;

    (void) alarm(LARGE_DEADLINE);

    policy_body(&p, t->text);

    if ((p.b.nerrors != 0) != (errors != 0)) {
        policy_show(&p);
        fail_msg("%u errors", p.b.nerrors);
    }

    policy_done(&p);

    (void) alarm(0);

    free(t->text);
    memset(t, 0, sizeof(text_t));
}


static void
test_issuers(void **state)
{
    uint32_t  i;
    text_t    t = { NULL, 0, 0 };

    (void) state;

    /* on one line: the column of each is told */

    add(&t, "schema from ");
    add_list(&t, "i", 0, 100000);
    add(&t, " { claim a string; }\n");
    compiles(&t, 0);

    /* many claims of many issuers, in two schemas that overlap */

    add(&t, "schema from ");
    add_list(&t, "i", 0, 3000);
    add(&t, " {\n");

    for (i = 0; i < 5000; i++) {
        add(&t, "claim c%u string;\n", i);
    }

    add(&t, "}\nschema from ");
    add_list(&t, "i", 1500, 3000);
    add(&t, " {\n");

    for (i = 0; i < 5000; i++) {
        add(&t, "claim c%u string;\n", i);
    }

    add(&t, "}\n");
    compiles(&t, 0);

    add(&t, "permit p { what GET /x; who ");

    for (i = 0; i < 50000; i++) {
        add(&t, "%sissuer i%u", i == 0 ? "" : ", ", i);
    }

    add(&t, "; }\n");
    compiles(&t, 0);
}


/* What is shared among claims is not mixed up. */

static void
test_shared(void **state)
{
    (void) state;

    passes("schema from a, b { claim t string; claim u string; }\n"
           "schema from b, c { claim t string; claim u string;\n"
           "                   claim v string; }\n"
           "schema from d    { claim t string; }\n"
           "permit t { who anyone; what GET /t; if claim.t == \"x\"; }\n"
           "permit u { who anyone; what GET /u; if claim.u == \"x\"; }\n"
           "permit v { who anyone; what GET /v; if claim.v == \"x\"; }\n"
           "test \"ta\" { request GET /t; issuer a; claim t x;\n"
           "              expect permit; }\n"
           "test \"tb\" { request GET /t; issuer b; claim t x;\n"
           "              expect permit; }\n"
           "test \"tc\" { request GET /t; issuer c; claim t x;\n"
           "              expect permit; }\n"
           "test \"td\" { request GET /t; issuer d; claim t x;\n"
           "              expect permit; }\n"
           "test \"te\" { request GET /t; issuer e; claim t x;\n"
           "              expect deny; }\n"
           "test \"ua\" { request GET /u; issuer a; claim u x;\n"
           "              expect permit; }\n"
           "test \"uc\" { request GET /u; issuer c; claim u x;\n"
           "              expect permit; }\n"
           "test \"ud\" { request GET /u; issuer d; claim u x;\n"
           "              expect deny; }\n"
           "test \"va\" { request GET /v; issuer a; claim v x;\n"
           "              expect deny; }\n"
           "test \"vb\" { request GET /v; issuer b; claim v x;\n"
           "              expect permit; }\n", 10);
}


static void
test_tests(void **state)
{
    uint32_t  i;
    text_t    t = { NULL, 0, 0 };

    (void) state;

    add(&t, "schema {\n");

    for (i = 0; i < 100000; i++) {
        add(&t, "claim c%u optional string;\n", i);
    }

    add(&t, "}\npermit r { who anyone; what GET /x; }\n"
            "test \"t\" { request GET /x; issuer i;\n");

    for (i = 0; i < 100000; i++) {
        add(&t, "claim c%u v;\n", i);
    }

    add(&t, "expect permit; }\n");
    compiles(&t, 0);

    /* each of them twice */

    add(&t, "permit r { who anyone; what GET /x; }\n"
            "test \"t\" { request GET /x; expect permit by ");

    for (i = 0; i < 50000; i++) {
        add(&t, "%sr", i == 0 ? "" : ", ");
    }

    add(&t, "; }\n");
    compiles(&t, 1);
}


static void
test_rules(void **state)
{
    uint32_t  i;
    text_t    t = { NULL, 0, 0 };

    (void) state;

    for (i = 0; i < 50000; i++) {
        add(&t, "permit r%u { who anyone; what GET /a/b%u/**; } ", i, i);
    }

    compiles(&t, 0);

    add(&t, "permit r { who anyone;\n");

    for (i = 0; i < 50000; i++) {
        add(&t, "what GET /a/b%u;\n", i);
    }

    add(&t, "host ");

    for (i = 0; i < 20000; i++) {
        add(&t, "%sh%u.test", i == 0 ? "" : ", ", i);
    }

    add(&t, ";\nfrom ");

    for (i = 0; i < 50000; i++) {
        add(&t, "%s10.%u.%u.0/24", i == 0 ? "" : ", ", i / 256, i % 256);
    }

    add(&t, "; }\n");
    compiles(&t, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_issuers),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_tests),
        cmocka_unit_test(test_rules)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
