
/*
 * weirctl token verify: a single token, or JSON lines for programs: the very
 * code of the gateway answers.
 */

#include <stdlib.h>
#include <time.h>

#include "weir_time.h"
#include "weirctl_token.h"


#define WEIRCTL_LINE_MAX  (1024 * 1024)


typedef struct {
    const char      *file;
    const char      *issuer;
    const char      *leeway;
    const char      *max_age;
    const char      *at;
    weirctl_list_t   audience;
    weirctl_list_t   algorithms;
    weirctl_list_t   typ;
    int              jws;
    int              batch;
    int64_t          now;
    weir_issuer_t    rules;
    weir_jwks_t     *keys;             /* of --jwks */
    weir_crypto_t    crypto;
} weirctl_verify_t;


static int weirctl_verify_rules(weirctl_verify_t *v);
static int weirctl_verify_list(weirctl_list_t *list, const char *what,
    int (*add)(weirctl_verify_t *v, weir_str_t item), weirctl_verify_t *v);
static int weirctl_verify_alg(weirctl_verify_t *v, weir_str_t item);
static int weirctl_verify_typ(weirctl_verify_t *v, weir_str_t item);
static int weirctl_verify_at(weirctl_verify_t *v);
static int weirctl_verify_one(weirctl_t *ctl, weirctl_verify_t *v);
static int weirctl_verify_batch(weirctl_verify_t *v);
static int weirctl_verify_line(weirctl_verify_t *v, weir_str_t line);
static void weirctl_verify_malformed(weir_str_t line);
static int weirctl_verify_id(const json_t *line, char *id, size_t size);
static weir_token_reason_e weirctl_verify_token(weirctl_verify_t *v,
    weir_jwks_t *keys, weir_str_t token);
static weir_token_reason_e weirctl_verify_jws(weirctl_verify_t *v,
    weir_arena_t *arena, weir_str_t token);


int
weirctl_token_verify(weirctl_t *ctl)
{
    int               rc;
    weirctl_verify_t  v;

    memset(&v, 0, sizeof(weirctl_verify_t));

    const weirctl_option_t  options[] = {
        { "jwks", WEIRCTL_VALUE, &v.file, "FILE", "the key set" },
        { "issuer", WEIRCTL_VALUE, &v.issuer, "URL", "what iss must be" },
        { "audience", WEIRCTL_LIST, &v.audience, "NAME",
          "what aud must hold; may repeat, one is enough" },
        { "algorithms", WEIRCTL_LIST, &v.algorithms, "LIST",
          "ES256,ES384,RS256,PS256,EdDSA" },
        { "leeway", WEIRCTL_VALUE, &v.leeway, "TIME", "30s; at most 60s" },
        { "max-age", WEIRCTL_VALUE, &v.max_age, "TIME",
          "how far exp may be from iat" },
        { "typ", WEIRCTL_LIST, &v.typ, "LIST", "at+jwt,JWT" },
        { "at", WEIRCTL_VALUE, &v.at, "TIME",
          "what is now: RFC 3339, or seconds since 1970" },
        { "jws", WEIRCTL_FLAG, &v.jws, NULL,
          "the signature alone; the payload may be any bytes" },
        { "batch", WEIRCTL_FLAG, &v.batch, NULL,
          "JSON lines from stdin" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl,
        "Answers \"accept\" or \"reject REASON\".  TOKEN may be \"-\".  What "
        "is not given is\nnot compared.  With --batch each line of stdin is\n"
        "  {\"id\":\"x\",\"jwks\":{\"keys\":[...]},\"token\":\"...\"}\n"
        "and is answered by \"x accept\" or \"x reject REASON\"; jwks may be "
        "left out where\n--jwks is given.", options, 0, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (v.batch && ctl->argc != 0) {
        return weirctl_error("--batch reads the tokens from stdin");
    }

    if (!v.batch && ctl->argc == 0) {
        return weirctl_error("TOKEN is missing; see %s --help", ctl->path);
    }

    if (!v.batch && v.file == NULL) {
        return weirctl_error("--jwks is missing; see %s --help", ctl->path);
    }

    rc = weirctl_verify_rules(&v);

    if (rc == WEIRCTL_GO_ON) {
        rc = v.batch ? weirctl_verify_batch(&v) : weirctl_verify_one(ctl, &v);
    }

    weir_jwks_free(v.keys);
    weir_crypto_done(&v.crypto);

    return rc;
}


static int
weirctl_verify_rules(weirctl_verify_t *v)
{
    int            rc;
    int64_t        ms;
    unsigned       i;
    weir_str_t     text;
    weir_err_t     err;
    weir_issuer_t *r;

    r = &v->rules;

    if (weir_crypto_init(&v->crypto) != WEIR_OK) {
        return weirctl_error("OpenSSL offers no SHA-256 or no SHA-384");
    }

    r->issuer = weirctl_str(v->issuer);

    if (v->audience.n > WEIR_TOKEN_LISTS) {
        return weirctl_error("too many --audience");
    }

    for (i = 0; i < v->audience.n; i++) {
        r->audience[r->audiences++] = weirctl_str(v->audience.items[i]);
    }

    rc = weirctl_verify_list(&v->algorithms, "--algorithms",
                             weirctl_verify_alg, v);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_verify_list(&v->typ, "--typ", weirctl_verify_typ, v);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (r->algs.n == 0) {
        weir_algs_default(&r->algs);
    }

    r->leeway = 30;

    if (v->leeway != NULL) {

        if (weir_duration_parse(weirctl_str(v->leeway), &ms) != WEIR_OK
            || ms / 1000 > WEIR_TOKEN_LEEWAY)
        {
            return weirctl_error("invalid --leeway \"%s\", a time of at most "
                                 "60s is meant", v->leeway);
        }

        r->leeway = ms / 1000;
    }

    if (v->max_age != NULL) {

        if (weir_duration_parse(weirctl_str(v->max_age), &ms) != WEIR_OK
            || ms < 1000)
        {
            return weirctl_error("invalid --max-age \"%s\"", v->max_age);
        }

        r->max_age = ms / 1000;
    }

    rc = weirctl_verify_at(v);

    if (rc != WEIRCTL_GO_ON || v->file == NULL) {
        return rc;
    }

    rc = weirctl_read(v->file, WEIR_JWKS_MAX, &text);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weir_jwks_parse(&v->keys, &v->crypto, text, &r->algs,
                         &weir_alloc_malloc, &err);

    free((void *) text.data);

    switch (rc) {

    case WEIR_OK:
        return WEIRCTL_GO_ON;

    case WEIR_NOMEM:
        return weirctl_error("out of memory");

    default:
        (void) weirctl_error("%s: %s", v->file, err.text);
        return WEIRCTL_NO;
    }
}


/* Items between commas or spaces; the option may repeat as well. */

static int
weirctl_verify_list(weirctl_list_t *list, const char *what,
    int (*add)(weirctl_verify_t *v, weir_str_t item), weirctl_verify_t *v)
{
    unsigned     i;
    weir_str_t   item;
    const char  *p;

    for (i = 0; i < list->n; i++) {

        for (p = list->items[i]; *p != '\0'; p += item.len) {
            p += strspn(p, ", ");

            item.data = (const uint8_t *) p;
            item.len = strcspn(p, ", ");

            if (item.len != 0 && add(v, item) != WEIR_OK) {
                return weirctl_error("invalid %s \"%.*s\"", what,
                                     (int) item.len, p);
            }
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_verify_alg(weirctl_verify_t *v, weir_str_t item)
{
    return weir_algs_add(&v->rules.algs, item);
}


static int
weirctl_verify_typ(weirctl_verify_t *v, weir_str_t item)
{
    if (v->rules.typs == WEIR_TOKEN_LISTS) {
        return WEIR_ERROR;
    }

    v->rules.typ[v->rules.typs++] = item;

    return WEIR_OK;
}


static int
weirctl_verify_at(weirctl_verify_t *v)
{
    char       *end;
    long long   seconds;

    if (v->at == NULL) {
        v->now = time(NULL);
        return WEIRCTL_GO_ON;
    }

    if (weir_time_parse(weirctl_str(v->at), &v->now) == WEIR_OK) {
        return WEIRCTL_GO_ON;
    }

    seconds = strtoll(v->at, &end, 10);

    if (end == v->at || *end != '\0' || seconds < 0
        || seconds > 253402300799ll)
    {
        return weirctl_error("invalid --at \"%s\", a time as "
                             "2026-01-05T10:00:00Z is meant", v->at);
    }

    v->now = seconds;

    return WEIRCTL_GO_ON;
}


static int
weirctl_verify_one(weirctl_t *ctl, weirctl_verify_t *v)
{
    int                  rc;
    const char          *name;
    weir_str_t           token;
    weir_token_reason_e  reason;

    rc = weirctl_token_operand(ctl->argv[0], &token);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    reason = weirctl_verify_token(v, v->keys, token);

    free((void *) token.data);

    if (reason == WEIR_TOKEN_ERROR) {
        return weirctl_error("out of memory");
    }

    name = (const char *) weir_token_reason(reason).data;

    if (ctl->json) {

        if (reason == WEIR_TOKEN_VALID) {
            printf("{\"verdict\":\"accept\",\"reason\":null}\n");

        } else {
            printf("{\"verdict\":\"reject\",\"reason\":\"%s\"}\n", name);
        }

    } else if (!ctl->quiet) {

        if (reason == WEIR_TOKEN_VALID) {
            printf("accept\n");

        } else {
            printf("reject %s\n", name);
        }
    }

    return reason == WEIR_TOKEN_VALID ? WEIRCTL_YES : WEIRCTL_NO;
}


static int
weirctl_verify_batch(weirctl_verify_t *v)
{
    int         rc;
    char       *buf;
    size_t      size;
    weir_str_t  line;

    buf = NULL;
    size = 0;

    for ( ;; ) {
        rc = weirctl_line(stdin, WEIRCTL_LINE_MAX, &buf, &size, &line);

        if (rc != 1) {
            break;
        }

        rc = weirctl_verify_line(v, line);

        if (rc != WEIRCTL_GO_ON) {
            free(buf);
            return rc;
        }

        /* the other side may wait for this answer before it goes on */

        if (fflush(stdout) != 0) {
            break;
        }
    }

    free(buf);

    return rc == 0 ? WEIRCTL_YES : WEIRCTL_USAGE;
}


static int
weirctl_verify_line(weirctl_verify_t *v, weir_str_t line)
{
    int                   rc;
    char                  id[256];
    json_t               *json, *jwks, *token;
    weir_err_t            err;
    weir_str_t            text;
    weir_jwks_t          *keys;
    json_error_t          error;
    weir_token_reason_e   reason;

    json = line.len == 0 || line.len > WEIRCTL_LINE_MAX ? NULL
           : json_loadb((const char *) line.data, line.len,
                        JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        weirctl_verify_malformed(line);
        return WEIRCTL_GO_ON;
    }

    jwks = json_object_get(json, "jwks");
    token = json_object_get(json, "token");

    if (weirctl_verify_id(json, id, sizeof(id)) != WEIR_OK
        || !json_is_string(token)
        || (jwks == NULL ? v->keys == NULL : !json_is_object(jwks)))
    {
        printf("- reject malformed-line\n");
        json_decref(json);
        return WEIRCTL_GO_ON;
    }

    keys = v->keys;
    rc = jwks == NULL ? WEIR_OK
         : weir_jwks_load(&keys, &v->crypto, jwks, &v->rules.algs,
                          &weir_alloc_malloc, &err);

    text.data = (const uint8_t *) json_string_value(token);
    text.len = json_string_length(token);

    reason = rc == WEIR_OK ? weirctl_verify_token(v, keys, text)
             : rc == WEIR_NOMEM ? WEIR_TOKEN_ERROR : WEIR_TOKEN_KEY;

    if (rc == WEIR_OK && jwks != NULL) {
        weir_jwks_free(keys);
    }

    if (reason == WEIR_TOKEN_ERROR) {
        json_decref(json);
        return weirctl_error("out of memory");
    }

    if (reason == WEIR_TOKEN_VALID) {
        printf("%s accept\n", id);

    } else {
        printf("%s reject %s\n", id,
               (const char *) weir_token_reason(reason).data);
    }

    json_decref(json);

    return WEIRCTL_GO_ON;
}


/* Where only a member is given twice, the id can still be told. */

static void
weirctl_verify_malformed(weir_str_t line)
{
    char          id[256];
    json_t       *json;
    json_error_t  error;

    json = line.len == 0 || line.len > WEIRCTL_LINE_MAX ? NULL
           : json_loadb((const char *) line.data, line.len, 0, &error);

    if (json == NULL || weirctl_verify_id(json, id, sizeof(id)) != WEIR_OK) {
        printf("- reject malformed-line\n");

    } else {
        printf("%s reject malformed-line\n", id);
    }

    json_decref(json);
}


/* A string without controls, or an integer. */

static int
weirctl_verify_id(const json_t *line, char *id, size_t size)
{
    size_t         i, len;
    const char    *p;
    const json_t  *value;

    value = json_object_get(line, "id");

    if (json_is_integer(value)) {
        snprintf(id, size, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(value));
        return WEIR_OK;
    }

    if (!json_is_string(value)) {
        return WEIR_ERROR;
    }

    p = json_string_value(value);
    len = json_string_length(value);

    if (len == 0 || len >= size) {
        return WEIR_ERROR;
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) p[i] < 0x20 || p[i] == 0x7f) {
            return WEIR_ERROR;
        }
    }

    memcpy(id, p, len + 1);

    return WEIR_OK;
}


static weir_token_reason_e
weirctl_verify_token(weirctl_verify_t *v, weir_jwks_t *keys, weir_str_t token)
{
    weir_token_t          t;
    weir_arena_t          arena;
    weir_token_reason_e   reason;
    const weir_issuer_t  *rules;

    v->rules.keys = keys;
    rules = &v->rules;

    weir_arena_init(&arena, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    reason = v->jws ? weirctl_verify_jws(v, &arena, token)
             : weir_token_verify(&t, &arena, &rules, 1, token, v->now);

    weir_arena_done(&arena);

    return reason;
}


static weir_token_reason_e
weirctl_verify_jws(weirctl_verify_t *v, weir_arena_t *arena, weir_str_t token)
{
    weir_jws_t            jws;
    const weir_jwk_t     *key;
    weir_token_reason_e   reason;

    reason = weir_jws_parse(&jws, arena, token);

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_key(&jws, v->rules.keys, &v->rules.algs, &key);
    }

    if (reason == WEIR_TOKEN_VALID) {
        reason = weir_jws_verify(&jws, key);
    }

    return reason;
}
