
/*
 * Unit tests of lib/authzen: what a question becomes, and what is none, with
 * and without memory.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "weir_authzen.h"
#include "failing_memory.h"


#define SUBJECT   "\"subject\":{\"type\":\"user\",\"id\":\"alice\"}"
#define ACTION    "\"action\":{\"name\":\"GET\"}"
#define RESOURCE  "\"resource\":{\"type\":\"route\",\"id\":\"/a\"}"


typedef struct {
    weir_authzen_t   a;
    weir_arena_t     arena;
    json_t          *json;
    uint8_t          text[16384];
} question_t;


static int
parse(question_t *q, const char *text, unsigned batch)
{
    size_t  len;

    len = strlen(text);
    memcpy(q->text, text, len);
    weir_arena_init(&q->arena, &ours, 0);

    return weir_authzen_parse(&q->a, &q->arena, &q->json, q->text, len, batch,
                              weir_str("corp"));
}


static void
done(question_t *q)
{
    json_decref(q->json);
    weir_arena_done(&q->arena);
}


static void
equals(weir_str_t s, const char *text)
{
    if (text == NULL) {
        assert_null(s.data);
        return;
    }

    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}


static void
test_authzen_question(void **state)
{
    question_t                      q;
    weir_str_t                      key;
    weir_authzen_question_t        *one;
    const weir_claim_entry_t       *e;

    (void) state;

    assert_int_equal(parse(&q,
        "{\"subject\":{\"type\":\"user\",\"id\":\"alice\",\"properties\":"
        "{\"tenant\":\"acme\",\"issuer\":\"idp\"}},"
        "\"action\":{\"name\":\"PUT\"},"
        "\"resource\":{\"type\":\"r\",\"id\":\"https://API.test:8/a/b?x=1?\"},"
        "\"context\":{\"source\":\"10.1.2.3\","
        "\"time\":\"1970-01-01T00:01:00Z\",\"other\":{\"x\":1},"
        "\"headers\":{\"A\":[\"1\",\"2\"],\"b\":\"3\"},"
        "\"tls\":{\"sni\":\"api.test\"}},\"more\":1}", 0), WEIR_OK);

    assert_int_equal(q.a.count, 1);
    assert_false(q.a.batch);

    one = &q.a.questions[0];

    assert_null(one->error);
    assert_int_equal(one->kind, WEIR_POLICY_JWT);
    equals(one->issuer, "idp");
    equals(one->subject, "alice");
    equals(one->spiffe, NULL);
    equals(one->principal, "jwt:idp:alice");
    equals(one->method, "PUT");
    equals(one->scheme, "https");
    equals(one->host, "API.test:8");
    equals(one->path, "/a/b");
    equals(one->args, "x=1?");
    assert_true(one->has_source);
    assert_true(one->has_time);
    assert_int_equal(one->time, 60);
    assert_int_equal(one->fields.nheaders, 3);
    equals(one->fields.tls[WEIR_POLICY_TLS_SNI], "api.test");

    key = weir_str("tenant");
    e = weir_claims_find(one->claims, key);
    assert_non_null(e);
    equals(weir_claims_string(one->claims, e), "acme");

    /* the issuer is none of the claims */

    key = weir_str("issuer");
    assert_null(weir_claims_find(one->claims, key));

    done(&q);
}


static void
test_authzen_kinds(void **state)
{
    size_t                    i;
    char                      text[512];
    question_t                q;
    weir_authzen_question_t  *one;

    static const struct {
        const char          *type;
        weir_policy_kind_t   kind;
        const char          *principal;
        int                  claims;
    } v[] = {
        { "user", WEIR_POLICY_JWT, "jwt:corp:x", 1 },
        { "jwt", WEIR_POLICY_JWT, "jwt:corp:x", 1 },
        { "session", WEIR_POLICY_SESSION, "session:corp:x", 1 },
        { "mtls", WEIR_POLICY_MTLS, "mtls::x", 0 },
        { "apikey", WEIR_POLICY_APIKEY, "apikey::x", 0 },
        { "spiffe", WEIR_POLICY_MTLS, "mtls::", 0 },
        { "anonymous", WEIR_POLICY_ANONYMOUS, "anonymous::", 0 },
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {

        (void) snprintf(text, sizeof(text), "{\"subject\":{\"type\":\"%s\","
                        "\"id\":\"x\",\"properties\":{\"a\":1}}," ACTION ","
                        RESOURCE "}", v[i].type);

        assert_int_equal(parse(&q, text, 0), WEIR_OK);

        one = &q.a.questions[0];

        assert_int_equal(one->kind, v[i].kind);
        equals(one->principal, v[i].principal);
        assert_int_equal(one->claims != NULL, v[i].claims);

        if (strcmp(v[i].type, "spiffe") == 0) {
            equals(one->spiffe, "x");
            equals(one->fields.tls[WEIR_POLICY_TLS_SPIFFE], "x");
        }

        done(&q);
    }
}


static void
test_authzen_batch(void **state)
{
    question_t  q;

    (void) state;

    /* what an evaluation has stands in place of the default, whole */

    assert_int_equal(parse(&q, "{" SUBJECT "," ACTION ",\"evaluations\":["
        "{" RESOURCE "},{},{\"action\":{}," RESOURCE "},[]],"
        "\"options\":{\"evaluations_semantic\":\"deny_on_first_deny\"}}", 1),
        WEIR_OK);

    assert_true(q.a.batch);
    assert_int_equal(q.a.count, 4);
    assert_int_equal(q.a.semantic, WEIR_AUTHZEN_FIRST_DENY);
    assert_null(q.a.questions[0].error);
    assert_string_equal(q.a.questions[1].error, "resource is no object");
    assert_string_equal(q.a.questions[2].error, "action.name is no string");
    assert_string_equal(q.a.questions[3].error, "an evaluation is no object");

    done(&q);

    assert_int_equal(parse(&q, "{" SUBJECT "," ACTION "," RESOURCE
                           ",\"evaluations\":[]}", 1), WEIR_OK);
    assert_false(q.a.batch);
    assert_int_equal(q.a.count, 1);

    done(&q);

    assert_int_equal(parse(&q, "{" SUBJECT ",\"evaluations\":7}", 1),
                     WEIR_DECLINED);
    assert_string_equal(q.a.error, "evaluations is no array");

    done(&q);
}


/* What is shared is read once; what an evaluation has is its own. */

static void
test_authzen_shared(void **state)
{
    size_t                    i, used;
    question_t                q;
    weir_authzen_question_t  *one;

    static char  text[4096];

    (void) state;

    used = (size_t) snprintf(text, sizeof(text),
        "{\"subject\":{\"type\":\"user\",\"id\":\"alice\","
        "\"properties\":{\"tenant\":\"acme\"}}," ACTION "," RESOURCE
        ",\"context\":{\"source\":\"10.1.2.3\",\"time\":"
        "\"1970-01-01T00:01:00Z\",\"headers\":{\"a\":\"1\"},"
        "\"tls\":{\"sni\":\"api.test\"}},\"evaluations\":["
        "{\"subject\":{\"type\":\"spiffe\",\"id\":\"spiffe://a/b\"}}");

    for (i = 1; i < WEIR_AUTHZEN_QUESTIONS; i++) {
        used += (size_t) snprintf(text + used, sizeof(text) - used, ",{}");
    }

    (void) snprintf(text + used, sizeof(text) - used, "]}");

    assert_int_equal(parse(&q, text, 1), WEIR_OK);
    assert_int_equal(q.a.count, WEIR_AUTHZEN_QUESTIONS);

    one = q.a.questions;

    equals(one[0].spiffe, "spiffe://a/b");
    equals(one[0].fields.tls[WEIR_POLICY_TLS_SPIFFE], "spiffe://a/b");
    assert_null(one[0].claims);

    for (i = 1; i < q.a.count; i++) {
        assert_null(one[i].error);
        assert_non_null(one[i].claims);
        assert_ptr_equal(one[i].claims, one[1].claims);
        assert_ptr_equal(one[i].principal.data, one[1].principal.data);
        assert_ptr_equal(one[i].fields.headers, one[0].fields.headers);

        equals(one[i].principal, "jwt:corp:alice");
        equals(one[i].spiffe, NULL);
        equals(one[i].path, "/a");
        equals(one[i].fields.tls[WEIR_POLICY_TLS_SNI], "api.test");
        equals(one[i].fields.tls[WEIR_POLICY_TLS_SPIFFE], NULL);
        assert_int_equal(one[i].fields.nheaders, 1);
        assert_true(one[i].has_source);
        assert_true(one[i].has_time);
        assert_int_equal(one[i].time, 60);
    }

    done(&q);

    /* so is what is wrong with it */

    assert_int_equal(parse(&q, "{\"subject\":{}," ACTION "," RESOURCE ","
        "\"context\":7,\"evaluations\":[{},{}," "{" SUBJECT "},{" SUBJECT
        "},{" SUBJECT ",\"context\":{}}]}", 1), WEIR_OK);

    for (i = 0; i < 4; i++) {
        assert_string_equal(q.a.questions[i].error,
                            i < 2 ? "subject.type is no string"
                                  : "context is no object");
    }

    assert_null(q.a.questions[4].error);

    done(&q);
}


/* Facts that are said twice are the same; a request is of bounded length. */

static void
test_authzen_agrees(void **state)
{
    size_t      i;
    char        text[1024];
    question_t  q;

    static const char  big[] =
        "{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"r\","
        "\"id\":\"/%0*d\"}}";

    static char  large[WEIR_AUTHZEN_REQUEST + 256];

    static const struct {
        const char  *subject;
        const char  *resource;
        const char  *context;
        const char  *error;
    } v[] = {
        { "\"type\":\"spiffe\",\"id\":\"spiffe://x/z\"", "\"id\":\"/a\"",
          "\"tls\":{\"spiffe\":\"spiffe://x/z\"}", NULL },
        { "\"type\":\"spiffe\",\"id\":\"spiffe://x/z\"", "\"id\":\"/a\"",
          "\"tls\":{\"spiffe\":\"spiffe://x/y\"}",
          "context.tls.spiffe is not the subject" },
        { "\"type\":\"spiffe\",\"id\":\"spiffe://x/z\"", "\"id\":\"/a\"",
          "\"tls\":{\"spiffe\":\"\"}",
          "context.tls.spiffe is not the subject" },
        { "\"type\":\"user\",\"id\":\"a\"", "\"id\":\"/a\"",
          "\"tls\":{\"spiffe\":\"spiffe://x/y\"}", NULL },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://A.test:8/a\",\"properties\":"
          "{\"host\":\"a.test\",\"scheme\":\"https\"}",
          "", NULL },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\",\"properties\":"
          "{\"host\":\"b.test\"}",
          "",
          "resource.properties.host is not that of the URL" },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\",\"properties\":"
          "{\"host\":\"a,b\"}",
          "",
          "resource.properties.host is not that of the URL" },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\",\"properties\":"
          "{\"scheme\":\"http\"}",
          "",
          "resource.properties.scheme is not that of the URL" },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\"",
          "\"headers\":{\"Host\":\"A.test\"}", NULL },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\"",
          "\"headers\":{\"Host\":\"b.test\"}",
          "the host of context.headers is not that of the resource" },
        { "\"type\":\"user\",\"id\":\"a\"",
          "\"id\":\"https://a.test/a\"",
          "\"headers\":{\"Host\":\"a.test\",\"hOST\":\"a.test\"}",
          "context.headers has more than one host" },
        { "\"type\":\"user\",\"id\":\"a\"", "\"id\":\"/a\"",
          "\"headers\":{\"Host\":\"b.test\"}", NULL },
        { "\"type\":\"user\",\"id\":\"a\",\"properties\":{\"sub\":\"a\"}",
          "\"id\":\"/a\"", "", NULL },
        { "\"type\":\"user\",\"id\":\"a\",\"properties\":{\"sub\":\"b\"}",
          "\"id\":\"/a\"", "",
          "subject.properties.sub is not subject.id" },
        { "\"type\":\"user\",\"id\":\"a\",\"properties\":{\"sub\":7}",
          "\"id\":\"/a\"", "",
          "subject.properties.sub is not subject.id" },
    };

    (void) state;

    for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {

        (void) snprintf(text, sizeof(text), "{\"subject\":{%s}," ACTION
                        ",\"resource\":{\"type\":\"r\",%s},"
                        "\"context\":{%s}}", v[i].subject, v[i].resource,
                        v[i].context);

        if (v[i].error == NULL) {
            assert_int_equal(parse(&q, text, 0), WEIR_OK);

        } else {
            assert_int_equal(parse(&q, text, 0), WEIR_DECLINED);
            assert_int_equal(q.a.count, 1);
            assert_string_equal(q.a.error, v[i].error);
        }

        done(&q);
    }

    /* "GET", "/" and digits */

    (void) snprintf(large, sizeof(large), big, WEIR_AUTHZEN_REQUEST - 4, 7);
    assert_int_equal(parse(&q, large, 0), WEIR_OK);
    done(&q);

    (void) snprintf(large, sizeof(large), big, WEIR_AUTHZEN_REQUEST - 3, 7);
    assert_int_equal(parse(&q, large, 0), WEIR_DECLINED);
    assert_string_equal(q.a.error, "action and resource are longer than 8 KiB");
    done(&q);
}


static void *
json_malloc_ours(size_t size)
{
    return our_alloc(NULL, size);
}


/* Whatever piece of memory is missing: the same question, or none. */

static void
test_authzen_memory(void **state)
{
    int         rc;
    unsigned    n;
    question_t  q;

    static const char  *text =
        "{\"subject\":{\"type\":\"user\",\"id\":\"a\",\"properties\":"
        "{\"tenant\":\"acme\",\"roles\":[\"x\",\"y\"]}}," ACTION "," RESOURCE
        ",\"context\":{\"headers\":{\"a\":\"1\"}},\"evaluations\":[{},{}]}";

    (void) state;

    json_set_alloc_funcs(json_malloc_ours, free);

    for (n = 1; n < 10000; n++) {

        memory_arm(n, n & 1);
        rc = parse(&q, text, 1);
        memory_disarm();

        if (rc == WEIR_OK) {
            assert_int_equal(q.a.count, 2);
            assert_null(q.a.questions[1].error);
            equals(q.a.questions[1].principal, "jwt:corp:a");
            assert_int_equal(q.a.questions[1].claims->count, 2);
            assert_int_equal(q.a.questions[1].fields.nheaders, 1);

        } else {
            /* jansson does not always say what it lacked */

            assert_true(rc == WEIR_NOMEM
                        || (rc == WEIR_DECLINED
                            && strcmp(q.a.error, "the body is no JSON object")
                               == 0));
        }

        done(&q);

        if (!memory.failed) {
            break;
        }
    }

    assert_true(n > 10);
    assert_true(n < 10000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_authzen_question),
        cmocka_unit_test(test_authzen_kinds),
        cmocka_unit_test(test_authzen_batch),
        cmocka_unit_test(test_authzen_shared),
        cmocka_unit_test(test_authzen_agrees),
        cmocka_unit_test(test_authzen_memory),
    };

    return cmocka_run_group_tests_name("authzen", tests, NULL, NULL);
}
