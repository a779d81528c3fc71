
/*
 * Weir: regular expressions: what the real matcher says of a string, and
 * strings that an expression may match, read off its text.  These are
 * guesses: whoever uses one asks the matcher.
 */

#include "weir_prove_problem.h"
#include "weir_policy_image.h"
#include "weir_policy_regex.h"


#define WEIR_PROVE_FORMS   24      /* that are kept of a part */
#define WEIR_PROVE_FORM    256     /* bytes of one */


typedef struct {
    uint32_t    n;
    weir_str_t  s[WEIR_PROVE_FORMS];
} weir_prove_forms_t;


typedef struct {
    weir_prove_problem_t  *p;
    const uint8_t         *at;
    const uint8_t         *end;
    uint32_t               depth;
} weir_prove_reader_t;


static int weir_prove_caseless(weir_str_t pattern);
static weir_str_t weir_prove_cased(weir_prove_problem_t *p, weir_str_t s,
    uint32_t how);
static void weir_prove_read_alt(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_read_part(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_read_group(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_read_class(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_read_escape(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_read_times(weir_prove_reader_t *r,
    weir_prove_forms_t *f);
static void weir_prove_form(weir_prove_forms_t *f, weir_str_t s);
static void weir_prove_product(weir_prove_problem_t *p,
    weir_prove_forms_t *a, const weir_prove_forms_t *b);
static uint32_t weir_prove_digits(weir_prove_reader_t *r);


/* 1, 0; -1: unknown, as it is to a decision. */

int
weir_prove_match(weir_prove_problem_t *p, weir_str_t pattern, weir_str_t s)
{
    uint32_t                    i, k;
    const weir_policy_ref_t    *refs;
    const weir_policy_image_t  *image;

    for (i = 0; i < 3; i++) {

        image = p->images[i];

        if (image == NULL || p->regexes[i] == NULL) {
            continue;
        }

        refs = weir_policy_at(image, image->regexes.off);

        for (k = 0; k < image->regexes.n; k++) {
            if (weir_str_eq(weir_policy_text(image, refs[k]), pattern)) {
                return weir_policy_regex_match(p->regexes[i], k, s);
            }
        }
    }

    p->inexact = "a regular expression is in no image";

    return -1;
}


uint32_t
weir_prove_samples(weir_prove_problem_t *p, weir_str_t pattern,
    weir_str_t *list, uint32_t max)
{
    uint32_t              i, k, n, cases;
    weir_prove_forms_t    f;
    weir_prove_reader_t   r;

    r.p = p;
    r.at = pattern.data;
    r.end = pattern.data + pattern.len;
    r.depth = 0;

    weir_prove_read_alt(&r, &f);

    /* where case does not count, each in other cases, too */

    cases = weir_prove_caseless(pattern) ? 4 : 1;
    n = 0;

    for (i = 0; i < f.n; i++) {
        for (k = 0; k < cases && n < max && !p->nomem; k++) {
            list[n++] = k == 0 ? f.s[i] : weir_prove_cased(p, f.s[i], k);
        }
    }

    return n;
}


/* The option "i" somewhere: "(?i)", "(?s-i:". */

static int
weir_prove_caseless(weir_str_t pattern)
{
    size_t  i;

    for (i = 0; i + 2 < pattern.len; i++) {

        if (pattern.data[i] != '(' || pattern.data[i + 1] != '?') {
            continue;
        }

        for (i += 2; i < pattern.len
             && pattern.data[i] >= 'a' && pattern.data[i] <= 'z'; i++)
        {
            if (pattern.data[i] == 'i') {
                return 1;
            }
        }
    }

    return 0;
}


/* 1: upper case, 2: lower, 3: upper and then lower. */

static weir_str_t
weir_prove_cased(weir_prove_problem_t *p, weir_str_t s, uint32_t how)
{
    size_t    i;
    uint8_t  *text, c;

    text = weir_prove_alloc(p, s.len);
    if (text == NULL) {
        return s;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if (c >= 'a' && c <= 'z' && (how == 1 || (how == 3 && i == 0))) {
            c -= 'a' - 'A';

        } else if (c >= 'A' && c <= 'Z' && (how == 2 || (how == 3 && i != 0)))
        {
            c += 'a' - 'A';
        }

        text[i] = c;
    }

    s.data = text;

    return s;
}


/* Up to a ")" that is not its own, or the end. */

static void
weir_prove_read_alt(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    uint32_t            i;
    weir_prove_forms_t  seq, part;

    f->n = 0;
    seq.n = 0;
    weir_prove_form(&seq, weir_str(""));

    while (r->at < r->end && *r->at != ')') {

        if (*r->at == '|') {
            r->at++;

            for (i = 0; i < seq.n; i++) {
                weir_prove_form(f, seq.s[i]);
            }

            seq.n = 0;
            weir_prove_form(&seq, weir_str(""));
            continue;
        }

        weir_prove_read_part(r, &part);
        weir_prove_read_times(r, &part);
        weir_prove_product(r->p, &seq, &part);
    }

    for (i = 0; i < seq.n; i++) {
        weir_prove_form(f, seq.s[i]);
    }
}


static void
weir_prove_read_part(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    weir_str_t  s;

    f->n = 0;

    switch (*r->at) {

    case '(':
        weir_prove_read_group(r, f);
        return;

    case '[':
        weir_prove_read_class(r, f);
        return;

    case '\\':
        weir_prove_read_escape(r, f);
        return;

    case '.':
        r->at++;
        weir_prove_form(f, weir_str("x"));
        weir_prove_form(f, weir_str("/"));
        weir_prove_form(f, weir_str("0"));
        return;

    case '^':
    case '$':
        r->at++;
        weir_prove_form(f, weir_str(""));
        return;

    default:

        s.data = r->at++;

        while (r->at < r->end && (*r->at & 0xc0) == 0x80) {
            r->at++;
        }

        s.len = (size_t) (r->at - s.data);
        weir_prove_form(f, s);
        return;
    }
}


static void
weir_prove_read_group(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    uint8_t  end;

    r->at++;

    if (r->at < r->end && *r->at == '?') {
        r->at++;

        if (r->at < r->end && *r->at == 'P') {
            r->at++;
        }

        end = r->at == r->end ? 0
              : *r->at == '<' ? '>'
              : *r->at == '\'' ? '\''
              : *r->at == '#' ? ')' : 0;

        if (end != 0) {
            r->at += *r->at != '#';

            while (r->at < r->end && *r->at != end) {
                r->at++;
            }

            r->at += r->at < r->end && end != ')';

        } else {

            /* options, or the sign of a group that captures nothing */

            while (r->at < r->end && *r->at != ')' && *r->at != ':'
                   && *r->at != '>' && *r->at != '|')
            {
                r->at++;
            }

            r->at += r->at < r->end && *r->at != ')';
        }
    }

    if (++r->depth < 250) {
        weir_prove_read_alt(r, f);

    } else {
        r->at = r->end;
    }

    r->depth--;
    r->at += r->at < r->end;

    if (f->n == 0) {
        weir_prove_form(f, weir_str(""));
    }
}


static void
weir_prove_read_class(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    int            not;
    uint8_t        set[128], c, last, to;
    const char    *p;
    weir_str_t     wide = { 0, NULL };
    const uint8_t *start;

    static const uint8_t  ascii[] =
        "xa0A-_.1bZz9 /@:!\"#$%&'()*+,;<=>?[\\]^`{|}~"
        "cdefghijklmnopqrstuvwyBCDEFGHIJKLMNOPQRSTUVWXY2345678";

    memset(set, 0, sizeof(set));

    r->at++;
    not = r->at < r->end && *r->at == '^';
    r->at += not;
    start = r->at;
    last = 0;

    while (r->at < r->end && (*r->at != ']' || r->at == start)) {

        c = *r->at++;

        if (c >= 0x80) {
            wide.data = r->at - 1;

            while (r->at < r->end && (*r->at & 0xc0) == 0x80) {
                r->at++;
            }

            wide.len = (size_t) (r->at - wide.data);
            continue;
        }

        if (c == '[' && r->at < r->end && *r->at == ':') {

            while (r->at < r->end && *r->at != ']') {
                r->at++;
            }

            r->at += r->at < r->end;
            set['a'] = 1;
            set['0'] = 1;
            continue;
        }

        if (c == '\\' && r->at < r->end) {
            c = *r->at++ & 0x7f;

            p = c == 'd' ? "0123456789"
                : c == 'w' ? "a0A_xbz9Z"
                : c == 's' ? " "
                : c == 'D' || c == 'W' || c == 'S' ? "x-/" : NULL;

            if (p != NULL) {
                while (*p != '\0') {
                    set[(uint8_t) *p++] = 1;
                }

                continue;
            }

            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;

        } else if (c == '-' && last != 0 && r->at < r->end && *r->at != ']'
                   && *r->at < 0x80)
        {
            to = *r->at++;

            /* what is at the end of a range another one may lack */

            if (!not && last < to && f->n < 3) {
                weir_prove_form(f, (weir_str_t) { 1, r->at - 1 });
            }

            while (last < to) {
                set[++last] = 1;
            }

            continue;
        }

        set[c] = 1;
        last = c;
    }

    r->at += r->at < r->end;

    for (c = 0; c < sizeof(ascii) - 1 && f->n < 6; c++) {
        if (set[ascii[c]] != not) {
            weir_prove_form(f, (weir_str_t) { 1, &ascii[c] });
        }
    }

    if (wide.len != 0 && !not) {
        weir_prove_form(f, wide);
    }

    if (f->n == 0) {
        weir_prove_form(f, weir_str("x"));
    }
}


static void
weir_prove_read_escape(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    uint8_t   c;

    r->at++;

    if (r->at == r->end) {
        weir_prove_form(f, weir_str("\\"));
        return;
    }

    c = *r->at++;

    switch (c) {

    case 'd':
        weir_prove_form(f, weir_str("0"));
        weir_prove_form(f, weir_str("7"));
        break;

    case 'w':
        weir_prove_form(f, weir_str("a"));
        weir_prove_form(f, weir_str("0"));
        break;

    case 's':
    case 'h':
        weir_prove_form(f, weir_str(" "));
        break;

    case 'D':
    case 'S':
    case 'N':
        weir_prove_form(f, weir_str("x"));
        break;

    case 'W':
        weir_prove_form(f, weir_str("-"));
        weir_prove_form(f, weir_str("/"));
        break;

    case 'n':
        weir_prove_form(f, weir_str("\n"));
        break;

    case 't':
        weir_prove_form(f, weir_str("\t"));
        break;

    case 'b':
    case 'B':
    case 'A':
    case 'z':
    case 'Z':
    case 'G':
    case 'Q':
    case 'E':
        weir_prove_form(f, weir_str(""));
        break;

    case 'p':
    case 'P':

        while (r->at < r->end && *r->at != '}') {
            r->at++;
        }

        r->at += r->at < r->end;
        weir_prove_form(f, weir_str("a"));
        weir_prove_form(f, weir_str("0"));
        weir_prove_form(f, weir_str("A"));
        break;

    default:
        weir_prove_form(f, (weir_str_t) { 1, r->at - 1 });
        break;
    }
}


/* "?", "*", "+", "{n}", "{n,}", "{n,m}", with "?" or "+" behind. */

static void
weir_prove_read_times(weir_prove_reader_t *r, weir_prove_forms_t *f)
{
    uint32_t              i, k, least, most, far;
    const uint8_t        *start;
    weir_prove_forms_t    one, all;

    while (r->at < r->end) {

        start = r->at;
        far = 0;

        switch (*r->at++) {

        case '?':
            least = 0;
            most = 1;
            break;

        case '*':
            least = 0;
            most = 2;
            break;

        case '+':
            least = 1;
            most = 2;
            break;

        case '{':

            least = weir_prove_digits(r);
            most = least;

            if (r->at < r->end && *r->at == ',') {
                r->at++;
                far = weir_prove_digits(r);
                most = far == 0 || far > least + 1 ? least + 1 : far;
            }

            if (r->at < r->end && *r->at == '}') {
                r->at++;
                break;
            }

            /* fall through */

        default:
            r->at = start;
            return;
        }

        if (r->at < r->end && (*r->at == '?' || *r->at == '+')) {
            r->at++;
        }

        if (least > WEIR_PROVE_FORM) {
            continue;
        }

        one = *f;
        all.n = 0;
        weir_prove_form(&all, weir_str(""));
        f->n = 0;

        /* the least times, once more, and the most: each has its room */

        far = far > most && far <= WEIR_PROVE_FORM ? far : most;

        for (i = 0; i <= far; i++) {

            if ((i >= least && i <= most) || i == far) {

                for (k = 0; k < all.n && (i == far || k < WEIR_PROVE_FORMS
                                          / (far - least + 2)); k++)
                {
                    weir_prove_form(f, all.s[k]);
                }
            }

            if (i == most && far > most) {
                one.n = one.n < 2 ? one.n : 2;
                all.n = all.n < 2 ? all.n : 2;
            }

            weir_prove_product(r->p, &all, &one);

            if (i >= most && all.n > 2) {
                all.n = 2;
            }
        }
    }
}


static uint32_t
weir_prove_digits(weir_prove_reader_t *r)
{
    uint32_t  n;

    n = 0;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && n < 100000) {
        n = 10 * n + (uint32_t) (*r->at++ - '0');
    }

    return n;
}


static void
weir_prove_form(weir_prove_forms_t *f, weir_str_t s)
{
    uint32_t  i;

    for (i = 0; i < f->n; i++) {
        if (weir_str_eq(f->s[i], s)) {
            return;
        }
    }

    if (f->n < WEIR_PROVE_FORMS) {
        f->s[f->n++] = s;
    }
}


/* Each of a followed by each of b, those first that come first in both. */

static void
weir_prove_product(weir_prove_problem_t *p, weir_prove_forms_t *a,
    const weir_prove_forms_t *b)
{
    uint8_t            *text;
    uint32_t            i, k, sum;
    weir_str_t          s;
    weir_prove_forms_t  all;

    all.n = 0;

    for (sum = 0; sum + 1 < a->n + b->n; sum++) {
        for (i = 0; i <= sum && i < a->n && all.n < WEIR_PROVE_FORMS; i++) {

            k = sum - i;

            if (k >= b->n
                || a->s[i].len + b->s[k].len > WEIR_PROVE_FORM)
            {
                continue;
            }

            s.len = a->s[i].len + b->s[k].len;
            text = weir_prove_alloc(p, s.len);

            if (text == NULL) {
                return;
            }

            if (a->s[i].len != 0) {
                memcpy(text, a->s[i].data, a->s[i].len);
            }

            if (b->s[k].len != 0) {
                memcpy(text + a->s[i].len, b->s[k].data, b->s[k].len);
            }

            s.data = text;
            weir_prove_form(&all, s);
        }
    }

    *a = all;
}
