
/*
 * Weir: globs, and attributes that are put together from others: the path of
 * its segments, the principal of kind, issuer and subject.
 */

#include "weir_prove_problem.h"


/* A piece is a character, or what a variable holds. */

typedef struct {
    uint8_t            ch;
    weir_prove_var_t  *var;
} weir_prove_piece_t;


typedef struct {
    weir_prove_problem_t      *p;
    const weir_prove_glob_t   *g;
    const weir_prove_piece_t  *pieces;
    uint32_t                   n;
    int                       *memo;      /* 0: not yet known */
} weir_prove_pieces_t;


static int weir_prove_pieces(weir_prove_problem_t *p,
    const weir_prove_glob_t *g, const weir_prove_piece_t *pieces, uint32_t n);
static int weir_prove_piece(weir_prove_pieces_t *m, uint32_t i, uint32_t at);
static int weir_prove_part(weir_prove_pieces_t *m, weir_prove_var_t *v,
    uint32_t from, uint32_t to);


/* Of like: "\" escapes; else all characters stand for themselves. */

weir_prove_glob_t
weir_prove_glob(weir_prove_problem_t *p, weir_str_t text, int like)
{
    size_t             i, len;
    uint8_t            c;
    weir_prove_glob_t  g;

    g.n = 0;
    g.units = weir_prove_alloc(p, (text.len + 1) * sizeof(weir_str_t));

    if (g.units == NULL) {
        return g;
    }

    for (i = 0; i < text.len; i += len) {
        c = text.data[i];
        len = 1;

        if (like && c == '*') {
            if (g.n != 0 && g.units[g.n - 1].len == 0) {
                continue;
            }

            g.n++;
            continue;
        }

        if (like && c == '\\' && i + 1 < text.len) {
            c = text.data[++i];
        }

        len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (len > text.len - i) {
            len = text.len - i;
        }

        g.units[g.n].data = text.data + i;
        g.units[g.n++].len = len;
    }

    return g;
}


int
weir_prove_like(const weir_prove_glob_t *g, weir_str_t s)
{
    size_t    i, from;
    uint32_t  at, star;

    at = 0;
    i = 0;
    from = 0;
    star = g->n;

    for ( ;; ) {

        if (at < g->n && g->units[at].len == 0) {
            star = at++;
            from = i;
            continue;
        }

        if (i == s.len) {
            return at == g->n;
        }

        if (at < g->n && s.len - i >= g->units[at].len
            && memcmp(s.data + i, g->units[at].data, g->units[at].len) == 0)
        {
            i += g->units[at++].len;
            continue;
        }

        if (star == g->n) {
            return 0;
        }

        at = star + 1;
        i = ++from;
    }
}


int
weir_prove_path_like(weir_prove_problem_t *p, const weir_prove_glob_t *g)
{
    int                  plain, slash;
    uint32_t             i, n;
    weir_str_t           none = { 0, NULL };
    weir_prove_piece_t  *pieces;

    pieces = weir_prove_alloc(p, (2 * p->nsegs + 2)
                                 * sizeof(weir_prove_piece_t));
    if (pieces == NULL) {
        return WEIR_PROVE_TRUE;
    }

    if (p->nsegs == 0) {
        pieces[0].ch = '/';
        return weir_prove_pieces(p, g, pieces, 1);
    }

    n = 0;

    for (i = 0; i < p->nsegs; i++) {
        pieces[n++].ch = '/';
        pieces[n++].var = weir_prove_var(p, WEIR_PROVE_SEGMENT, none, i,
                                         WEIR_POLICY_T_STRING);
    }

    pieces[n].ch = '/';

    if (p->nomem) {
        return WEIR_PROVE_TRUE;
    }

    if (p->slash == 0) {
        p->slash = weir_prove_sat_var(&p->sat, -1);
    }

    plain = weir_prove_pieces(p, g, pieces, n);
    slash = weir_prove_pieces(p, g, pieces, n + 1);

    return weir_prove_or(p, weir_prove_and(p, -p->slash, plain),
                         weir_prove_and(p, p->slash, slash));
}


int
weir_prove_principal_like(weir_prove_problem_t *p, const weir_prove_glob_t *g)
{
    int                 lit, given;
    uint32_t            n, i;
    weir_str_t          none = { 0, NULL };
    weir_prove_var_t   *kind, *issuer, *subject;
    weir_prove_piece_t  pieces[5];

    kind = weir_prove_var(p, WEIR_POLICY_A_KIND, none, 0,
                          WEIR_POLICY_T_STRING);
    issuer = weir_prove_var(p, WEIR_POLICY_A_ISSUER, none, 0,
                            WEIR_POLICY_T_STRING);
    subject = weir_prove_var(p, WEIR_POLICY_A_SUBJECT, none, 0,
                             WEIR_POLICY_T_STRING);

    if (p->nomem) {
        return WEIR_PROVE_TRUE;
    }

    lit = WEIR_PROVE_FALSE;

    for (i = 0; i < 4; i++) {
        memset(pieces, 0, sizeof(pieces));

        n = 0;
        pieces[n++].var = kind;
        pieces[n++].ch = ':';

        if (i & 1) {
            pieces[n++].var = issuer;
        }

        pieces[n++].ch = ':';

        if (i & 2) {
            pieces[n++].var = subject;
        }

        given = weir_prove_and(p, i & 1 ? issuer->def : -issuer->def,
                               i & 2 ? subject->def : -subject->def);

        lit = weir_prove_or(p, lit, weir_prove_and(p, given,
                                weir_prove_pieces(p, g, pieces, n)));
    }

    return lit;
}


/*
 * Where values are not open, it matches what it is known to; where they are,
 * it may say what it will.
 */

void
weir_prove_composed_match(weir_prove_problem_t *p, uint32_t kind,
    weir_str_t pattern, int *t, int *f)
{
    int                 is, eq, any;
    uint32_t            i, n;
    weir_str_t          list[WEIR_PROVE_SAMPLES];
    weir_prove_glob_t   g;

    *t = weir_prove_sat_var(&p->sat, -1);
    *f = weir_prove_sat_var(&p->sat, 1);
    weir_prove_sat_add3(&p->sat, -*t, -*f, 0);

    p->loose = "\"~\" is asked of request.path or identity.principal";

    if (p->open) {
        return;
    }

    any = WEIR_PROVE_FALSE;
    n = weir_prove_samples(p, pattern, list, WEIR_PROVE_SAMPLES);

    for (i = 0; i < n && !p->nomem; i++) {

        is = weir_prove_match(p, pattern, list[i]);

        if (is < 0) {
            continue;
        }

        g = weir_prove_glob(p, list[i], 0);
        eq = kind == WEIR_POLICY_A_REQUEST_PATH
             ? weir_prove_path_like(p, &g) : weir_prove_principal_like(p, &g);

        if (is) {
            any = weir_prove_or(p, any, eq);
            weir_prove_sat_add3(&p->sat, -eq, *t, 0);

        } else {
            weir_prove_sat_add3(&p->sat, -eq, *f, 0);
        }
    }

    weir_prove_sat_add3(&p->sat, -*t, any, 0);
}


static int
weir_prove_pieces(weir_prove_problem_t *p, const weir_prove_glob_t *g,
    const weir_prove_piece_t *pieces, uint32_t n)
{
    weir_prove_pieces_t  m;

    m.p = p;
    m.g = g;
    m.pieces = pieces;
    m.n = n;
    m.memo = weir_prove_alloc(p, (n + 1) * (g->n + 1) * sizeof(int));

    return m.memo == NULL ? WEIR_PROVE_TRUE : weir_prove_piece(&m, 0, 0);
}


/* Pieces from i on match the glob from at on. */

static int
weir_prove_piece(weir_prove_pieces_t *m, uint32_t i, uint32_t at)
{
    int                       lit, star;
    uint32_t                  to;
    const weir_prove_glob_t  *g;

    g = m->g;

    if (m->memo[i * (g->n + 1) + at] != 0) {
        return m->memo[i * (g->n + 1) + at];
    }

    star = at < g->n && g->units[at].len == 0;
    lit = WEIR_PROVE_FALSE;

    if (i == m->n) {
        lit = at == g->n || (star && at + 1 == g->n) ? WEIR_PROVE_TRUE
                                                     : WEIR_PROVE_FALSE;

    } else if (m->pieces[i].var == NULL) {

        if (star) {
            lit = weir_prove_or(m->p, weir_prove_piece(m, i + 1, at),
                                weir_prove_piece(m, i, at + 1));

        } else if (at < g->n && g->units[at].len == 1
                   && g->units[at].data[0] == m->pieces[i].ch)
        {
            lit = weir_prove_piece(m, i + 1, at + 1);
        }

    } else {

        /* the part of the glob that this piece matches ends at to */

        for (to = at; to <= g->n; to++) {

            lit = weir_prove_or(m->p, lit,
                      weir_prove_and(m->p, weir_prove_piece(m, i + 1, to),
                          weir_prove_part(m, m->pieces[i].var, at, to)));

            if (to < g->n && g->units[to].len == 0) {
                lit = weir_prove_or(m->p, lit,
                          weir_prove_and(m->p, weir_prove_piece(m, i + 1, to),
                              weir_prove_part(m, m->pieces[i].var, at,
                                              to + 1)));
            }

            if (to < g->n && g->units[to].len == 1
                && g->units[to].data[0] == '/'
                && m->pieces[i].var->kind == WEIR_PROVE_SEGMENT)
            {
                break;
            }
        }
    }

    m->memo[i * (g->n + 1) + at] = lit;

    return lit;
}


static int
weir_prove_part(weir_prove_pieces_t *m, weir_prove_var_t *v, uint32_t from,
    uint32_t to)
{
    uint32_t            i;
    weir_prove_atom_t  *a;

    if (from == to) {
        return weir_prove_is(m->p, v, weir_str(""));
    }

    if (to == from + 1 && m->g->units[from].len == 0) {
        return WEIR_PROVE_TRUE;
    }

    for (i = 0; i < m->p->natoms; i++) {
        a = m->p->atoms[i];

        if (a->kind == WEIR_PROVE_LIKE && a->x == v
            && a->glob.units == m->g->units + from && a->glob.n == to - from)
        {
            return a->lit;
        }
    }

    a = weir_prove_atom(m->p, WEIR_PROVE_LIKE, v, NULL);
    if (a == NULL) {
        return WEIR_PROVE_TRUE;
    }

    a->glob.units = m->g->units + from;
    a->glob.n = to - from;

    return a->lit;
}
