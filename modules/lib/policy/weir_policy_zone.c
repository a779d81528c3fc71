
/*
 * Weir: time zones of windows: from a TZif file (RFC 9636) to a table of the
 * zone's offsets from UTC, with which a decision needs no calendar of its own.
 *
 * The file's footer, a rule as in POSIX's TZ, says what holds behind the last
 * transition that is listed; it is expanded here.
 */

#include <stdlib.h>

#include "weir_policy_ast.h"


/* Years that a footer is expanded to; later times are unknown. */

#define WEIR_POLICY_ZONE_LAST  2200

#define WEIR_POLICY_ZONE_NAME  64
#define WEIR_POLICY_ZONE_MAX   4096     /* transitions of a file */

#define WEIR_POLICY_TZIF_HEAD  44


typedef struct {
    uint32_t        isutcnt;
    uint32_t        isstdcnt;
    uint32_t        leapcnt;
    uint32_t        timecnt;
    uint32_t        typecnt;
    uint32_t        charcnt;
} weir_policy_tzif_t;


/* A day of the year on which a footer's rule changes. */

typedef struct {
    uint8_t   kind;       /* 'M', 'J' or 'N': from 0, with 29 February */
    int32_t   month;
    int32_t   week;
    int32_t   day;
    int32_t   time;       /* seconds of the local day, may be negative */
} weir_policy_change_t;


typedef struct {
    const uint8_t         *p;
    const uint8_t         *end;
    unsigned               bad:1;
    unsigned               dst:1;
    int32_t                std;
    int32_t                summer;
    weir_policy_change_t   start;
    weir_policy_change_t   stop;
} weir_policy_footer_t;


static int weir_policy_zone_name(weir_str_t name);
static int weir_policy_tzif_head(weir_str_t s, weir_policy_tzif_t *h);
static size_t weir_policy_tzif_size(const weir_policy_tzif_t *h, size_t time);
static int weir_policy_tzif_data(weir_arena_t *arena, weir_str_t s,
    const weir_policy_tzif_t *h, weir_policy_zone_t *zone);
static int weir_policy_zone_footer(weir_str_t s, weir_policy_zone_t *zone);
static void weir_policy_footer_name(weir_policy_footer_t *f);
static int32_t weir_policy_footer_time(weir_policy_footer_t *f, int32_t most);
static void weir_policy_footer_change(weir_policy_footer_t *f,
    weir_policy_change_t *change);
static int32_t weir_policy_footer_number(weir_policy_footer_t *f, int32_t least,
    int32_t most);
static int64_t weir_policy_change_at(const weir_policy_change_t *change,
    int32_t year);
static int64_t weir_policy_days_before(int32_t year);
static int weir_policy_leap(int32_t year);
static void weir_policy_zone_add(weir_policy_zone_t *zone, int64_t at,
    int32_t offset);
static uint32_t weir_policy_be32(const uint8_t *p);
static int64_t weir_policy_be64(const uint8_t *p);


weir_policy_zone_t *
weir_policy_zone(weir_policy_compiler_t *c, const weir_policy_word_t *name)
{
    int                  rc;
    weir_str_t           tzif;
    weir_policy_zone_t  *zone;

    zone = weir_policy_table_get(&c->zone_table, name->text);

    if (zone == NULL) {

        zone = weir_policy_alloc(c, sizeof(weir_policy_zone_t));
        if (zone == NULL) {
            return NULL;
        }

        zone->name = name->text;

        (void) weir_policy_table_put(c, &c->zone_table, name->text, zone);

        rc = WEIR_DECLINED;

        tzif.len = 0;
        tzif.data = NULL;

        if (weir_policy_zone_name(name->text)) {
            rc = c->zones == NULL
                 ? WEIR_ERROR
                 : c->zones->read(c->zones->ctx, name->text, &tzif);
        }

        if (rc == WEIR_OK) {
            rc = weir_policy_zone_parse(c->arena, tzif, zone);

            if (rc == WEIR_ERROR) {
                weir_policy_error(c, name->loc, "the data of time zone %.*s "
                                  "are damaged", weir_policy_s(name->text));
                return NULL;
            }
        }

        if (rc == WEIR_NOMEM) {
            c->nomem = 1;
            return NULL;
        }

        if (rc == WEIR_ERROR) {
            weir_policy_error(c, name->loc, "the data of time zone %.*s "
                              "cannot be read here (package tzdata)",
                              weir_policy_s(name->text));
            return NULL;
        }

        if (rc != WEIR_OK) {
            zone->shifts = NULL;
            zone->until = 0;
        }
    }

    if (zone->until == 0) {
        weir_policy_error(c, name->loc, "there is no time zone %.*s; zones "
                          "have IANA names (Europe/Paris, UTC)",
                          weir_policy_s(name->text));
        return NULL;
    }

    return zone;
}


/* What may be asked of the caller's files: no path but below its folder. */

static int
weir_policy_zone_name(weir_str_t name)
{
    size_t   i;
    uint8_t  ch, before;

    if (name.len == 0 || name.len > WEIR_POLICY_ZONE_NAME) {
        return 0;
    }

    before = '/';

    for (i = 0; i < name.len; i++) {
        ch = name.data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')) {
            before = ch;
            continue;
        }

        /* digits and signs stand inside, slashes between two names */

        if (before == '/'
            || ((ch < '0' || ch > '9') && ch != '_' && ch != '-' && ch != '+'
                && ch != '/'))
        {
            return 0;
        }

        before = ch;
    }

    return before != '/';
}


int
weir_policy_zone_parse(weir_arena_t *arena, weir_str_t tzif,
    weir_policy_zone_t *zone)
{
    int                 rc;
    size_t              size;
    weir_policy_tzif_t  h;

    if (weir_policy_tzif_head(tzif, &h) != WEIR_OK || tzif.data[4] < '2') {
        return WEIR_ERROR;
    }

    /* the first block has times of 32 bits: the second says all of it */

    size = WEIR_POLICY_TZIF_HEAD + weir_policy_tzif_size(&h, 4);

    if (size > tzif.len) {
        return WEIR_ERROR;
    }

    tzif.data += size;
    tzif.len -= size;

    if (weir_policy_tzif_head(tzif, &h) != WEIR_OK) {
        return WEIR_ERROR;
    }

    size = WEIR_POLICY_TZIF_HEAD + weir_policy_tzif_size(&h, 8);

    if (size > tzif.len || h.typecnt == 0 || h.typecnt > 256
        || h.timecnt > WEIR_POLICY_ZONE_MAX || h.leapcnt != 0)
    {
        return WEIR_ERROR;
    }

    rc = weir_policy_tzif_data(arena, tzif, &h, zone);

    if (rc != WEIR_OK) {
        return rc;
    }

    tzif.data += size;
    tzif.len -= size;

    return weir_policy_zone_footer(tzif, zone);
}


static int
weir_policy_tzif_head(weir_str_t s, weir_policy_tzif_t *h)
{
    if (s.len < WEIR_POLICY_TZIF_HEAD || memcmp(s.data, "TZif", 4) != 0) {
        return WEIR_ERROR;
    }

    h->isutcnt = weir_policy_be32(s.data + 20);
    h->isstdcnt = weir_policy_be32(s.data + 24);
    h->leapcnt = weir_policy_be32(s.data + 28);
    h->timecnt = weir_policy_be32(s.data + 32);
    h->typecnt = weir_policy_be32(s.data + 36);
    h->charcnt = weir_policy_be32(s.data + 40);

    return WEIR_OK;
}


static size_t
weir_policy_tzif_size(const weir_policy_tzif_t *h, size_t time)
{
    return (size_t) h->timecnt * time + h->timecnt + (size_t) h->typecnt * 6
           + h->charcnt + (size_t) h->leapcnt * (time + 4) + h->isstdcnt
           + h->isutcnt;
}


static int
weir_policy_tzif_data(weir_arena_t *arena, weir_str_t s,
    const weir_policy_tzif_t *h, weir_policy_zone_t *zone)
{
    int64_t         at, last;
    uint32_t        i, type;
    const uint8_t  *times, *indices, *types;

    times = s.data + WEIR_POLICY_TZIF_HEAD;
    indices = times + (size_t) h->timecnt * 8;
    types = indices + h->timecnt;

    zone->shifts = weir_arena_calloc(arena, h->timecnt
                                     + 2 * WEIR_POLICY_ZONE_LAST,
                                     sizeof(weir_policy_shift_t));
    if (zone->shifts == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < h->typecnt; i++) {

        /* RFC 9636, 3.2: more than a day is not to be expected */

        at = (int32_t) weir_policy_be32(types + i * 6);

        if (at <= -93600 || at >= 93600) {
            return WEIR_ERROR;
        }
    }

    zone->n = 0;
    zone->first = (int32_t) weir_policy_be32(types);
    last = INT64_MIN;

    /* behind what the file lists, the footer counts */

    for (i = 0; i < h->timecnt; i++) {
        at = weir_policy_be64(times + (size_t) i * 8);
        type = indices[i];

        if (type >= h->typecnt || (i != 0 && at <= last)) {
            return WEIR_ERROR;
        }

        last = at;

        weir_policy_zone_add(zone, at,
                             (int32_t) weir_policy_be32(types + type * 6));
    }

    zone->until = last;

    return WEIR_OK;
}


/*
 * "\n" TZ "\n": std offset [ dst [ offset ] "," start "," end ].  An empty
 * one leaves open what comes behind the last transition.
 */

static int
weir_policy_zone_footer(weir_str_t s, weir_policy_zone_t *zone)
{
    int32_t                year;
    int64_t                at[2], from;
    uint32_t               k, first;
    weir_policy_footer_t   f;

    memset(&f, 0, sizeof(weir_policy_footer_t));

    if (s.len < 2 || s.data[0] != '\n') {
        return WEIR_ERROR;
    }

    f.p = s.data + 1;
    f.end = memchr(f.p, '\n', s.len - 1);

    if (f.end == NULL) {
        return WEIR_ERROR;
    }

    from = zone->until;

    zone->until = weir_policy_days_before(WEIR_POLICY_ZONE_LAST) * 86400;

    if (f.p == f.end) {

        if (from == INT64_MIN) {
            return WEIR_ERROR;
        }

        zone->until = from;
        return WEIR_OK;
    }

    weir_policy_footer_name(&f);
    f.std = -weir_policy_footer_time(&f, 24);

    if (f.p < f.end) {
        f.dst = 1;
        weir_policy_footer_name(&f);

        f.summer = f.std + 3600;

        if (f.p < f.end && *f.p != ',') {
            f.summer = -weir_policy_footer_time(&f, 24);
        }

        weir_policy_footer_change(&f, &f.start);
        weir_policy_footer_change(&f, &f.stop);
    }

    if (f.bad || f.p != f.end) {
        return WEIR_ERROR;
    }

    if (!f.dst) {

        if (from == INT64_MIN) {
            zone->first = f.std;
        }

        return WEIR_OK;
    }

    year = 1970;

    while (from != INT64_MIN && year < WEIR_POLICY_ZONE_LAST
           && weir_policy_days_before(year + 1) * 86400 <= from - 2 * 86400)
    {
        year++;
    }

    for ( /* void */ ; year < WEIR_POLICY_ZONE_LAST; year++) {

        at[0] = weir_policy_change_at(&f.start, year) - f.std;
        at[1] = weir_policy_change_at(&f.stop, year) - f.summer;

        first = at[1] < at[0];

        for (k = 0; k < 2; k++, first ^= 1) {
            if (at[first] > from) {
                weir_policy_zone_add(zone, at[first],
                                     first == 0 ? f.summer : f.std);
            }
        }
    }

    return WEIR_OK;
}


/* Letters, or anything in angle brackets. */

static void
weir_policy_footer_name(weir_policy_footer_t *f)
{
    const uint8_t  *start;

    start = f->p;

    if (f->p < f->end && *f->p == '<') {

        while (f->p < f->end && *f->p != '>') {
            f->p++;
        }

        f->bad |= f->p == f->end;
        f->p += f->p < f->end;
        return;
    }

    while (f->p < f->end
           && ((*f->p >= 'a' && *f->p <= 'z') || (*f->p >= 'A'
                                                  && *f->p <= 'Z')))
    {
        f->p++;
    }

    f->bad |= f->p == start;
}


/* [ "+" | "-" ] HH [ ":" MM [ ":" SS ] ] in seconds */

static int32_t
weir_policy_footer_time(weir_policy_footer_t *f, int32_t most)
{
    int32_t  sign, seconds, unit;

    sign = 1;

    if (f->p < f->end && (*f->p == '+' || *f->p == '-')) {
        sign = *f->p++ == '-' ? -1 : 1;
    }

    seconds = weir_policy_footer_number(f, 0, most) * 3600;

    for (unit = 60; unit != 0 && f->p < f->end && *f->p == ':'; unit /= 60) {
        f->p++;
        seconds += weir_policy_footer_number(f, 0, 59) * unit;
    }

    return sign * seconds;
}


/* "," ( "M" m "." w "." d | "J" n | n ) [ "/" time ] */

static void
weir_policy_footer_change(weir_policy_footer_t *f,
    weir_policy_change_t *change)
{
    if (f->p == f->end || *f->p != ',') {
        f->bad = 1;
        return;
    }

    f->p++;

    change->kind = 'N';

    if (f->p < f->end && (*f->p == 'M' || *f->p == 'J')) {
        change->kind = *f->p++;
    }

    if (change->kind == 'M') {
        change->month = weir_policy_footer_number(f, 1, 12);
        f->bad |= f->p == f->end || *f->p != '.';
        f->p += f->p < f->end;
        change->week = weir_policy_footer_number(f, 1, 5);
        f->bad |= f->p == f->end || *f->p != '.';
        f->p += f->p < f->end;
        change->day = weir_policy_footer_number(f, 0, 6);

    } else {
        change->day = weir_policy_footer_number(f, change->kind == 'J', 365);
    }

    change->time = 7200;

    if (f->p < f->end && *f->p == '/') {
        f->p++;
        change->time = weir_policy_footer_time(f, 167);
    }
}


static int32_t
weir_policy_footer_number(weir_policy_footer_t *f, int32_t least, int32_t most)
{
    int32_t         n;
    const uint8_t  *start;

    n = 0;
    start = f->p;

    while (f->p < f->end && *f->p >= '0' && *f->p <= '9'
           && f->p - start < 4)
    {
        n = n * 10 + (*f->p++ - '0');
    }

    f->bad |= f->p == start || n < least || n > most;

    return f->bad ? least : n;
}


/* Local seconds since the epoch, as if the zone were UTC. */

static int64_t
weir_policy_change_at(const weir_policy_change_t *change, int32_t year)
{
    int32_t  day, length, weekday, i;

    static const int32_t  months[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    day = change->day;

    if (change->kind == 'J') {

        /* 29 February is never counted */

        day -= !(weir_policy_leap(year) && day >= 60);

    } else if (change->kind == 'M') {

        day = 0;

        for (i = 0; i + 1 < change->month; i++) {
            day += months[i] + (i == 1 && weir_policy_leap(year));
        }

        length = months[i] + (i == 1 && weir_policy_leap(year));

        /* 1 January 1970 was a Thursday; 0 is Sunday here */

        weekday = (int32_t) ((weir_policy_days_before(year) + day + 4) % 7);
        i = (change->day - weekday + 7) % 7 + (change->week - 1) * 7;

        while (i >= length) {
            i -= 7;
        }

        day += i;
    }

    return (weir_policy_days_before(year) + day) * 86400 + change->time;
}


/* Days from 1 January 1970 to that of a year not before. */

static int64_t
weir_policy_days_before(int32_t year)
{
    int64_t  y;

    y = year - 1;

    return (int64_t) (year - 1970) * 365 + (y / 4 - y / 100 + y / 400)
           - (1969 / 4 - 1969 / 100 + 1969 / 400);
}


static int
weir_policy_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}


/* What changes nothing is left out. */

static void
weir_policy_zone_add(weir_policy_zone_t *zone, int64_t at, int32_t offset)
{
    int32_t  now;

    now = zone->n == 0 ? zone->first : zone->shifts[zone->n - 1].offset;

    if (now == offset) {
        return;
    }

    zone->shifts[zone->n].at = at;
    zone->shifts[zone->n].offset = offset;
    zone->n++;
}


static uint32_t
weir_policy_be32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static int64_t
weir_policy_be64(const uint8_t *p)
{
    return (int64_t) ((uint64_t) weir_policy_be32(p) << 32
                      | weir_policy_be32(p + 4));
}
