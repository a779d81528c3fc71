
/*
 * Weir: DSSE envelopes, read and written.
 */

#include "weir_envelope.h"
#include "weir_strict.h"


#define WEIR_TYPE_BEFORE  "application/vnd.weir."
#define WEIR_TYPE_BEHIND  ".v1+json"
#define WEIR_TYPE_MAX     64


static int weir_envelope_members(weir_envelope_t *e, weir_reader_t *r,
    weir_str_t *payload);
static int weir_envelope_type(weir_envelope_t *e, weir_reader_t *r);
static int weir_envelope_sigs(weir_envelope_t *e, weir_reader_t *r,
    unsigned *many);
static int weir_envelope_sig(weir_envelope_sig_t *sig, weir_reader_t *r);
static int weir_envelope_payload(weir_envelope_t *e, weir_arena_t *a,
    weir_str_t text);
static weir_str_t weir_payload_type(weir_kind_e kind, uint8_t *buf);
static void weir_envelope_put(const weir_envelope_t *e, weir_writer_t *w);
static void weir_write_base64(weir_writer_t *w, weir_str_t s);


static const weir_str_t  weir_kind_words[WEIR_KINDS] = {
    { 0, (const uint8_t *) "" },
    { 6, (const uint8_t *) "bundle" },
    { 5, (const uint8_t *) "split" },
    { 11, (const uint8_t *) "revocations" },
    { 3, (const uint8_t *) "key" },
    { 6, (const uint8_t *) "freeze" },
    { 9, (const uint8_t *) "tombstone" }
};


weir_str_t
weir_kind_word(weir_kind_e kind)
{
    return weir_kind_words[(unsigned) kind < WEIR_KINDS ? kind : 0];
}


weir_kind_e
weir_kind(weir_str_t word)
{
    unsigned  i;

    for (i = 1; i < WEIR_KINDS; i++) {
        if (weir_str_eq(word, weir_kind_words[i])) {
            return (weir_kind_e) i;
        }
    }

    return WEIR_KIND_NONE;
}


int
weir_envelope_parse(weir_envelope_t *e, weir_arena_t *a, weir_str_t text,
    weir_refusal_e *why, weir_err_t *err)
{
    int            rc;
    weir_str_t     payload;
    weir_reader_t  r;

    memset(e, 0, sizeof(weir_envelope_t));

    if (text.len > WEIR_ENVELOPE_MAX) {
        *why = WEIR_REFUSAL_TOO_LARGE;
        (void) weir_err(err, "an envelope has at most %d bytes, not %zu",
                        WEIR_ENVELOPE_MAX, text.len);
        return WEIR_DECLINED;
    }

    payload = weir_str("");

    weir_reader_init(&r, a, text);

    rc = weir_envelope_members(e, &r, &payload);

    if (rc == WEIR_OK) {
        rc = weir_envelope_payload(e, a, payload);

        if (rc != WEIR_ERROR) {
            return rc;
        }

        *why = WEIR_REFUSAL_BAD_SIGNATURE;
        (void) weir_err(err, "the envelope's payload is not base64");

        return WEIR_DECLINED;
    }

    if (rc == WEIR_NOMEM) {
        return WEIR_NOMEM;
    }

    if (rc == WEIR_DECLINED) {
        *why = WEIR_REFUSAL_TOO_LARGE;
        (void) weir_err(err, "an envelope has at most %d signatures",
                        WEIR_ENVELOPE_SIGNATURES);

    } else {
        *why = r.cut ? WEIR_REFUSAL_TRUNCATED : WEIR_REFUSAL_BAD_SIGNATURE;
        (void) weir_read_error(&r, "the envelope", err);
    }

    return WEIR_DECLINED;
}


/* WEIR_DECLINED: too many signatures. */

static int
weir_envelope_members(weir_envelope_t *e, weir_reader_t *r,
    weir_str_t *payload)
{
    int         rc;
    uint32_t    n, seen;
    unsigned    many;
    weir_str_t  name;

    static const weir_str_t  names[] = {
        { 11, (const uint8_t *) "payloadType" },
        { 7, (const uint8_t *) "payload" },
        { 10, (const uint8_t *) "signatures" }
    };

    n = 0;
    seen = 0;
    many = 0;

    if (weir_read_open(r, '{') != WEIR_OK) {
        return r->rc;
    }

    for ( ;; ) {
        rc = weir_read_member(r, &n, &name);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        switch (weir_read_known(name, names, 3, &seen)) {

        case 0:
            rc = weir_envelope_type(e, r);
            break;

        case 1:
            rc = weir_read_string(r, payload);
            break;

        case 2:
            rc = weir_envelope_sigs(e, r, &many);
            break;

        default:
            rc = weir_read_fault(r, "payloadType, payload and signatures, "
                                 "each once");
            break;
        }

        if (rc != WEIR_OK) {
            return many ? WEIR_DECLINED : rc;
        }
    }

    if (seen != 0x07) {
        return weir_read_lacks(r, "payloadType, payload and signatures");
    }

    return weir_read_end(r);
}


static int
weir_envelope_type(weir_envelope_t *e, weir_reader_t *r)
{
    size_t      before, behind;
    weir_str_t  s;

    before = sizeof(WEIR_TYPE_BEFORE) - 1;
    behind = sizeof(WEIR_TYPE_BEHIND) - 1;

    if (weir_read_string(r, &s) != WEIR_OK) {
        return r->rc;
    }

    if (s.len > before + behind
        && memcmp(s.data, WEIR_TYPE_BEFORE, before) == 0
        && memcmp(s.data + s.len - behind, WEIR_TYPE_BEHIND, behind) == 0)
    {
        s.data += before;
        s.len -= before + behind;
        e->kind = weir_kind(s);
    }

    if (e->kind == WEIR_KIND_NONE) {
        return weir_read_fault(r, "a payloadType application/vnd.weir.KIND"
                               ".v1+json");
    }

    return WEIR_OK;
}


static int
weir_envelope_sigs(weir_envelope_t *e, weir_reader_t *r, unsigned *many)
{
    int       rc;
    uint32_t  n;

    n = 0;

    if (weir_read_open(r, '[') != WEIR_OK) {
        return r->rc;
    }

    for ( ;; ) {
        rc = weir_read_item(r, &n);

        if (rc == WEIR_DECLINED) {
            e->nsigs = n;
            return WEIR_OK;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        if (n > WEIR_ENVELOPE_SIGNATURES) {
            *many = 1;
            return weir_read_fault(r, "no further signature");
        }

        rc = weir_envelope_sig(&e->sigs[n - 1], r);

        if (rc != WEIR_OK) {
            return rc;
        }
    }
}


static int
weir_envelope_sig(weir_envelope_sig_t *sig, weir_reader_t *r)
{
    int         rc;
    size_t      i, len;
    uint8_t     buf[WEIR_SIGNATURE_LEN + 2];
    uint32_t    n, seen;
    weir_str_t  name, s;

    static const weir_str_t  names[] = {
        { 5, (const uint8_t *) "keyid" },
        { 3, (const uint8_t *) "sig" }
    };

    n = 0;
    seen = 0;

    if (weir_read_open(r, '{') != WEIR_OK) {
        return r->rc;
    }

    for ( ;; ) {
        rc = weir_read_member(r, &n, &name);

        if (rc == WEIR_DECLINED) {
            break;
        }

        if (rc != WEIR_OK) {
            return rc;
        }

        switch (weir_read_known(name, names, 2, &seen)) {

        case 0:
            if (weir_read_string(r, &s) != WEIR_OK) {
                return r->rc;
            }

            for (i = 0; i < s.len; i++) {
                if ((s.data[i] < '0' || s.data[i] > '9')
                    && (s.data[i] < 'a' || s.data[i] > 'f'))
                {
                    break;
                }
            }

            if (s.len != WEIR_KEYID_LEN || i != s.len) {
                return weir_read_fault(r, "a keyid of 16 lower-case hex "
                                       "digits");
            }

            memcpy(sig->keyid, s.data, WEIR_KEYID_LEN);
            break;

        case 1:
            if (weir_read_string(r, &s) != WEIR_OK) {
                return r->rc;
            }

            if (s.len != (WEIR_SIGNATURE_LEN + 2) / 3 * 4
                || weir_base64_decode(buf, &len, s) != WEIR_OK
                || len != WEIR_SIGNATURE_LEN)
            {
                return weir_read_fault(r, "a sig of 64 bytes in base64");
            }

            memcpy(sig->sig, buf, WEIR_SIGNATURE_LEN);
            break;

        default:
            return weir_read_fault(r, "keyid and sig, each once");
        }
    }

    if (seen != 0x03) {
        return weir_read_lacks(r, "keyid and sig");
    }

    return WEIR_OK;
}


static int
weir_envelope_payload(weir_envelope_t *e, weir_arena_t *a, weir_str_t text)
{
    uint8_t  *p;

    p = weir_arena_alloc(a, text.len);

    if (p == NULL) {
        return WEIR_NOMEM;
    }

    if (weir_base64_decode(p, &e->payload.len, text) != WEIR_OK) {
        return WEIR_ERROR;
    }

    e->payload.data = p;

    return weir_sha256(e->payload, e->hash);
}


int
weir_envelope_make(weir_envelope_t *e, weir_kind_e kind, weir_str_t payload)
{
    memset(e, 0, sizeof(weir_envelope_t));

    e->kind = kind;
    e->payload = payload;

    return weir_sha256(payload, e->hash);
}


int
weir_envelope_sign(weir_envelope_t *e, weir_arena_t *a,
    const weir_signer_t *signer)
{
    int         rc;
    uint8_t     sig[WEIR_SIGNATURE_LEN];
    unsigned    i;
    weir_str_t  pae;

    for (i = 0; i < e->nsigs; i++) {
        if (memcmp(e->sigs[i].keyid, signer->pub.id, WEIR_KEYID_LEN) == 0) {
            break;
        }
    }

    if (i == WEIR_ENVELOPE_SIGNATURES) {
        return WEIR_DECLINED;
    }

    pae = weir_envelope_pae(e, a);

    if (pae.data == NULL) {
        return WEIR_NOMEM;
    }

    rc = weir_signer_sign(signer, pae, sig);

    if (rc == WEIR_OK) {
        memcpy(e->sigs[i].keyid, signer->pub.id, WEIR_KEYID_LEN);
        memcpy(e->sigs[i].sig, sig, WEIR_SIGNATURE_LEN);

        if (i == e->nsigs) {
            e->nsigs++;
        }
    }

    return rc;
}


int
weir_envelope_format(const weir_envelope_t *e, weir_arena_t *a,
    weir_str_t *text)
{
    weir_writer_t  w;

    w.data = NULL;
    w.len = 0;

    weir_envelope_put(e, &w);

    if (w.len > WEIR_ENVELOPE_MAX) {
        return WEIR_DECLINED;
    }

    w.data = weir_arena_alloc(a, w.len);

    if (w.data == NULL) {
        return WEIR_NOMEM;
    }

    w.len = 0;

    weir_envelope_put(e, &w);

    text->data = w.data;
    text->len = w.len;

    return WEIR_OK;
}


static void
weir_envelope_put(const weir_envelope_t *e, weir_writer_t *w)
{
    uint8_t     buf[WEIR_TYPE_MAX];
    unsigned    i;
    weir_str_t  s;

    weir_write_literal(w, "{\"payloadType\":");
    weir_write_string(w, weir_payload_type(e->kind, buf));
    weir_write_literal(w, ",\"payload\":");
    weir_write_base64(w, e->payload);
    weir_write_literal(w, ",\"signatures\":[");

    for (i = 0; i < e->nsigs; i++) {

        if (i != 0) {
            weir_write_literal(w, ",");
        }

        s.data = e->sigs[i].keyid;
        s.len = WEIR_KEYID_LEN;

        weir_write_literal(w, "{\"keyid\":");
        weir_write_string(w, s);

        s.data = e->sigs[i].sig;
        s.len = WEIR_SIGNATURE_LEN;

        weir_write_literal(w, ",\"sig\":");
        weir_write_base64(w, s);
        weir_write_literal(w, "}");
    }

    weir_write_literal(w, "]}");
}


static void
weir_write_base64(weir_writer_t *w, weir_str_t s)
{
    weir_write_literal(w, "\"");

    if (w->data != NULL) {
        w->len += weir_base64_encode(w->data + w->len, s);

    } else {
        w->len += (s.len + 2) / 3 * 4;
    }

    weir_write_literal(w, "\"");
}


static weir_str_t
weir_payload_type(weir_kind_e kind, uint8_t *buf)
{
    weir_writer_t  w;

    w.data = buf;
    w.len = 0;

    weir_write_literal(&w, WEIR_TYPE_BEFORE);
    weir_write(&w, weir_kind_word(kind));
    weir_write_literal(&w, WEIR_TYPE_BEHIND);

    return (weir_str_t) { w.len, buf };
}


weir_str_t
weir_pae(weir_arena_t *a, weir_str_t type, weir_str_t payload)
{
    weir_str_t     pae;
    weir_writer_t  w;

    pae.data = NULL;
    pae.len = 0;

    w.len = 0;
    w.data = type.len > WEIR_ENVELOPE_MAX || payload.len > WEIR_ENVELOPE_MAX
             ? NULL : weir_arena_alloc(a, type.len + payload.len + 64);

    if (w.data == NULL) {
        return pae;
    }

    weir_write_literal(&w, "DSSEv1 ");
    weir_write_u64(&w, type.len);
    weir_write_literal(&w, " ");
    weir_write(&w, type);
    weir_write_literal(&w, " ");
    weir_write_u64(&w, payload.len);
    weir_write_literal(&w, " ");
    weir_write(&w, payload);

    pae.data = w.data;
    pae.len = w.len;

    return pae;
}


weir_str_t
weir_envelope_pae(const weir_envelope_t *e, weir_arena_t *a)
{
    uint8_t  buf[WEIR_TYPE_MAX];

    return weir_pae(a, weir_payload_type(e->kind, buf), e->payload);
}
