
/*
 * Weir: values of attributes for the plain evaluator of the unit tests.
 */

#ifndef POLICY_PLAIN_VALUE_H_INCLUDED
#define POLICY_PLAIN_VALUE_H_INCLUDED


#include "policy_make.h"
#include "weir_policy_ast.h"


enum { F, T, U };


typedef struct {
    const weir_policy_request_t  *r;
    const weir_policy_fields_t   *fields;
    const weir_policy_what_t     *what;
    const weir_policy_file_t     *file;
} plain_t;


typedef struct {
    int                        there;
    int                        sure;
    int64_t                    n;
    weir_str_t                 s;
    weir_addr_t                ip;
    weir_str_t                 items[100];
    unsigned                   nitems;
} plain_value_t;


static int
kleene_and(int a, int b)
{
    return a == F || b == F ? F : a == U || b == U ? U : T;
}


static int
kleene_or(int a, int b)
{
    return a == T || b == T ? T : a == U || b == U ? U : F;
}


static int
kleene_not(int a)
{
    return a == U ? U : a == T ? F : T;
}


/* Patterns by recursion; *at is where the capture "name" stood, or -1. */

static int
plain_path(const weir_policy_what_t *w, uint32_t i, const weir_path_t *path,
    uint32_t j, weir_str_t name, int *at)
{
    uint32_t  k;

    if (i == w->nsegs) {
        return j == path->nsegments;
    }

    if (w->segs[i].kind == WEIR_POLICY_SEG_ANY) {

        for (k = j; k <= path->nsegments; k++) {
            if (plain_path(w, i + 1, path, k, name, at)) {
                return 1;
            }
        }

        return 0;
    }

    if (j == path->nsegments
        || (w->segs[i].kind == WEIR_POLICY_SEG_LITERAL
            && !weir_str_eq(w->segs[i].text, path->segments[j]))
        || !plain_path(w, i + 1, path, j + 1, name, at))
    {
        return 0;
    }

    if (w->segs[i].kind == WEIR_POLICY_SEG_CAPTURE
        && weir_str_eq(w->segs[i].text, name))
    {
        *at = (int) j;
    }

    return 1;
}


static int
plain_what(plain_t *pl, const weir_policy_what_t *w)
{
    int                         at;
    const weir_policy_words_t  *m;

    for (m = w->methods; m != NULL; m = m->next) {
        if (weir_str_eq(m->word.text, pl->r->method)) {
            break;
        }
    }

    return (w->methods == NULL || m != NULL)
           && plain_path(w, 0, pl->r->path, 0, str("p"), &at);
}


static void
plain_field(const weir_policy_field_t *f, uint32_t n, weir_str_t name,
    int fold, plain_value_t *v)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        if (fold ? weir_str_caseeq(f[i].name, name)
                 : weir_str_eq(f[i].name, name))
        {
            v->sure = !v->there;
            v->there = 1;
            v->s = f[i].value;
        }
    }
}


static void
plain_claim(plain_t *pl, const weir_policy_attr_t *a, plain_value_t *v)
{
    char                         *save, copy[200];
    uint32_t                      i;
    const char                   *word;
    const weir_policy_words_t    *w;
    const weir_claim_entry_t     *e;

    if (pl->r->claims == NULL || (pl->r->kind != WEIR_POLICY_JWT
                                  && pl->r->kind != WEIR_POLICY_SESSION))
    {
        return;
    }

    for (w = a->claim->issuers; w != NULL; w = w->next) {
        if (pl->r->issuer.data != NULL
            && weir_str_eq(w->word.text, pl->r->issuer))
        {
            break;
        }
    }

    if (w == NULL && !a->claim->any) {
        return;
    }

    e = weir_claims_find(pl->r->claims, a->name);

    if (e == NULL) {
        return;
    }

    v->there = 1;
    v->sure = 0;

    if (a->claim->type == WEIR_POLICY_T_STRING) {
        v->sure = e->type == WEIR_CLAIM_STRING;
        v->s = v->sure ? weir_claims_string(pl->r->claims, e) : str("");

    } else if (a->claim->type == WEIR_POLICY_T_INT) {
        v->sure = e->type == WEIR_CLAIM_INT;
        v->n = e->number;

    } else if (a->claim->type == WEIR_POLICY_T_BOOL) {
        v->sure = e->type == WEIR_CLAIM_BOOL;
        v->n = e->number;

    } else if (e->type == WEIR_CLAIM_SET) {
        v->sure = 1;

        for (i = 0; i < e->value_len; i++) {
            v->items[v->nitems++] = weir_claims_item(pl->r->claims, e, i);
        }

    } else if (e->type == WEIR_CLAIM_STRING
               && weir_str_eq(a->name, str("scope")))
    {
        static char  kept[200];

        v->sure = 1;
        snprintf(copy, sizeof(copy), "%.*s", (int) e->value_len,
                 (const char *) weir_claims_string(pl->r->claims, e).data);
        memcpy(kept, copy, sizeof(kept));

        for (word = strtok_r(kept, " ", &save); word != NULL;
             word = strtok_r(NULL, " ", &save))
        {
            v->items[v->nitems++] = str(word);
        }
    }
}


static void
plain_value(plain_t *pl, const weir_policy_expr_t *e, plain_value_t *v)
{
    int                        at;
    weir_policy_attr_t        *a;

    memset(v, 0, sizeof(*v));

    if (e->op == WEIR_POLICY_E_LITERAL) {
        v->there = v->sure = 1;
        v->n = e->literal->number;
        v->s = e->literal->string;
        v->ip = e->literal->net.addr;
        return;
    }

    a = e->attr;
    v->sure = 1;

    switch (a->kind) {

    case WEIR_POLICY_A_CLAIM:
        plain_claim(pl, a, v);
        return;

    case WEIR_POLICY_A_PATH:
        at = -1;
        assert_true(plain_path(pl->what, 0, pl->r->path, 0, a->name, &at));
        assert_true(at >= 0);
        v->s = pl->r->path->segments[at];
        v->there = 1;
        return;

    case WEIR_POLICY_A_HEADER:
        plain_field(pl->fields->headers, pl->fields->nheaders, a->name, 1, v);
        return;

    case WEIR_POLICY_A_QUERY:
        plain_field(pl->fields->query, pl->fields->nquery, a->name, 0, v);
        return;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
        {
            const weir_addr_t  *ip;

            ip = a->kind == WEIR_POLICY_A_SOURCE_IP ? pl->r->source_ip
                                                    : pl->r->source_peer;
            v->there = ip != NULL;

            if (ip != NULL) {
                v->ip = *ip;
            }
        }

        return;

    case WEIR_POLICY_A_REQUEST_TIME:
        v->there = pl->r->has_time;
        v->n = pl->r->time;
        return;

    case WEIR_POLICY_A_METHOD:
        v->s = pl->r->method;
        break;

    case WEIR_POLICY_A_REQUEST_PATH:
        v->s = pl->r->path->decoded;
        break;

    case WEIR_POLICY_A_HOST:
        v->s = pl->r->host;
        break;

    case WEIR_POLICY_A_SCHEME:
        v->s = pl->r->scheme;
        break;

    case WEIR_POLICY_A_KIND:
        v->s = weir_policy_kind_name(pl->r->kind);
        break;

    case WEIR_POLICY_A_ISSUER:
        v->s = pl->r->issuer;
        break;

    case WEIR_POLICY_A_SUBJECT:
        v->s = pl->r->subject;
        break;

    case WEIR_POLICY_A_PRINCIPAL:
        v->s = pl->r->principal;
        break;

    case WEIR_POLICY_A_SPIFFE:
        v->s = pl->r->spiffe;
        break;

    default:
        v->s = pl->fields->tls[a->kind - WEIR_POLICY_A_TLS];
        break;
    }

    v->there = v->s.data != NULL;
}


#endif /* POLICY_PLAIN_VALUE_H_INCLUDED */
