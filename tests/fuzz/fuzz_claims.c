
/*
 * Fuzzer of claims: JSON's bounds, the checks, and the flattened block, of
 * which every entry must be found again by its key.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "weir_json.h"
#include "weir_token.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#define NOW  1767225600


static const weir_json_limits_t  limits = { 16, 256, 2048 };


static void
check_flat(const weir_claims_t *c)
{
    uint32_t                   i, j;
    weir_str_t                 key, s;
    const weir_claim_entry_t  *e;

    e = (const weir_claim_entry_t *) (c + 1);

    if (c->size > WEIR_FLAT_MAX + 8 || c->count > 256) {
        abort();
    }

    for (i = 0; i < c->count; i++) {
        key.data = (const uint8_t *) c + e[i].key;
        key.len = e[i].key_len;

        if (weir_claims_find(c, key) != &e[i]) {
            abort();
        }

        if (e[i].type == WEIR_CLAIM_STRING) {
            s = weir_claims_string(c, &e[i]);

            if (!weir_utf8_valid(s)) {
                abort();
            }
        }

        for (j = 0; e[i].type == WEIR_CLAIM_SET && j < e[i].value_len; j++) {
            s = weir_claims_item(c, &e[i], j);

            if (!weir_utf8_valid(s)
                || s.data + s.len > (const uint8_t *) c + c->size)
            {
                abort();
            }
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                    rc;
    json_t                *json;
    int64_t                exp, nbf;
    uint8_t               *text;
    weir_str_t             typ;
    weir_arena_t           arena;
    weir_issuer_t          issuer;
    const weir_claims_t   *flat;
    weir_token_reason_e    reason;

    if (size > WEIR_TOKEN_MAX) {
        return 0;
    }

    text = malloc(size + (size == 0));

    if (text == NULL) {
        return 0;
    }

    if (size != 0) {
        memcpy(text, data, size);
    }

    rc = weir_json_object(&json, text, size, &limits);

    free(text);

    if (rc == WEIR_NOMEM) {
        abort();
    }

    if (rc != WEIR_OK) {
        return 0;
    }

    memset(&issuer, 0, sizeof(issuer));
    issuer.issuer = weir_str("https://idp.test/");
    issuer.audience[0] = weir_str("orders");
    issuer.audiences = 1;
    issuer.leeway = 30;

    typ.len = 0;
    typ.data = NULL;

    reason = weir_token_claims(json, typ, &issuer, NOW, &exp, &nbf);

    if (reason == WEIR_TOKEN_ERROR
        || (reason == WEIR_TOKEN_VALID
            && (exp + issuer.leeway < NOW
                || exp > NOW + WEIR_TOKEN_LIFE + issuer.leeway
                || nbf > NOW + issuer.leeway || nbf < 0)))
    {
        abort();
    }

    weir_arena_init(&arena, &weir_alloc_malloc, WEIR_TOKEN_ARENA);

    rc = weir_token_flatten(&flat, &arena, json);

    if (rc == WEIR_NOMEM) {
        abort();
    }

    if (rc == WEIR_OK) {
        check_flat(flat);

        if (reason == WEIR_TOKEN_VALID
            && !weir_token_audience(flat, &issuer))
        {
            abort();
        }
    }

    weir_arena_done(&arena);
    json_decref(json);

    return 0;
}
