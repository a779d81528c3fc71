
/*
 * Weir: the parser of what has a name and is referred to: imports, sets and
 * windows; and of the references.
 */

#include "weir_policy_lex.h"


static int weir_policy_set_item(weir_policy_parser_t *ps,
    const weir_policy_set_t *set, weir_policy_type_t type,
    weir_policy_literal_t *item);
static int weir_policy_span(weir_policy_parser_t *ps,
    weir_policy_span_t *span);
static int weir_policy_days(weir_policy_parser_t *ps,
    weir_policy_span_t *span);
static int weir_policy_hours(weir_policy_parser_t *ps,
    weir_policy_span_t *span);
static int weir_policy_clock(const uint8_t *p, uint32_t *minutes);


static const char *const  weir_policy_day_names[] = {
    "mon", "tue", "wed", "thu", "fri", "sat", "sun"
};


/* ID [ "." ID ] */

int
weir_policy_dotted(weir_policy_parser_t *ps, const char *what,
    weir_policy_dotted_t *ref)
{
    memset(ref, 0, sizeof(weir_policy_dotted_t));

    if (weir_policy_id(ps, what, &ref->name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (ps->tok.kind != '.') {
        return WEIR_OK;
    }

    weir_policy_lex(ps);

    ref->alias = ref->name;

    return weir_policy_id(ps, what, &ref->name);
}


/* "import" STRING "as" ID ";" */

int
weir_policy_parse_import(weir_policy_parser_t *ps,
    weir_policy_import_t ***last)
{
    weir_policy_import_t  *import;

    import = weir_policy_alloc(ps->c, sizeof(weir_policy_import_t));
    if (import == NULL) {
        return WEIR_ERROR;
    }

    weir_policy_lex(ps);

    if (weir_policy_string(ps, "the path of a library in double quotes",
                           &import->path)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (!weir_policy_is(ps, "as")) {
        return weir_policy_expected(ps, "as NAME");
    }

    weir_policy_lex(ps);

    if (weir_policy_id(ps, "the name that the import is to have",
                       &import->alias)
        != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (weir_policy_is_object(import->alias.text)) {
        weir_policy_error(ps->c, import->alias.loc, "%.*s is an attribute's "
                          "name, no import can have it",
                          weir_policy_s(import->alias.text));
    }

    **last = import;
    *last = &import->next;

    return weir_policy_semicolon(ps);
}


/* "set" ID ( "cidr" | "string" | "spiffe" ) literal { "," literal } ";" */

int
weir_policy_parse_set(weir_policy_parser_t *ps, weir_policy_set_t ***last)
{
    weir_policy_set_t       *set;
    weir_policy_type_t       type;
    weir_policy_literal_t   *item, **end;

    set = weir_policy_alloc(ps->c, sizeof(weir_policy_set_t));
    if (set == NULL) {
        return WEIR_ERROR;
    }

    weir_policy_lex(ps);

    if (weir_policy_id(ps, "the set's name", &set->name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    if (weir_policy_is_object(set->name.text)
        || weir_str_eq(set->name.text, weir_str("true"))
        || weir_str_eq(set->name.text, weir_str("false")))
    {
        weir_policy_error(ps->c, set->name.loc, "%.*s is an attribute's name "
                          "or a value, no set can have it",
                          weir_policy_s(set->name.text));
    }

    set->spiffe = weir_policy_is(ps, "spiffe");

    type = weir_policy_is(ps, "cidr") ? WEIR_POLICY_T_IP
           : weir_policy_is(ps, "string") || set->spiffe
             ? WEIR_POLICY_T_STRING
           : WEIR_POLICY_T_NONE;

    if (type == WEIR_POLICY_T_NONE) {
        return weir_policy_expected(ps, "cidr, string or spiffe");
    }

    set->list = weir_policy_alloc(ps->c, sizeof(weir_policy_literal_t));
    if (set->list == NULL) {
        return WEIR_ERROR;
    }

    set->list->type = WEIR_POLICY_T_LIST;
    set->list->item_type = type;
    set->list->loc = set->name.loc;
    set->list->text = set->name.text;

    /* a set that is wrong is a set all the same: one error suffices */

    **last = set;
    *last = &set->next;

    end = &set->list->items;

    do {
        weir_policy_lex(ps);

        if (set->list->nitems == WEIR_POLICY_MAX_ITEMS) {
            weir_policy_error(ps->c, weir_policy_here(ps), "a set has at most "
                              "%d items", WEIR_POLICY_MAX_ITEMS);
            return WEIR_ERROR;
        }

        item = weir_policy_alloc(ps->c, sizeof(weir_policy_literal_t));

        if (item == NULL
            || weir_policy_set_item(ps, set, type, item) != WEIR_OK)
        {
            return WEIR_ERROR;
        }

        *end = item;
        end = &item->next;
        set->list->nitems++;

    } while (ps->tok.kind == ',');

    return weir_policy_semicolon(ps);
}


static int
weir_policy_set_item(weir_policy_parser_t *ps, const weir_policy_set_t *set,
    weir_policy_type_t type, weir_policy_literal_t *item)
{
    item->loc = weir_policy_here(ps);
    item->text = ps->tok.text;

    if (type == WEIR_POLICY_T_IP) {

        if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER) {
            return weir_policy_expected(ps, "an address or network");
        }

        if (weir_policy_lex_number(ps, item) == WEIR_OK
            && item->type != WEIR_POLICY_T_IP
            && item->type != WEIR_POLICY_T_CIDR)
        {
            (void) weir_policy_expected(ps, "an address or network");
        }

        weir_policy_lex(ps);

        return WEIR_OK;
    }

    item->type = WEIR_POLICY_T_STRING;

    if (set->spiffe) {
        return weir_policy_spiffe(ps, &item->string);
    }

    if (ps->tok.kind != WEIR_POLICY_TOK_STRING) {
        return weir_policy_expected(ps, "a string in double quotes");
    }

    item->string = ps->tok.value;

    weir_policy_lex(ps);

    return WEIR_OK;
}


/*
 * A SPIFFE ID (SPIFFE-ID, 2): "spiffe://", a trust domain of lower case
 * letters, digits, ".", "-", "_", and segments of these and of upper case
 * letters, none empty, "." or "..".
 */

int
weir_policy_spiffe(weir_policy_parser_t *ps, weir_str_t *uri)
{
    size_t       i, start;
    uint8_t      ch;
    weir_str_t   s;
    const char  *error;

    static const char  scheme[] = "spiffe://";

    if (ps->tok.kind != WEIR_POLICY_TOK_URI) {
        return weir_policy_expected(ps, "a SPIFFE ID (spiffe://domain/path)");
    }

    s = ps->tok.text;
    *uri = s;
    error = NULL;

    if (s.len > 2048) {
        error = "it is longer than 2048 bytes";

    } else if (s.len < sizeof(scheme)
               || memcmp(s.data, scheme, sizeof(scheme) - 1) != 0)
    {
        error = "it begins with spiffe:// and a trust domain; other URIs are "
                "written as strings";

    } else {

        start = 0;

        for (i = sizeof(scheme) - 1; i < s.len; i++) {
            ch = s.data[i];

            if (ch == '/') {

                if (i == sizeof(scheme) - 1 || i + 1 == s.len
                    || s.data[i + 1] == '/')
                {
                    error = "it has an empty segment";
                    break;
                }

                start = i + 1;
                continue;
            }

            if (start != 0 && i == start && ch == '.'
                && (i + 1 == s.len || s.data[i + 1] == '/'
                    || (s.data[i + 1] == '.'
                        && (i + 2 == s.len || s.data[i + 2] == '/'))))
            {
                error = "it has a segment that is . or ..";
                break;
            }

            if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9')
                  || ch == '.' || ch == '-' || ch == '_'
                  || (start != 0 && ch >= 'A' && ch <= 'Z')))
            {
                error = start == 0
                        ? "a trust domain has lower case letters, digits and "
                          "\".-_\""
                        : "a path has letters, digits and \".-_\"";
                break;
            }
        }
    }

    if (error != NULL) {
        weir_policy_error(ps->c, weir_policy_here(ps), "%.*s is no SPIFFE ID: "
                          "%s", s.len > 80 ? 80 : (int) s.len,
                          (const char *) s.data, error);
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* "window" ID span { "," span } ";" */

int
weir_policy_parse_window(weir_policy_parser_t *ps,
    weir_policy_window_t ***last)
{
    weir_policy_span_t    *span, **end;
    weir_policy_window_t  *window;

    window = weir_policy_alloc(ps->c, sizeof(weir_policy_window_t));
    if (window == NULL) {
        return WEIR_ERROR;
    }

    weir_policy_lex(ps);

    if (weir_policy_id(ps, "the window's name", &window->name) != WEIR_OK) {
        return WEIR_ERROR;
    }

    **last = window;
    *last = &window->next;

    end = &window->spans;

    for ( ;; ) {
        span = weir_policy_alloc(ps->c, sizeof(weir_policy_span_t));

        if (span == NULL || weir_policy_span(ps, span) != WEIR_OK) {
            return WEIR_ERROR;
        }

        *end = span;
        end = &span->next;

        if (ps->tok.kind != ',') {
            return weir_policy_semicolon(ps);
        }

        weir_policy_lex(ps);
    }
}


/* DAYS HOURS ZONE */

static int
weir_policy_span(weir_policy_parser_t *ps, weir_policy_span_t *span)
{
    if (weir_policy_days(ps, span) != WEIR_OK
        || weir_policy_hours(ps, span) != WEIR_OK)
    {
        return WEIR_ERROR;
    }

    if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
        return weir_policy_expected(ps, "a time zone (Europe/Paris)");
    }

    weir_policy_lex_text(ps, ",");

    span->zone.text = ps->tok.text;
    span->zone.loc = weir_policy_here(ps);

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_days(weir_policy_parser_t *ps, weir_policy_span_t *span)
{
    uint32_t    i;
    weir_str_t  s, day;

    s = ps->tok.text;

    if (ps->tok.kind != WEIR_POLICY_TOK_WORD) {
        return weir_policy_expected(ps, "days (mon or mon-fri)");
    }

    span->first = 7;
    span->last = 7;

    for (i = 0; i < 7; i++) {
        day = weir_cstr(weir_policy_day_names[i]);

        if (s.len >= 3 && memcmp(s.data, day.data, 3) == 0) {
            span->first = i;
        }

        if (s.len == 7 && memcmp(s.data + 4, day.data, 3) == 0) {
            span->last = i;
        }
    }

    if (s.len == 3) {
        span->last = span->first;
    }

    if ((s.len != 3 && (s.len != 7 || s.data[3] != '-'))
        || span->first == 7 || span->last == 7)
    {
        return weir_policy_expected(ps, "days (mon tue wed thu fri sat sun, "
                                    "or mon-fri)");
    }

    if (span->first > span->last) {
        weir_policy_error(ps->c, weir_policy_here(ps), "%.*s: days do not "
                          "wrap; write two spans", weir_policy_s(s));
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


/* HH:MM-HH:MM */

static int
weir_policy_hours(weir_policy_parser_t *ps, weir_policy_span_t *span)
{
    weir_str_t  s;

    s = ps->tok.text;

    if (ps->tok.kind != WEIR_POLICY_TOK_NUMBER || s.len != 11
        || s.data[5] != '-'
        || weir_policy_clock(s.data, &span->from) != WEIR_OK
        || weir_policy_clock(s.data + 6, &span->to) != WEIR_OK)
    {
        return weir_policy_expected(ps, "hours (08:00-18:00)");
    }

    if (span->from == span->to) {
        weir_policy_error(ps->c, weir_policy_here(ps), "%.*s is no time at "
                          "all; the end is exclusive", weir_policy_s(s));

    } else if (span->from > span->to) {
        weir_policy_error(ps->c, weir_policy_here(ps), "%.*s goes over "
                          "midnight; write two spans, up to 24:00 and from "
                          "00:00", weir_policy_s(s));
    }

    weir_policy_lex(ps);

    return WEIR_OK;
}


static int
weir_policy_clock(const uint8_t *p, uint32_t *minutes)
{
    uint32_t  i, h, m;

    for (i = 0; i < 5; i++) {
        if (i == 2 ? p[i] != ':' : p[i] < '0' || p[i] > '9') {
            return WEIR_ERROR;
        }
    }

    h = (uint32_t) (p[0] - '0') * 10 + (uint32_t) (p[1] - '0');
    m = (uint32_t) (p[3] - '0') * 10 + (uint32_t) (p[4] - '0');

    *minutes = h * 60 + m;

    return m > 59 || *minutes > 24 * 60 ? WEIR_ERROR : WEIR_OK;
}
