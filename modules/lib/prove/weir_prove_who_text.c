
/*
 * Weir: what is told of those who are let in: statements as they are written
 * in the policy, on one line; of one path its captures are put in.
 */

#include <stdio.h>

#include "weir_prove_who.h"


static const weir_prove_item_t *weir_prove_who_item(const weir_prove_who_t *w,
    const weir_policy_rule_t *rule);
static int weir_prove_who_conditions(weir_prove_who_t *w,
    const weir_policy_rule_t *whole, const weir_policy_rule_t *rule, int who,
    weir_str_t **list, uint32_t *n);
static int weir_prove_who_kept(const weir_policy_rule_t *whole,
    const weir_policy_rule_t *rule, weir_str_t word, uint32_t *cond);
static int weir_prove_who_princ(weir_prove_who_t *w,
    const weir_policy_rule_t *rule, weir_str_t *text);
static weir_str_t weir_prove_who_line(weir_prove_who_t *w,
    const weir_policy_rule_t *rule, weir_str_t text);
static size_t weir_prove_who_capture(weir_prove_who_t *w,
    const weir_policy_rule_t *rule, const uint8_t *p, const uint8_t *end,
    weir_str_t *value);
static int weir_prove_who_value(const weir_prove_who_t *w,
    const weir_policy_rule_t *rule, weir_str_t name, weir_str_t *value);
static int weir_prove_who_reaches(const weir_policy_what_t *what,
    const weir_policy_what_t *route);
static int weir_prove_who_word(uint8_t c);


int
weir_prove_who_items(weir_prove_who_t *w)
{
    uint32_t            n;
    weir_prove_item_t  *items, *item;

    if (weir_prove_split(w->arena,
                         w->c.sources[w->policy.file->index].text, &items)
        != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    n = 0;

    for (item = items; item != NULL; item = item->next) {
        n++;
    }

    w->items = weir_arena_calloc(w->arena, n + 1,
                                 sizeof(weir_prove_item_t *));
    if (w->items == NULL) {
        return WEIR_NOMEM;
    }

    w->nitems = 0;

    for (item = items; item != NULL; item = item->next) {
        w->items[w->nitems++] = item;
    }

    return WEIR_OK;
}


/* The statement that a rule is; they lie one behind the other. */

static const weir_prove_item_t *
weir_prove_who_item(const weir_prove_who_t *w, const weir_policy_rule_t *rule)
{
    uint32_t        lo, hi, mid;
    const uint8_t  *at;

    at = w->c.sources[w->policy.file->index].text.data
         + rule->name.loc.offset;
    lo = 0;
    hi = w->nitems;

    while (hi - lo > 1) {
        mid = lo + (hi - lo) / 2;

        if (w->items[mid]->text.data <= at) {
            lo = mid;

        } else {
            hi = mid;
        }
    }

    return w->items[lo];
}


int
weir_prove_who_tell(weir_prove_who_t *w, weir_prove_line_t *line,
    const weir_policy_rule_t **denies, uint32_t ndenies)
{
    uint32_t              i;
    weir_prove_guard_t   *guard, **last;
    weir_prove_grant_t   *g;

    g = line->grant;
    last = &g->denies;

    if (weir_prove_who_princ(w, &line->rule, &g->who) != WEIR_OK
        || weir_prove_who_conditions(w, line->whole, &line->rule, 0,
                                     &g->conditions, &g->nconditions)
           != WEIR_OK)
    {
        return WEIR_NOMEM;
    }

    for (i = 0; i < ndenies; i++) {

        guard = weir_arena_calloc(w->arena, 1, sizeof(weir_prove_guard_t));
        if (guard == NULL) {
            return WEIR_NOMEM;
        }

        guard->rule = denies[i]->name.text;
        guard->place = weir_policy_place(&w->c, denies[i]->name.loc);

        if (w->route != NULL
            && weir_prove_who_conditions(w, denies[i], denies[i], 1,
                                         &guard->conditions,
                                         &guard->nconditions)
               != WEIR_OK)
        {
            return WEIR_NOMEM;
        }

        *last = guard;
        last = &guard->next;
    }

    return WEIR_OK;
}


static int
weir_prove_who_conditions(weir_prove_who_t *w,
    const weir_policy_rule_t *whole, const weir_policy_rule_t *rule, int who,
    weir_str_t **list, uint32_t *n)
{
    uint32_t                  cond, size;
    weir_str_t                s;
    const weir_prove_item_t  *item, *all;

    all = weir_prove_who_item(w, whole);
    size = 0;

    for (item = all->items; item != NULL; item = item->next) {
        size++;
    }

    *n = 0;
    *list = weir_arena_calloc(w->arena, size + 1, sizeof(weir_str_t));

    if (*list == NULL) {
        return WEIR_NOMEM;
    }

    cond = 0;

    for (item = all->items; item != NULL; item = item->next) {

        if (weir_str_eq(item->word, weir_str("who"))) {
            if (!who) {
                continue;
            }

        } else if (!weir_prove_who_kept(whole, rule, item->word, &cond)) {
            continue;
        }

        s = weir_prove_who_line(w, whole, item->text);

        if (s.data == NULL) {
            return WEIR_NOMEM;
        }

        (*list)[(*n)++] = s;
    }

    return WEIR_OK;
}


/* cond: which of the conditions of the whole comes next. */

static int
weir_prove_who_kept(const weir_policy_rule_t *whole,
    const weir_policy_rule_t *rule, weir_str_t word, uint32_t *cond)
{
    uint32_t                   i;
    const weir_policy_cond_t  *c, *kept;

    if (weir_str_eq(word, weir_str("host"))) {
        return rule->has_host;
    }

    if (weir_str_eq(word, weir_str("from"))) {
        return rule->has_from;
    }

    if (weir_str_eq(word, weir_str("during"))) {
        return rule->has_during;
    }

    if (!weir_str_eq(word, weir_str("if"))
        && !weir_str_eq(word, weir_str("unless")))
    {
        return 0;
    }

    c = whole->conds;

    for (i = (*cond)++; i != 0 && c != NULL; i--) {
        c = c->next;
    }

    for (kept = rule->conds; kept != NULL && c != NULL; kept = kept->next) {
        if (kept->expr == c->expr) {
            return 1;
        }
    }

    return 0;
}


static int
weir_prove_who_princ(weir_prove_who_t *w, const weir_policy_rule_t *rule,
    weir_str_t *text)
{
    int                         n;
    char                       *p;
    size_t                      size;
    const weir_policy_princ_t  *who;

    who = rule->has_who ? rule->who : NULL;

    if (who == NULL || who->kind == WEIR_POLICY_P_ANYONE) {
        *text = weir_str("anyone");
        return WEIR_OK;
    }

    if (who->kind == WEIR_POLICY_P_AUTHENTICATED) {
        *text = weir_str("authenticated");
        return WEIR_OK;
    }

    size = 64 + who->name.text.len + who->issuer.text.len
           + who->ref.alias.text.len + who->ref.name.text.len;
    p = weir_arena_alloc(w->arena, size);

    if (p == NULL) {
        return WEIR_NOMEM;
    }

    switch (who->kind) {

    case WEIR_POLICY_P_ISSUER:
        n = snprintf(p, size, "issuer %.*s", weir_policy_s(who->issuer.text));
        break;

    case WEIR_POLICY_P_SUBJECT:
        n = snprintf(p, size, "subject %.*s issuer %.*s",
                     weir_policy_s(who->name.text),
                     weir_policy_s(who->issuer.text));
        break;

    default:

        if (who->kind == WEIR_POLICY_P_SPIFFE && who->set == NULL) {
            n = snprintf(p, size, "spiffe %.*s",
                         weir_policy_s(who->name.text));
            break;
        }

        n = snprintf(p, size, "%s %.*s%s%.*s",
                     who->kind == WEIR_POLICY_P_ROLE ? "role" : "spiffe",
                     weir_policy_s(who->ref.alias.text),
                     who->ref.alias.text.len != 0 ? "." : "",
                     weir_policy_s(who->ref.name.text));
        break;
    }

    text->data = (const uint8_t *) p;
    text->len = (size_t) n;

    return WEIR_OK;
}


int
weir_prove_who_route(weir_prove_who_t *w, const weir_policy_what_t *what,
    weir_str_t *text)
{
    size_t                      size;
    uint8_t                    *p;
    const weir_policy_words_t  *m;

    *text = weir_str("* /**");

    if (what == NULL) {
        return WEIR_OK;
    }

    size = what->text.len + 3;

    for (m = what->methods; m != NULL; m = m->next) {
        size += m->word.text.len + 2;
    }

    p = weir_arena_alloc(w->arena, size);
    if (p == NULL) {
        return WEIR_NOMEM;
    }

    text->data = p;

    if (what->methods == NULL) {
        *p++ = '*';
    }

    for (m = what->methods; m != NULL; m = m->next) {
        memcpy(p, m->word.text.data, m->word.text.len);
        p += m->word.text.len;

        if (m->next != NULL) {
            *p++ = ',';
            *p++ = ' ';
        }
    }

    *p++ = ' ';
    memcpy(p, what->text.data, what->text.len);
    text->len = (size_t) (p - text->data) + what->text.len;

    return WEIR_OK;
}


/* White space and comments are one space; without its semicolon. */

static weir_str_t
weir_prove_who_line(weir_prove_who_t *w, const weir_policy_rule_t *rule,
    weir_str_t text)
{
    size_t          i, len, room, skip;
    uint8_t        *out;
    weir_str_t      s = { 0, NULL }, value = { 0, NULL };
    const uint8_t  *p, *end;

    p = text.data;
    end = p + text.len - 1;
    room = text.len;

    if (w->route != NULL) {

        /* each "path." may become a segment, each byte of it two */

        for (i = 0; i < w->route->whats->nsegs; i++) {
            room += (text.len / 6 + 1)
                    * (2 * w->route->whats->segs[i].text.len + 2);
        }
    }

    out = weir_arena_alloc(w->arena, room + 2);
    if (out == NULL) {
        return s;
    }

    len = 0;

    while (p < end) {

        if (memchr(" \t\r\n", *p, 4) != NULL) {

            if (len != 0 && out[len - 1] != ' ') {
                out[len++] = ' ';
            }

            p++;
            continue;
        }

        if (*p == '#' && memchr(" \t\r\n", p[-1], 4) != NULL) {

            while (p < end && *p != '\n') {
                p++;
            }

            continue;
        }

        if (*p == '"') {

            do {
                if (*p == '\\') {
                    out[len++] = *p++;
                }

                out[len++] = *p++;

            } while (p < end && *p != '"');

            if (p < end) {
                out[len++] = *p++;
            }

            continue;
        }

        skip = weir_prove_who_capture(w, rule, p, end, &value);

        if (skip == 0) {
            out[len++] = *p++;
            continue;
        }

        p += skip;
        out[len++] = '"';

        for (i = 0; i < value.len; i++) {

            if (value.data[i] == '"' || value.data[i] == '\\') {
                out[len++] = '\\';
            }

            out[len++] = value.data[i];
        }

        out[len++] = '"';
    }

    while (len != 0 && out[len - 1] == ' ') {
        len--;
    }

    s.data = out;
    s.len = len;

    return s;
}


/* The length of "path.NAME" at p, where the path asked for gives it a value. */

static size_t
weir_prove_who_capture(weir_prove_who_t *w, const weir_policy_rule_t *rule,
    const uint8_t *p, const uint8_t *end, weir_str_t *value)
{
    weir_str_t      name;
    const uint8_t  *q;

    if (w->route == NULL || end - p < 6 || memcmp(p, "path.", 5) != 0
        || weir_prove_who_word(p[-1]) || p[-1] == '.')
    {
        return 0;
    }

    for (q = p + 5; q < end && weir_prove_who_word(*q); q++) { /* void */ }

    name.data = p + 5;
    name.len = (size_t) (q - name.data);

    return weir_prove_who_value(w, rule, name, value) ? name.len + 5 : 0;
}


static int
weir_prove_who_value(const weir_prove_who_t *w,
    const weir_policy_rule_t *rule, weir_str_t name, weir_str_t *value)
{
    int                        found, any;
    uint32_t                   i, at;
    weir_str_t                 s;
    const weir_policy_what_t  *what, *route;

    route = w->route->whats;
    found = 0;

    for (what = rule->whats; what != NULL; what = what->next) {

        if (!weir_prove_who_reaches(what, route)) {
            continue;
        }

        any = 0;

        for (i = 0; i < what->nsegs; i++) {

            any |= what->segs[i].kind == WEIR_POLICY_SEG_ANY;

            if (what->segs[i].kind != WEIR_POLICY_SEG_CAPTURE
                || !weir_str_eq(what->segs[i].text, name))
            {
                continue;
            }

            at = any ? route->nsegs - (what->nsegs - i) : i;
            s = route->segs[at].text;

            if (found && !weir_str_eq(*value, s)) {
                return 0;
            }

            *value = s;
            found = 1;
        }
    }

    return found;
}


static int
weir_prove_who_reaches(const weir_policy_what_t *what,
    const weir_policy_what_t *route)
{
    int                         any;
    uint32_t                    i, at;
    const weir_policy_words_t  *m;

    any = 0;

    for (i = 0; i < what->nsegs; i++) {
        any |= what->segs[i].kind == WEIR_POLICY_SEG_ANY;
    }

    if (any ? route->nsegs + 1 < what->nsegs : route->nsegs != what->nsegs) {
        return 0;
    }

    for (i = 0, at = 0; i < what->nsegs; i++, at++) {

        if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
            at = route->nsegs - (what->nsegs - i);

        } else if (what->segs[i].kind == WEIR_POLICY_SEG_LITERAL
                   && !weir_str_eq(what->segs[i].text, route->segs[at].text))
        {
            return 0;
        }
    }

    for (m = what->methods; m != NULL; m = m->next) {
        if (weir_str_eq(m->word.text, route->methods->word.text)) {
            return 1;
        }
    }

    return what->methods == NULL;
}


static int
weir_prove_who_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || c == '-';
}
