
/*
 * Weir: what a decision costs: sets of rules as companies have them, of many
 * sizes, decided by the image; warm, on one processor.
 *
 * The mixed shape: 60 % permits for a role of a tenant below a path, from a
 * network, in office hours; 20 % permits for a service by its SPIFFE id; 10 %
 * denies unless "mfa"; 10 % permits for a role alone.  Eight rules share a
 * path.  The worst shape: the same conditions, all below ten prefixes.
 *
 * Beside it the linear scan: the same rules, each asked for its method, path
 * and value, without the index; its decisions must be the same.
 *
 * Compiling is done some times, of which the median is told: memory that no
 * process had before costs more than all else.
 *
 * A request is read once right before it is decided, as the gateway has just
 * parsed it; the image is as warm as thousands of different requests leave it.
 * A decision's time is that of the processor's own counter, less what two
 * readings with nothing between them take.
 */

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weir_policy_eval.h"
#include "weir_zoneinfo.h"


#define BENCH_REQUESTS  4096
#define BENCH_ROUNDS    24
#define BENCH_ROLES     64
#define BENCH_TENANTS   200
#define BENCH_RULES     16          /* kept of a decision */
#define BENCH_LINEAR    64          /* requests that are scanned for */
#define BENCH_COMPILES  3


typedef struct {
    char    *text;
    size_t   len;
    size_t   size;
} text_t;


typedef struct {
    char                    target[128];
    uint8_t                 decoded[256];
    char                    spiffe[64];
    weir_path_t             path;
    weir_addr_t             addr;
    weir_policy_request_t   r;
} request_t;


typedef struct {
    weir_arena_t            arena;
    weir_policy_bundle_t    b;
    weir_policy_source_t    source;
    double                  compile;
} set_t;


static double  bench_tick = 1;      /* ns of the counter's unit */
static double  bench_none;          /* ns of a measurement of nothing */


static void
die(const char *what)
{
    fprintf(stderr, "bench_policy: %s\n", what);
    exit(1);
}


static void
add(text_t *t, const char *fmt, ...)
{
    va_list  args;

    if (t->size - t->len < 512) {
        t->size = t->size * 2 + 65536;
        t->text = realloc(t->text, t->size);

        if (t->text == NULL) {
            die("out of memory");
        }
    }

    va_start(args, fmt);
    t->len += (size_t) vsnprintf(t->text + t->len, 512, fmt, args);
    va_end(args);
}


static uint64_t
nanoseconds(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/* Of this thread: others do not count. */

static double
seconds(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static inline uint64_t
ticks(void)
{
#if defined(__x86_64__)
    unsigned  cpu;

    return __builtin_ia32_rdtscp(&cpu);
#else
    return nanoseconds();
#endif
}


static uint32_t
roll(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;

    return (uint32_t) ((*seed >> 33) % n);
}


/* Of rule i: neither goes with the kind of rule or its path. */

static uint32_t
role_of(uint32_t i)
{
    return i * 2654435761u >> 16 & (BENCH_ROLES - 1);
}


static uint32_t
tenant_of(uint32_t i)
{
    return (i * 2246822519u >> 12) % BENCH_TENANTS;
}


/* The path of rule i: of its own eight, or of one of ten prefixes. */

static void
path_of(char *p, size_t size, uint32_t i, int worst)
{
    if (worst) {
        snprintf(p, size, "/shared/p%u", i / 10 % 10);

    } else {
        snprintf(p, size, "/svc%u/v1/res%u", i / 8 % 50, i / 8);
    }
}


static void
rule(text_t *t, uint32_t i, int worst)
{
    char  path[64];

    path_of(path, sizeof(path), i, worst);

    switch (i % 10) {

    case 0: case 1: case 2: case 3: case 4: case 5:
        add(t, "permit r%u { who role role%u; what GET,POST %s/**;\n"
            "  from 10.%u.0.0/16; during office;\n"
            "  if claim.tenant == \"t%u\"; }\n",
            i, role_of(i), path, i / 10 % 4, tenant_of(i));
        break;

    case 6: case 7:
        add(t, "permit s%u { who spiffe spiffe://corp/sa/s%u; "
            "what POST %s/ledger; }\n", i, i, path);
        break;

    case 8:
        add(t, "deny d%u { what * %s/admin/**; "
            "unless \"mfa\" in claim.amr; }\n", i, path);
        break;

    default:
        add(t, "permit p%u { who role role%u; what GET %s; }\n", i,
            role_of(i), path);
        break;
    }
}


static int
compare(const void *one, const void *two)
{
    double  a, b;

    a = *(const double *) one;
    b = *(const double *) two;

    return a < b ? -1 : a > b;
}


/* Seconds that it took. */

static double
compile_once(set_t *s, const text_t *t)
{
    double           start;
    weir_zoneinfo_t  zones;

    memset(s, 0, sizeof(set_t));
    weir_arena_init(&s->arena, &weir_alloc_malloc, 0);

    s->source.name = weir_cstr("p.policy");
    s->source.text.data = (uint8_t *) t->text;
    s->source.text.len = t->len;

    weir_zoneinfo(&zones, &s->arena, WEIR_ZONEINFO);

    start = seconds();

    if (weir_policy_compile(&s->arena, &s->source, 1, &zones.zones, &s->b)
        != WEIR_OK)
    {
        die("out of memory");
    }

    return seconds() - start;
}


static void
compile(set_t *s, uint32_t n, int worst)
{
    double      took[BENCH_COMPILES];
    uint32_t    i;
    text_t      t = { NULL, 0, 0 };
    weir_str_t  text;

    add(&t, "language 1; policy p;\n"
        "schema { claim tenant string; claim roles set<string>;\n"
        "         claim amr set<string>; }\n"
        "window office mon-sun 00:00-24:00 Europe/Paris;\n");

    for (i = 0; i < BENCH_ROLES; i++) {
        add(&t, "role role%u { when \"role%u\" in claim.roles; }\n", i, i);
    }

    for (i = 0; i < n; i++) {
        rule(&t, i, worst);
    }

    for (i = 0; i < BENCH_COMPILES; i++) {

        if (i != 0) {
            weir_arena_done(&s->arena);
        }

        took[i] = compile_once(s, &t);
    }

    qsort(took, BENCH_COMPILES, sizeof(double), compare);
    s->compile = took[BENCH_COMPILES / 2];

    if (s->b.image == NULL) {
        for (i = 0; i < s->b.ndiags && i < 5; i++) {
            text = weir_policy_diag_text(&s->arena, &s->b, &s->b.diags[i]);
            fprintf(stderr, "%.*s", (int) text.len,
                    (const char *) text.data);
        }

        die("the set does not compile");
    }
}


/* What a client of rule i would ask, or, each fourth, nearly so. */

static void
request(request_t *q, weir_arena_t *a, uint64_t *seed, uint32_t n, int worst)
{
    char                    path[64], name[16], ip[32];
    uint32_t                i, k, role;
    weir_str_t              roles[8], amr[1];
    weir_claims_builder_t  *b;

    i = roll(seed, n);
    role = role_of(i);
    path_of(path, sizeof(path), i, worst);

    memset(q, 0, sizeof(request_t));

    snprintf(q->target, sizeof(q->target), "%s%s", path,
             i % 10 < 6 ? "/items/17" : i % 10 < 8 ? "/ledger"
             : i % 10 == 8 ? "/admin/users" : "");

    if (weir_path_gate(&q->path, q->decoded, weir_cstr(q->target), 0)
        != WEIR_OK) {
        die("a path is refused");
    }

    snprintf(ip, sizeof(ip), "10.%u.3.4",
             i / 10 % 4 + (roll(seed, 4) == 0));

    if (weir_addr_parse(weir_cstr(ip), &q->addr) != WEIR_OK) {
        die("an address is refused");
    }

    b = weir_claims_builder(a);

    for (k = 0; k < 8; k++) {
        snprintf(name, sizeof(name), "role%u", (role + k * 5) % BENCH_ROLES);
        roles[k] = weir_arena_copy(a, weir_cstr(name));
    }

    amr[0] = weir_cstr(roll(seed, 2) ? "mfa" : "pwd");
    snprintf(name, sizeof(name), "t%u", tenant_of(i));

    if (b == NULL
        || weir_claims_add(b, weir_cstr("tenant"), WEIR_CLAIM_STRING, 0,
                           weir_arena_copy(a, weir_cstr(name)), NULL, 0)
        || weir_claims_add(b, weir_cstr("roles"), WEIR_CLAIM_SET, 0,
                           weir_cstr(""), roles, 8)
        || weir_claims_add(b, weir_cstr("amr"), WEIR_CLAIM_SET, 0,
                           weir_cstr(""), amr, 1))
    {
        die("out of memory");
    }

    q->r.claims = weir_claims_build(b);
    q->r.path = &q->path;
    q->r.method = weir_cstr(i % 10 < 6 || i % 10 == 9 ? "GET" : "POST");
    q->r.host = weir_cstr("api.example.com");
    q->r.scheme = weir_cstr("https");
    q->r.source_ip = &q->addr;
    q->r.source_peer = &q->addr;
    q->r.time = 1790000000;
    q->r.has_time = 1;
    q->r.kind = WEIR_POLICY_JWT;
    q->r.issuer = weir_cstr("corp");
    q->r.subject = weir_cstr("alice");
    q->r.principal = weir_cstr("jwt:corp:alice");

    if (i % 10 == 6 || i % 10 == 7) {
        snprintf(q->spiffe, sizeof(q->spiffe), "spiffe://corp/sa/s%u", i);
        q->r.spiffe = weir_cstr(q->spiffe);
    }
}


/* What the gateway has just read: the path and the claims. */

static void
touch(const request_t *q)
{
    size_t          i;
    uint32_t        sum;
    const uint8_t  *p;

    sum = 0;
    p = (const uint8_t *) q;

    for (i = 0; i < sizeof(request_t); i += 64) {
        sum += p[i];
    }

    p = (const uint8_t *) q->r.claims;

    for (i = 0; i < q->r.claims->size; i += 64) {
        sum += p[i];
    }

    __asm__ volatile ("" : : "r" (sum));
}


static void
calibrate(void)
{
    uint64_t  t, n, i;
    double    d[1024];

    t = ticks();
    n = nanoseconds();

    while (nanoseconds() - n < 50000000) { /* void */ }

    bench_tick = (double) (nanoseconds() - n) / (double) (ticks() - t);

    for (i = 0; i < 1024; i++) {
        t = ticks();
        d[i] = (double) (ticks() - t) * bench_tick;
    }

    qsort(d, 1024, sizeof(double), compare);
    bench_none = d[512];
}


/*
 * Every rule of the set, one after the other.  Its time in ns, of which it
 * takes the median over some requests; dies where the index decides otherwise.
 */

static double
linear(const set_t *s, const request_t *q)
{
    double                        d[BENCH_LINEAR];
    uint64_t                      t;
    uint32_t                      i, k, w, rules[BENCH_RULES];
    uint32_t                      permits, denies, unknown;
    weir_policy_eval_t            ev;
    weir_policy_truth_t           value, v;
    weir_policy_decision_t        decision;
    const weir_policy_rule_rec_t  *rule;

    memset(&decision, 0, sizeof(decision));
    decision.rules = rules;
    decision.max = BENCH_RULES;

    for (i = 0; i < BENCH_LINEAR; i++) {

        permits = denies = unknown = 0;
        t = ticks();

        weir_policy_eval_begin(&ev, s->b.image, 0, &q[i].r, &decision);

        for (k = 0; k < ev.rec->rules.n; k++) {

            rule = &ev.rules[k];
            value = WEIR_POLICY_FALSE;

            for (w = 0; w < rule->nwhats && value != WEIR_POLICY_TRUE; w++) {
                ev.what = &ev.whats[rule->whats + w];

                if (weir_policy_what_matches(&ev, ev.what)) {
                    v = weir_policy_rule_value(&ev, rule);
                    value = v != WEIR_POLICY_FALSE ? v : value;
                }
            }

            if (rule->flags & WEIR_POLICY_R_DENY) {
                denies += value != WEIR_POLICY_FALSE;
                unknown += value == WEIR_POLICY_MAYBE;

            } else {
                permits += value == WEIR_POLICY_TRUE;
            }
        }

        t = ticks() - t;
        d[i] = (double) t * bench_tick - bench_none;

        weir_policy_decide(s->b.image, 0, &q[i].r, &decision);

        if (decision.count != (denies ? denies : permits)
            || decision.reason != (denies == 0
                                   ? permits ? WEIR_POLICY_PERMIT_RULE
                                             : WEIR_POLICY_DEFAULT_DENY
                                   : denies == unknown
                                     ? WEIR_POLICY_DENY_UNKNOWN
                                     : WEIR_POLICY_DENY_RULE))
        {
            die("the index does not decide as the linear scan does");
        }
    }

    qsort(d, BENCH_LINEAR, sizeof(double), compare);

    return d[BENCH_LINEAR / 2];
}


static void
measure(const char *shape, uint32_t n, int worst, int json)
{
    set_t                    s;
    double                  *d;
    uint64_t                 seed, t;
    uint32_t                 i, k, permits, rules[BENCH_RULES];
    request_t               *q;
    weir_arena_t             a;
    weir_policy_decision_t   decision;

    compile(&s, n, worst);

    weir_arena_init(&a, &weir_alloc_malloc, 0);

    q = calloc(BENCH_REQUESTS, sizeof(request_t));
    d = calloc(BENCH_REQUESTS * BENCH_ROUNDS, sizeof(double));

    if (q == NULL || d == NULL) {
        die("out of memory");
    }

    seed = n;

    for (i = 0; i < BENCH_REQUESTS; i++) {
        request(&q[i], &a, &seed, n, worst);
    }

    permits = 0;

    for (k = 0; k < BENCH_ROUNDS + 2; k++) {
        for (i = 0; i < BENCH_REQUESTS; i++) {
            memset(&decision, 0, sizeof(decision));
            decision.rules = rules;
            decision.max = BENCH_RULES;

            touch(&q[i]);

            t = ticks();
            weir_policy_decide(s.b.image, 0, &q[i].r, &decision);
            t = ticks() - t;

            /* the first two rounds are to be warm */

            if (k >= 2) {
                d[(k - 2) * BENCH_REQUESTS + i]
                    = (double) t * bench_tick - bench_none;
            }

            permits += (decision.verdict == WEIR_POLICY_PERMIT);
        }
    }

    k = BENCH_REQUESTS * BENCH_ROUNDS;
    qsort(d, k, sizeof(double), compare);

    printf(json ? "%s{\"shape\":\"%s\",\"rules\":%u,\"p50_ns\":%.0f,"
                  "\"p99_ns\":%.0f,\"p999_ns\":%.0f,\"linear_ns\":%.0f,"
                  "\"bytes_per_rule\":%.1f,\"compile_s\":%.3f,"
                  "\"permit_percent\":%.0f}"
                : "%s%-6s %7u %8.0f %8.0f %9.0f %10.0f %11.1f %10.3f %9.0f\n",
           json && n > 10 ? "," : "", shape, n, d[k / 2], d[k / 100 * 99],
           d[k / 1000 * 999], linear(&s, q), (double) s.b.size / n, s.compile,
           100.0 * permits / (BENCH_REQUESTS * (BENCH_ROUNDS + 2)));
    fflush(stdout);

    free(d);
    free(q);
    weir_arena_done(&a);
    weir_arena_done(&s.arena);
    free((void *) (uintptr_t) s.source.text.data);
}


int
main(int argc, char **argv)
{
    int        json;
    uint32_t   n;
    cpu_set_t  set;

    json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc == 3) {                            /* one alone, for profilers */
        calibrate();
        measure(argv[1], (uint32_t) atoi(argv[2]), argv[1][0] == 'w', 0);
        return 0;
    }

    if (argc > 3 || (argc == 2 && !json)) {
        fprintf(stderr, "usage: bench_policy [--json | SHAPE RULES]\n");
        return 2;
    }

    CPU_ZERO(&set);
    CPU_SET((size_t) sched_getcpu(), &set);
    (void) sched_setaffinity(0, sizeof(set), &set);

    calibrate();

    if (json) {
        printf("[");

    } else {
        printf("%-6s %7s %8s %8s %9s %10s %11s %10s %9s\n", "shape", "rules",
               "p50 ns", "p99 ns", "p99.9 ns", "linear ns", "bytes/rule",
               "compile s", "permit %");
    }

    for (n = 10; n <= 100000; n *= 10) {
        measure("mixed", n, 0, json);
    }

    for (n = 1000; n <= 100000; n *= 10) {
        measure("worst", n, 1, json);
    }

    if (json) {
        printf("]\n");
    }

    return 0;
}
