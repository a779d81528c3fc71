
/*
 * Weir: whose signatures count, and for what.
 */

#include "weir_trust.h"


static unsigned weir_role_index(unsigned role);
static int weir_trust_find(const weir_trust_t *t, const uint8_t *keyid);


static const weir_str_t  weir_role_words[WEIR_ROLES] = {
    { 6, (const uint8_t *) "policy" },
    { 5, (const uint8_t *) "split" },
    { 6, (const uint8_t *) "revoke" },
    { 3, (const uint8_t *) "key" }
};


static unsigned
weir_role_index(unsigned role)
{
    unsigned  i;

    for (i = 0; i < WEIR_ROLES - 1 && role != 1u << i; i++) {
        /* void */
    }

    return i;
}


int
weir_trust_may(weir_str_t list, unsigned *roles, weir_err_t *err)
{
    unsigned        i;
    weir_str_t      word;
    const uint8_t  *p, *last, *comma;

    *roles = 0;

    p = list.data;
    last = p + list.len;

    for ( ;; ) {
        comma = p == last ? NULL : memchr(p, ',', (size_t) (last - p));

        word.data = p;
        word.len = (size_t) ((comma == NULL ? last : comma) - p);

        for (i = 0; i < WEIR_ROLES; i++) {
            if (weir_str_eq(word, weir_role_words[i])) {
                break;
            }
        }

        if (i == WEIR_ROLES) {
            return weir_err(err, "unknown role \"%.*s\", there are policy, "
                            "split, revoke and key", (int) word.len,
                            word.len != 0 ? (const char *) word.data : "");
        }

        if (*roles & 1u << i) {
            return weir_err(err, "role \"%.*s\" is duplicate",
                            (int) word.len, word.data);
        }

        *roles |= 1u << i;

        if (comma == NULL) {
            return WEIR_OK;
        }

        p = comma + 1;
    }
}


int
weir_trust_add(weir_trust_t *t, const weir_public_key_t *pub, unsigned roles,
    weir_err_t *err)
{
    int  i;

    i = weir_trust_find(t, pub->id);

    if (i >= 0) {

        /* 64 bits can be made to collide; who signed must be clear */

        if (memcmp(t->keys[i].pub.key, pub->key, WEIR_KEY_LEN) != 0) {
            return weir_err(err, "another key has the id %.*s",
                            WEIR_KEYID_LEN, pub->id);
        }

        t->keys[i].roles |= roles;

        return WEIR_OK;
    }

    if (t->nkeys == WEIR_TRUST_KEYS) {
        return weir_err(err, "more than %d keys", WEIR_TRUST_KEYS);
    }

    t->keys[t->nkeys].pub = *pub;
    t->keys[t->nkeys].roles = roles;
    t->nkeys++;

    return WEIR_OK;
}


void
weir_trust_threshold(weir_trust_t *t, unsigned roles, unsigned n)
{
    unsigned  i;

    for (i = 0; i < WEIR_ROLES; i++) {
        if ((roles & 1u << i) && t->thresholds[i] < n) {
            t->thresholds[i] = n;
        }
    }
}


int
weir_trust_check(const weir_trust_t *t, weir_err_t *err)
{
    unsigned  i, j, n;

    for (i = 0; i < WEIR_ROLES; i++) {
        n = 0;

        for (j = 0; j < t->nkeys; j++) {
            n += (t->keys[j].roles & 1u << i) != 0;
        }

        if (t->thresholds[i] > n) {
            return weir_err(err, "%u signatures for \"%.*s\", and %u %s",
                            t->thresholds[i], (int) weir_role_words[i].len,
                            weir_role_words[i].data, n,
                            n == 1 ? "key that may" : "keys that may");
        }

        if (t->thresholds[i] > WEIR_ENVELOPE_SIGNATURES) {
            return weir_err(err, "%u signatures, an envelope has at most %d",
                            t->thresholds[i], WEIR_ENVELOPE_SIGNATURES);
        }
    }

    return WEIR_OK;
}


unsigned
weir_role(weir_kind_e kind, weir_str_t id)
{
    weir_str_t      word;
    const uint8_t  *slash;

    /* a tombstone of a freeze names two kinds; none names more */

    while (kind == WEIR_KIND_TOMBSTONE || kind == WEIR_KIND_FREEZE) {
        slash = id.len == 0 ? NULL : memchr(id.data, '/', id.len);

        if (slash == NULL) {
            return 0;
        }

        word.data = id.data;
        word.len = (size_t) (slash - id.data);
        id.data = slash + 1;
        id.len -= word.len + 1;
        kind = weir_kind(word);
    }

    switch (kind) {

    case WEIR_KIND_BUNDLE:
        return WEIR_ROLE_POLICY;

    case WEIR_KIND_SPLIT:
        return WEIR_ROLE_SPLIT;

    case WEIR_KIND_REVOCATIONS:
        return WEIR_ROLE_REVOKE;

    case WEIR_KIND_KEY:
        return WEIR_ROLE_KEY;

    default:
        return 0;
    }
}


static int
weir_trust_find(const weir_trust_t *t, const uint8_t *keyid)
{
    unsigned  i;

    for (i = 0; i < t->nkeys; i++) {
        if (memcmp(t->keys[i].pub.id, keyid, WEIR_KEYID_LEN) == 0) {
            return (int) i;
        }
    }

    return WEIR_DECLINED;
}


int
weir_trust_verify(const weir_trust_t *t, weir_arena_t *a,
    const weir_envelope_t *e, unsigned role, unsigned *good,
    weir_refusal_e *why, weir_err_t *err)
{
    int       rc;
    uint32_t  signers;

    *good = 0;

    rc = weir_trust_signers(t, a, e, &signers, why, err);

    return rc == WEIR_OK ? weir_trust_role(t, signers, role, good, why, err)
                         : rc;
}


int
weir_trust_signers(const weir_trust_t *t, weir_arena_t *a,
    const weir_envelope_t *e, uint32_t *signers, weir_refusal_e *why,
    weir_err_t *err)
{
    int                         k, rc;
    unsigned                    i;
    weir_str_t                  pae;
    const weir_envelope_sig_t  *sig;

    *signers = 0;

    if (t == NULL || (t->nkeys == 0 && !t->off)) {
        *why = WEIR_REFUSAL_UNTRUSTED;
        (void) weir_err(err, "no key is trusted");
        return WEIR_DECLINED;
    }

    if (e->nsigs == 0 && !t->off) {
        *why = WEIR_REFUSAL_UNSIGNED;
        (void) weir_err(err, "nobody has signed it");
        return WEIR_DECLINED;
    }

    pae.data = NULL;

    for (i = 0; i < e->nsigs; i++) {
        sig = &e->sigs[i];
        k = weir_trust_find(t, sig->keyid);

        if (k < 0) {
            continue;
        }

        if (pae.data == NULL) {
            pae = weir_envelope_pae(e, a);

            if (pae.data == NULL) {
                return WEIR_NOMEM;
            }
        }

        rc = weir_signature_verify(&t->keys[k].pub, pae, sig->sig);

        if (rc == WEIR_NOMEM) {
            return WEIR_NOMEM;
        }

        if (rc != WEIR_OK) {
            *why = WEIR_REFUSAL_BAD_SIGNATURE;
            (void) weir_err(err, "the signature by key %.*s does not hold",
                            WEIR_KEYID_LEN, sig->keyid);
            return WEIR_DECLINED;
        }

        *signers |= 1u << k;
    }

    if (*signers == 0 && !t->off) {
        *why = WEIR_REFUSAL_UNTRUSTED;
        (void) weir_err(err, "none of the keys that signed it is trusted");
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}


int
weir_trust_role(const weir_trust_t *t, uint32_t signers, unsigned role,
    unsigned *good, weir_refusal_e *why, weir_err_t *err)
{
    unsigned    i, need;
    weir_str_t  word;

    *good = 0;

    for (i = 0; i < t->nkeys; i++) {
        *good += (signers & 1u << i) != 0 && (t->keys[i].roles & role) != 0;
    }

    if (t->off) {
        return WEIR_OK;
    }

    i = weir_role_index(role);
    word = weir_role_words[i];
    need = t->thresholds[i];

    if (*good == 0) {
        *why = WEIR_REFUSAL_ROLE;
        (void) weir_err(err, "no key that signed it may sign \"%.*s\"",
                        (int) word.len, word.data);
        return WEIR_DECLINED;
    }

    if (*good < need) {
        *why = WEIR_REFUSAL_THRESHOLD;
        (void) weir_err(err, "%u of %u signatures for \"%.*s\"", *good, need,
                        (int) word.len, word.data);
        return WEIR_DECLINED;
    }

    return WEIR_OK;
}
