
/*
 * Weir: variables and atoms of a question, and what a gateway's requests
 * have in common.
 */

#include "weir_prove_problem.h"


static weir_prove_class_t *weir_prove_class(weir_prove_problem_t *p,
    weir_policy_type_t type);
static void weir_prove_join(weir_prove_class_t *a, weir_prove_class_t *b);
static void weir_prove_identity(weir_prove_problem_t *p,
    const weir_prove_var_t *v);
static int weir_prove_kind(weir_prove_problem_t *p, const char *name);


void *
weir_prove_alloc(weir_prove_problem_t *p, size_t size)
{
    void  *m;

    m = weir_arena_calloc(p->arena, 1, size + (size == 0));

    if (m == NULL) {
        p->nomem = 1;
        p->sat.nomem = 1;
    }

    return m;
}


void
weir_prove_tick(weir_prove_problem_t *p, uint64_t n)
{
    weir_prove_sat_tick(&p->sat, n);

    p->nomem |= p->sat.nomem;
}


int
weir_prove_and(weir_prove_problem_t *p, int a, int b)
{
    int  lit;

    if (a == WEIR_PROVE_FALSE || b == WEIR_PROVE_FALSE || a == -b) {
        return WEIR_PROVE_FALSE;
    }

    if (a == WEIR_PROVE_TRUE || a == b) {
        return b;
    }

    if (b == WEIR_PROVE_TRUE) {
        return a;
    }

    lit = weir_prove_sat_var(&p->sat, -1);

    weir_prove_sat_add3(&p->sat, -lit, a, 0);
    weir_prove_sat_add3(&p->sat, -lit, b, 0);
    weir_prove_sat_add3(&p->sat, lit, -a, -b);

    return lit;
}


int
weir_prove_or(weir_prove_problem_t *p, int a, int b)
{
    return -weir_prove_and(p, -a, -b);
}


static weir_prove_class_t *
weir_prove_class(weir_prove_problem_t *p, weir_policy_type_t type)
{
    weir_prove_class_t  *c;

    c = weir_prove_alloc(p, sizeof(weir_prove_class_t));

    if (c != NULL) {
        c->type = type == WEIR_POLICY_T_SET ? WEIR_POLICY_T_STRING : type;
        c->next = p->classes;
        p->classes = c;
    }

    return c;
}


weir_prove_class_t *
weir_prove_root(weir_prove_class_t *c)
{
    while (c->parent != NULL) {
        c = c->parent;
    }

    return c;
}


static void
weir_prove_join(weir_prove_class_t *a, weir_prove_class_t *b)
{
    a = weir_prove_root(a);
    b = weir_prove_root(b);

    if (a == b) {
        return;
    }

    b->parent = a;
    a->nvars += b->nvars;
    a->nsets += b->nsets;
    a->kinds |= b->kinds;
}


weir_prove_var_t *
weir_prove_var(weir_prove_problem_t *p, uint32_t kind, weir_str_t name,
    uint32_t seg, weir_policy_type_t type)
{
    int                lit;
    weir_prove_var_t  *v;

    for (v = p->vars; v != NULL; v = v->next) {
        weir_prove_tick(p, 1);

        if (v->kind == kind && v->seg == seg && v->type == type
            && weir_str_eq(v->name, name))
        {
            return v;
        }
    }

    v = weir_prove_alloc(p, sizeof(weir_prove_var_t));
    if (v == NULL) {
        return NULL;
    }

    v->kind = kind;
    v->seg = seg;
    v->name = name;
    v->type = type;
    v->there = WEIR_PROVE_TRUE;
    v->def = WEIR_PROVE_TRUE;
    v->next = p->vars;

    v->class = weir_prove_class(p, type);
    if (v->class == NULL) {
        return NULL;
    }

    v->class->nvars = type != WEIR_POLICY_T_SET;
    v->class->nsets = type == WEIR_POLICY_T_SET;
    v->class->kinds = (uint32_t) 1 << kind;

    p->vars = v;

    switch (kind) {

    case WEIR_POLICY_A_HEADER:
    case WEIR_POLICY_A_QUERY:

        /* there, and not repeated */

        v->there = weir_prove_sat_var(&p->sat, -1);
        v->def = weir_prove_sat_var(&p->sat, 1);
        weir_prove_sat_add3(&p->sat, -v->def, v->there, 0);
        break;

    case WEIR_POLICY_A_SOURCE_IP:
    case WEIR_POLICY_A_SOURCE_PEER:
    case WEIR_POLICY_A_HOST:
    case WEIR_POLICY_A_ISSUER:
    case WEIR_POLICY_A_SUBJECT:
    case WEIR_POLICY_A_SPIFFE:

        lit = weir_prove_sat_var(&p->sat,
                                 kind == WEIR_POLICY_A_HOST
                                 || kind == WEIR_POLICY_A_SOURCE_IP ? 1 : -1);
        v->there = lit;
        v->def = lit;

        weir_prove_identity(p, v);
        break;

    default:

        if (kind >= WEIR_POLICY_A_TLS && kind < WEIR_POLICY_ATTRS) {
            v->there = weir_prove_sat_var(&p->sat, -1);
            v->def = v->there;
        }

        break;
    }

    return v;
}


/*
 * What a gateway makes of a credential: the anonymous identity has nothing, a
 * token's has its issuer, a SPIFFE ID comes with a certificate.
 */

static void
weir_prove_identity(weir_prove_problem_t *p, const weir_prove_var_t *v)
{
    switch (v->kind) {

    case WEIR_POLICY_A_ISSUER:
        weir_prove_sat_add3(&p->sat, -v->there,
                            -weir_prove_kind(p, "anonymous"), 0);
        weir_prove_sat_add3(&p->sat, -weir_prove_kind(p, "jwt"), v->there, 0);
        break;

    case WEIR_POLICY_A_SUBJECT:
        weir_prove_sat_add3(&p->sat, -v->there,
                            -weir_prove_kind(p, "anonymous"), 0);
        break;

    case WEIR_POLICY_A_SPIFFE:
        weir_prove_sat_add3(&p->sat, -v->there, weir_prove_kind(p, "mtls"), 0);
        break;
    }
}


static int
weir_prove_kind(weir_prove_problem_t *p, const char *name)
{
    weir_str_t         none = { 0, NULL };
    weir_prove_var_t  *v;

    v = weir_prove_var(p, WEIR_POLICY_A_KIND, none, 0, WEIR_POLICY_T_STRING);

    return v == NULL ? WEIR_PROVE_TRUE : weir_prove_is(p, v, weir_cstr(name));
}


weir_prove_var_t *
weir_prove_claim(weir_prove_problem_t *p, const weir_policy_claim_t *claim,
    weir_policy_type_t type, int *there, int *def)
{
    int                         lits[8], exists;
    size_t                      len;
    uint32_t                    i, j, n;
    weir_str_t                  none = { 0, NULL };
    weir_prove_var_t           *issuer, *v;
    weir_prove_claim_t         *cl, *o;
    const weir_policy_words_t  *w;

    static const weir_policy_type_t  types[] = {
        WEIR_POLICY_T_BOOL, WEIR_POLICY_T_INT, WEIR_POLICY_T_STRING,
        WEIR_POLICY_T_SET
    };

    *there = WEIR_PROVE_TRUE;
    *def = WEIR_PROVE_TRUE;

    for (cl = p->claims; cl != NULL; cl = cl->next) {
        if (weir_str_eq(cl->key, claim->key)) {
            break;
        }
    }

    if (cl == NULL) {
        cl = weir_prove_alloc(p, sizeof(weir_prove_claim_t));
        if (cl == NULL) {
            return NULL;
        }

        cl->key = claim->key;
        cl->absent = weir_prove_sat_var(&p->sat, 1);
        cl->other = weir_prove_sat_var(&p->sat, -1);

        n = 0;
        lits[n++] = cl->absent;
        lits[n++] = cl->other;

        for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
            v = weir_prove_var(p, WEIR_POLICY_A_CLAIM, claim->key, 0,
                               types[i]);
            if (v == NULL) {
                return NULL;
            }

            v->there = weir_prove_sat_var(&p->sat, -1);
            v->def = v->there;
            cl->vars[types[i]] = v;
            lits[n++] = v->def;
        }

        weir_prove_sat_add(&p->sat, lits, n);

        for (i = 0; i < n; i++) {
            for (j = 0; j < i; j++) {
                weir_prove_sat_add3(&p->sat, -lits[i], -lits[j], 0);
            }
        }

        weir_prove_sat_add3(&p->sat, cl->absent, weir_prove_kind(p, "jwt"),
                            weir_prove_kind(p, "session"));

        /* a member is one of an object */

        for (o = p->claims; o != NULL; o = o->next) {
            len = o->key.len < cl->key.len ? o->key.len : cl->key.len;

            if (o->key.len == cl->key.len
                || memcmp(o->key.data, cl->key.data, len) != 0)
            {
                continue;
            }

            if (len == o->key.len && cl->key.data[len] == '\0') {
                weir_prove_sat_add3(&p->sat, cl->absent, o->other, 0);

            } else if (len == cl->key.len && o->key.data[len] == '\0') {
                weir_prove_sat_add3(&p->sat, o->absent, cl->other, 0);
            }
        }

        cl->next = p->claims;
        p->claims = cl;
    }

    if (claim->any) {
        exists = WEIR_PROVE_TRUE;

    } else {
        exists = WEIR_PROVE_FALSE;
        issuer = weir_prove_var(p, WEIR_POLICY_A_ISSUER, none, 0,
                                WEIR_POLICY_T_STRING);
        if (issuer == NULL) {
            return NULL;
        }

        for (w = claim->issuers; w != NULL; w = w->next) {
            exists = weir_prove_or(p, exists,
                                   weir_prove_is(p, issuer, w->word.text));
        }

        exists = weir_prove_and(p, exists, issuer->def);
    }

    if (weir_str_eq(cl->key, weir_str("scope"))) {
        p->scope |= type == WEIR_POLICY_T_SET ? 1
                    : type == WEIR_POLICY_T_STRING ? 2 : 0;

        if (p->scope == 3) {
            p->inexact = "claim.scope is a string in one policy and a set in "
                         "the other";
        }
    }

    *there = weir_prove_and(p, exists, -cl->absent);
    v = cl->vars[type];

    if (v == NULL) {
        *def = WEIR_PROVE_FALSE;
        return cl->vars[WEIR_POLICY_T_STRING];
    }

    *def = weir_prove_and(p, exists, v->def);

    return v;
}


weir_prove_atom_t *
weir_prove_atom(weir_prove_problem_t *p, weir_prove_atom_kind_t kind,
    weir_prove_var_t *x, weir_prove_var_t *y)
{
    weir_prove_atom_t  *a, **atoms;

    a = weir_prove_alloc(p, sizeof(weir_prove_atom_t));
    if (a == NULL) {
        return NULL;
    }

    if (p->natoms == p->size) {
        p->size = p->size ? 2 * p->size : 64;
        atoms = weir_prove_alloc(p, p->size * sizeof(weir_prove_atom_t *));
        if (atoms == NULL) {
            return NULL;
        }

        if (p->natoms != 0) {
            memcpy(atoms, p->atoms, p->natoms * sizeof(weir_prove_atom_t *));
        }

        p->atoms = atoms;
    }

    a->kind = kind;
    a->x = x;
    a->y = y;
    a->id = p->natoms;
    a->lit = weir_prove_sat_var(&p->sat, -1);
    a->no = -a->lit;
    a->op = WEIR_POLICY_E_EQ;

    if (kind == WEIR_PROVE_WINDOW || kind == WEIR_PROVE_MATCH) {
        a->no = weir_prove_sat_var(&p->sat, 1);
        weir_prove_sat_add3(&p->sat, -a->lit, -a->no, 0);
    }

    p->atoms[p->natoms++] = a;

    if (y != NULL) {
        weir_prove_join(x->class, y->class);
    }

    return a;
}


int
weir_prove_is(weir_prove_problem_t *p, weir_prove_var_t *x, weir_str_t s)
{
    uint32_t            i;
    weir_prove_atom_t  *a;

    weir_prove_tick(p, p->natoms);

    for (i = 0; i < p->natoms && !p->nomem; i++) {
        a = p->atoms[i];

        if (a->kind == WEIR_PROVE_STRING && a->x == x && weir_str_eq(a->s, s))
        {
            return a->lit;
        }
    }

    a = weir_prove_atom(p, WEIR_PROVE_STRING, x, NULL);
    if (a == NULL) {
        return WEIR_PROVE_TRUE;
    }

    a->s = s;

    return a->lit;
}


/* What a gateway lets in, and what it makes itself. */

int
weir_prove_valid(uint32_t kind, weir_str_t s)
{
    size_t   i, lead, trail;
    uint8_t  c;

    weir_policy_kind_t  k;

    if (!weir_utf8_valid(s)
        || (s.len != 0 && memchr(s.data, '\0', s.len) != NULL))
    {
        return 0;
    }

    switch (kind) {

    case WEIR_POLICY_A_KIND:
        return weir_policy_kind_parse(s, &k) == WEIR_OK;

    case WEIR_POLICY_A_SCHEME:
        return weir_str_eq(s, weir_str("http"))
               || weir_str_eq(s, weir_str("https"));

    case WEIR_POLICY_A_SUBJECT:
    case WEIR_POLICY_A_SPIFFE:
        return s.len != 0;

    case WEIR_POLICY_A_ISSUER:
        return s.len != 0 && memchr(s.data, ':', s.len) == NULL;

    case WEIR_POLICY_A_METHOD:

        for (i = 0; i < s.len; i++) {
            c = s.data[i];

            if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-') {
                return 0;
            }
        }

        return s.len != 0 && s.data[0] >= 'A' && s.data[0] <= 'Z';

    case WEIR_POLICY_A_HEADER:

        for (i = 0; i < s.len; i++) {
            if (s.data[i] < 0x20 || s.data[i] == 0x7f) {
                return 0;
            }
        }

        return s.len == 0 || (s.data[0] != ' ' && s.data[s.len - 1] != ' ');

    case WEIR_POLICY_A_HOST:

        if (s.len != 0 && s.data[0] == '[') {
            return 1;
        }

        for (i = 0; i < s.len; i++) {
            c = s.data[i];

            if (c == '.') {
                if (i == 0 || s.data[i - 1] == '.' || i + 1 == s.len) {
                    return 0;
                }

            } else if ((c < 'a' || c > 'z') && (c < '0' || c > '9')
                       && c != '-' && c != '_')
            {
                return 0;
            }
        }

        return s.len != 0;

    case WEIR_PROVE_SEGMENT:

        for (i = 0; i < s.len; i++) {
            c = s.data[i];

            if (c < 0x20 || c == 0x7f || strchr("/#%;?\\", c) != NULL) {
                return 0;
            }
        }

        for (lead = 0; lead < s.len && s.data[lead] == '.'; lead++) {
            /* void */
        }

        for (trail = 0; trail < s.len && s.data[s.len - trail - 1] == '.';
             trail++)
        {
            /* void */
        }

        return s.len != 0 && lead < 2 && trail < 2
               && !(lead == 1 && s.len == 1);

    default:
        return 1;
    }
}
