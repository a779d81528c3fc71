
/*
 * Weir: strings that stand for all that no atom names.  Where globs look at
 * them, the shortest ones of every combination of globs that match are found
 * by walking all globs' automata at once.
 */

#include "weir_prove_problem.h"


#define WEIR_PROVE_GLOBS   32
#define WEIR_PROVE_WALK    8192       /* strings that are looked at */
#define WEIR_PROVE_KNOWN   24         /* that each walk leaves room for */


/* Positions of a glob that the text so far can stand at: 64 at most. */

typedef struct {
    uint64_t   at[WEIR_PROVE_GLOBS];
    uint32_t   valid;                 /* how it can go on, by kind */
} weir_prove_state_t;


typedef struct {
    uint32_t    state;
    weir_str_t  s;
} weir_prove_walked_t;


typedef struct {
    weir_prove_problem_t       *p;
    weir_prove_class_t         *c;
    weir_prove_value_t         *values;
    uint32_t                   *n;
    uint32_t                    max;
    const weir_policy_table_t  *known;

    weir_prove_glob_t           globs[WEIR_PROVE_GLOBS];
    uint32_t                    nglobs;
    weir_str_t                  letters[256];
    uint32_t                    nletters;

    weir_prove_state_t         *states;
    uint32_t                   *seen;       /* times a state was reached */
    uint32_t                    nstates;
    weir_prove_walked_t        *queue;
    uint32_t                    nqueue;
    uint32_t                    cells[1024][2];    /* hash, how many */
    uint32_t                    ncells;
} weir_prove_walk_t;


static void weir_prove_plain(weir_prove_walk_t *w);
static void weir_prove_letter(weir_prove_walk_t *w, weir_str_t s);
static void weir_prove_walk(weir_prove_walk_t *w, uint32_t each);
static void weir_prove_walk_to(weir_prove_walk_t *w,
    const weir_prove_walked_t *from, weir_str_t letter, uint32_t each);
static int weir_prove_take(weir_prove_walk_t *w, weir_str_t s,
    const weir_prove_state_t *state);
static uint64_t weir_prove_closed(const weir_prove_glob_t *g, uint64_t at);
static void weir_prove_add(weir_prove_walk_t *w, const char *text);


void
weir_prove_fresh(weir_prove_problem_t *p, weir_prove_class_t *c,
    weir_prove_value_t *values, uint32_t *n, uint32_t max,
    const weir_policy_table_t *known)
{
    uint32_t                    i;
    weir_prove_atom_t          *a;
    weir_prove_walk_t          *w;
    const weir_policy_words_t  *word;

    w = weir_prove_alloc(p, sizeof(weir_prove_walk_t));
    if (w == NULL) {
        return;
    }

    w->p = p;
    w->c = c;
    w->values = values;
    w->n = n;
    w->max = max;
    w->known = known;

    for (a = c->atoms; a != NULL; a = a->next) {

        word = a->kind == WEIR_PROVE_HOSTS ? a->words : NULL;

        if (a->kind == WEIR_PROVE_LIKE) {

            if (w->nglobs < WEIR_PROVE_GLOBS && a->glob.n < 63) {
                w->globs[w->nglobs++] = a->glob;

            } else {
                p->inexact = "more globs, or longer ones, than are decided";
            }
        }

        for ( /* void */ ; word != NULL; word = word->next) {

            if (word->word.text.data[0] != '*') {
                continue;
            }

            if (w->nglobs < WEIR_PROVE_GLOBS && word->word.text.len < 63) {
                w->globs[w->nglobs++] = weir_prove_glob(p, word->word.text,
                                                        1);

            } else {
                p->inexact = "more globs, or longer ones, than are decided";
            }
        }
    }

    weir_prove_plain(w);

    if (w->nglobs == 0 || p->nomem) {
        return;
    }

    for (i = 0; i < w->nglobs; i++) {
        for (max = 0; max < w->globs[i].n; max++) {
            if (w->globs[i].units[max].len != 0) {
                weir_prove_letter(w, w->globs[i].units[max]);
            }
        }
    }

    /* letters that no glob names */

    for (i = 0; i < 26 && w->nletters < 250; i++) {
        max = w->nletters;
        weir_prove_letter(w, (weir_str_t) {
            1, (const uint8_t *) &"xyzwvutsrqponmlkjihgfedcba"[i] });

        if (w->nletters != max) {
            break;
        }
    }

    for (i = 0; i < 26 && w->nletters < 250; i++) {
        max = w->nletters;
        weir_prove_letter(w, (weir_str_t) {
            1, (const uint8_t *) &"XYZWVUTSRQPONMLKJIHGFEDCBA"[i] });

        if (w->nletters != max) {
            break;
        }
    }

    weir_prove_walk(w, weir_prove_each(c) + (known->used < WEIR_PROVE_KNOWN
                                   ? known->used : WEIR_PROVE_KNOWN));

    for (i = 0; i < w->ncells; i++) {
        if (w->cells[i][1] < weir_prove_each(c)
            && known->used > WEIR_PROVE_KNOWN)
        {
            p->inexact = "more strings under one glob than are decided";
        }
    }
}


/* Strings unlike all others, valid in as many places as can be. */

static void
weir_prove_plain(weir_prove_walk_t *w)
{
    char      text[80];
    uint32_t  i, found, tried;

    static const char  *forms[] = { "w", "X", "spiffe://example.org/w" };

    for (i = 0; i < 3; i++) {

        if ((i == 1 && !(w->c->kinds & (uint32_t) 1 << WEIR_POLICY_A_METHOD))
            || (i == 2
                && !(w->c->kinds & (uint32_t) 1 << WEIR_POLICY_A_SPIFFE)))
        {
            continue;
        }

        for (found = 0, tried = 0;
             found < weir_prove_each(w->c) && tried < 10000000; tried++)
        {
            size_t    len;
            uint32_t  v;

            len = strlen(forms[i]);
            memcpy(text, forms[i], len);

            for (v = tried + 1; v != 0; v /= 10) {
                text[len++] = (char) ('0' + v % 10);
            }

            text[len] = '\0';

            if (weir_policy_table_get(w->known, weir_cstr(text)) == NULL) {
                weir_prove_add(w, text);
                found++;
            }
        }
    }
}


static void
weir_prove_add(weir_prove_walk_t *w, const char *text)
{
    if (*w->n < w->max) {
        w->values[*w->n].s = weir_arena_copy(w->p->arena, weir_cstr(text));

        if (w->values[*w->n].s.data == NULL) {
            w->p->nomem = 1;
            return;
        }

        ++*w->n;

    } else {
        w->p->inexact = "more strings than are decided";
    }
}


static void
weir_prove_letter(weir_prove_walk_t *w, weir_str_t s)
{
    uint32_t  i;

    for (i = 0; i < w->nletters; i++) {
        if (weir_str_eq(w->letters[i], s)) {
            return;
        }
    }

    if (w->nletters == 256) {
        w->p->inexact = "more characters in globs than are decided";
        return;
    }

    w->letters[w->nletters++] = s;
}


/*
 * Breadth first.  A state is gone on from as often as strings that end in it
 * may be needed: each of the shortest strings has a prefix that is one of the
 * shortest ones too.
 */

static void
weir_prove_walk(weir_prove_walk_t *w, uint32_t each)
{
    uint32_t             i, l;
    weir_prove_state_t  *start;

    w->states = weir_prove_alloc(w->p, (WEIR_PROVE_WALK + 1)
                                       * sizeof(weir_prove_state_t));
    w->seen = weir_prove_alloc(w->p, (WEIR_PROVE_WALK + 1)
                                     * sizeof(uint32_t));
    w->queue = weir_prove_alloc(w->p, (WEIR_PROVE_WALK + 1)
                                      * sizeof(weir_prove_walked_t));

    if (w->p->nomem) {
        return;
    }

    start = &w->states[w->nstates++];

    for (i = 0; i < w->nglobs; i++) {
        start->at[i] = weir_prove_closed(&w->globs[i], 1);
    }

    start->valid = w->c->kinds;
    w->queue[w->nqueue++].s = weir_str("");

    (void) weir_prove_take(w, weir_str(""), start);

    for (i = 0; i < w->nqueue && !w->p->nomem; i++) {
        for (l = 0; l < w->nletters; l++) {
            weir_prove_walk_to(w, &w->queue[i], w->letters[l], each);

            if (w->nqueue >= WEIR_PROVE_WALK) {
                w->p->inexact = "the globs together are larger than is "
                                "decided";
                return;
            }
        }
    }
}


static void
weir_prove_walk_to(weir_prove_walk_t *w, const weir_prove_walked_t *from,
    weir_str_t letter, uint32_t each)
{
    int                  dots;
    uint8_t             *text, last;
    uint64_t             at;
    uint32_t             i, k, live;
    weir_str_t           s;
    weir_prove_state_t   next, *state;

    memset(&next, 0, sizeof(weir_prove_state_t));

    state = &w->states[from->state];

    for (i = 0; i < w->nglobs; i++) {
        at = 0;

        for (k = 0; k < w->globs[i].n; k++) {

            if (!(state->at[i] & (uint64_t) 1 << k)) {
                continue;
            }

            if (w->globs[i].units[k].len == 0) {
                at |= (uint64_t) 1 << k;

            } else if (weir_str_eq(w->globs[i].units[k], letter)) {
                at |= (uint64_t) 1 << (k + 1);
            }
        }

        next.at[i] = weir_prove_closed(&w->globs[i], at);
    }

    text = weir_arena_alloc(w->p->arena, from->s.len + letter.len + 1);
    if (text == NULL) {
        w->p->nomem = 1;
        return;
    }

    memcpy(text, from->s.data, from->s.len);
    memcpy(text + from->s.len, letter.data, letter.len);

    s.data = text;
    s.len = from->s.len + letter.len;

    /*
     * A string that is not valid in a place may be the beginning of one that
     * is: a dot, a space or a digit at its end.
     */

    live = 0;

    for (k = 0; k <= WEIR_PROVE_SEGMENT; k++) {

        if (!(state->valid & (uint32_t) 1 << k)) {
            continue;
        }

        text[s.len] = k == WEIR_POLICY_A_METHOD ? 'X' : 'x';

        if (k == WEIR_POLICY_A_KIND || k == WEIR_POLICY_A_SCHEME) {
            continue;
        }

        if (weir_prove_valid(k, s)
            || weir_prove_valid(k, (weir_str_t) { s.len + 1, text }))
        {
            live |= (uint32_t) 1 << k;
        }
    }

    next.valid = live;

    if (live == 0 && !(w->c->kinds & (uint32_t) 1 << WEIR_POLICY_A_CLAIM)) {
        return;
    }

    /* how it ends counts for what may follow */

    last = s.data[s.len - 1];
    dots = s.len >= 2 && last == '.' && s.data[s.len - 2] == '.';

    next.valid |= (uint32_t) (letter.data[0] == '.') << 30;
    next.valid |= (uint32_t) (letter.data[0] == ' ') << 31;
    next.valid |= (uint32_t) (from->s.len == 0) << 29;
    next.valid |= (uint32_t) dots << 28;

    for (i = 0; i < w->nstates; i++) {
        if (memcmp(w->states[i].at, next.at, w->nglobs * sizeof(uint64_t)) == 0
            && w->states[i].valid == next.valid)
        {
            break;
        }
    }

    if (i == w->nstates) {
        w->states[w->nstates++] = next;
    }

    if (w->seen[i] >= each + 1) {
        return;
    }

    w->seen[i]++;

    w->queue[w->nqueue].state = i;
    w->queue[w->nqueue++].s = s;

    (void) weir_prove_take(w, s, &next);
}


/* Keeps as many strings of a combination as there are variables. */

static int
weir_prove_take(weir_prove_walk_t *w, weir_str_t s,
    const weir_prove_state_t *state)
{
    uint32_t  i, k, hash;

    hash = 2166136261u;

    for (i = 0; i < w->nglobs; i++) {
        hash = (hash ^ ((state->at[i] >> w->globs[i].n & 1) + 1)) * 16777619u;
    }

    for (k = 0; k <= WEIR_PROVE_SEGMENT; k++) {
        if (w->c->kinds & (uint32_t) 1 << k) {
            hash = (hash ^ ((uint32_t) weir_prove_valid(k, s) + 3))
                   * 16777619u;
        }
    }

    for (i = 0; i < w->ncells; i++) {
        if (w->cells[i][0] == hash) {
            break;
        }
    }

    if (i == w->ncells) {

        if (w->ncells == 1024) {
            w->p->inexact = "more combinations of globs than are decided";
            return 0;
        }

        w->cells[w->ncells][0] = hash;
        w->cells[w->ncells++][1] = 0;
    }

    if (w->cells[i][1] >= weir_prove_each(w->c)
        || weir_policy_table_get(w->known, s) != NULL)
    {
        return 0;
    }

    if (*w->n == w->max) {
        w->p->inexact = "more strings than are decided";
        return 0;
    }

    w->cells[i][1]++;
    w->values[(*w->n)++].s = s;

    return 1;
}


/* A star may be nothing. */

static uint64_t
weir_prove_closed(const weir_prove_glob_t *g, uint64_t at)
{
    uint32_t  k;

    for (k = 0; k < g->n; k++) {
        if ((at & (uint64_t) 1 << k) && g->units[k].len == 0) {
            at |= (uint64_t) 1 << (k + 1);
        }
    }

    return at;
}
