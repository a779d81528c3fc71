
/*
 * weirctl: what gateways say of themselves, each a JSON object in the store.
 * Nobody has signed it: it is shown and compared, never believed more than
 * that.
 */

#include <stdlib.h>

#include "weir_time.h"
#include "weirctl_fleet.h"


static int weirctl_gateways_later(const void *one, const void *two);
static int weirctl_gateway(weirctl_fleet_t *f, weirctl_gateways_t *all,
    const weir_store_entry_t *e);
static void weirctl_gateway_read(weirctl_gateway_t *g, int64_t now);
static const char *weirctl_gateway_word(const json_t *object,
    const char *name);
static uint64_t weirctl_gateway_number(const json_t *object,
    const char *name);


int
weirctl_gateways(weirctl_fleet_t *f, weirctl_gateways_t *g)
{
    int                 rc;
    uint32_t            i;
    weir_store_err_t    err;
    weir_store_list_t   list;

    memset(g, 0, sizeof(weirctl_gateways_t));

    weir_arena_init(&g->arena, &weir_alloc_malloc, 0);

    if (f->store->ops->reports(f->store, &g->arena, WEIRCTL_REPORTS, &list,
                               &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    /* names that come and go leave reports for a day: the latest count */

    if (list.n > WEIRCTL_GATEWAYS) {
        qsort(list.entries, list.n, sizeof(weir_store_entry_t),
              weirctl_gateways_later);

        weirctl_note(f->ctl, "there are %u reports, the latest %d count",
                     list.n, WEIRCTL_GATEWAYS);
        list.n = WEIRCTL_GATEWAYS;
    }

    g->list = weir_arena_calloc(&g->arena, list.n + 1,
                                sizeof(weirctl_gateway_t));

    if (g->list == NULL) {
        return weirctl_nomem();
    }

    for (i = 0; i < list.n; i++) {
        rc = weirctl_gateway(f, g, &list.entries[i]);

        if (rc != WEIRCTL_GO_ON) {
            return rc;
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_gateways_later(const void *one, const void *two)
{
    int64_t  a, b;

    a = ((const weir_store_entry_t *) one)->written;
    b = ((const weir_store_entry_t *) two)->written;

    return a > b ? -1 : a < b;
}


void
weirctl_gateways_done(weirctl_gateways_t *g)
{
    uint32_t  i;

    for (i = 0; i < g->n; i++) {
        json_decref(g->list[i].report);
    }

    weir_arena_done(&g->arena);
}


static int
weirctl_gateway(weirctl_fleet_t *f, weirctl_gateways_t *all,
    const weir_store_entry_t *e)
{
    char               *why;
    int64_t             now;
    weir_str_t          text, s;
    weir_store_err_t    err;
    weir_store_code_e   rc;
    weirctl_gateway_t  *g;

    now = weirctl_now();
    g = &all->list[all->n];

    g->node = e->name;
    g->undated = e->written == 0;
    g->age = now > e->written ? now - e->written : 0;
    g->hash = "";
    g->trust = "";

    rc = f->store->ops->report(f->store, &all->arena, e->name,
                               WEIRCTL_REPORT_MAX, &text, &err);

    if (rc == WEIR_STORE_MISSING) {
        return WEIRCTL_GO_ON;
    }

    if (rc == WEIR_STORE_NOMEM) {
        return weirctl_nomem();
    }

    all->n++;

    if (rc == WEIR_STORE_OK) {
        g->report = json_loadb((const char *) text.data, text.len,
                               JSON_REJECT_DUPLICATES, NULL);

        if (json_is_object(g->report)) {
            weirctl_gateway_read(g, now);
            g->live = g->age <= WEIRCTL_LIVE_S;
            return WEIRCTL_GO_ON;
        }

        json_decref(g->report);
        g->report = NULL;
        (void) weir_err(&err.err, "the report is no JSON object");
    }

    s.data = (const uint8_t *) err.err.text;
    s.len = strlen(err.err.text) + 1;
    why = (char *) weir_arena_copy(&all->arena, s).data;

    g->error = why != NULL ? why : "the report is not readable";
    g->live = g->age <= WEIRCTL_LIVE_S;

    return WEIRCTL_GO_ON;
}


static void
weirctl_gateway_read(weirctl_gateway_t *g, int64_t now)
{
    void          *i;
    int64_t        when;
    json_t        *bundle, *error, *splits, *store, *waiting;
    weir_str_t     s;
    const char    *text;

    text = weirctl_gateway_word(g->report, "time");
    s = weir_cstr(text);

    /* a report that was copied hither is as old as it says it is */

    if (weir_time_parse(s, &when) == WEIR_OK
        && (g->undated || now - when > g->age))
    {
        g->undated = 0;
        g->age = now > when ? now - when : 0;
    }

    bundle = json_object_get(g->report, "bundle");
    store = json_object_get(g->report, "store");
    error = json_object_get(bundle, "error");
    waiting = json_object_get(store, "waiting");

    g->release = weirctl_gateway_word(g->report, "version");
    g->uptime = weirctl_gateway_number(g->report, "uptime_s");
    g->in_flight = weirctl_gateway_number(g->report, "in_flight");
    g->draining = json_is_true(json_object_get(g->report, "draining"));
    g->waiting = weirctl_gateway_number(waiting, "version");
    g->waits = weirctl_gateway_word(waiting, "activate_at");

    g->version = weirctl_gateway_number(bundle, "version");
    g->hash = weirctl_gateway_word(bundle, "hash");
    g->trust = weirctl_gateway_word(bundle, "trust");

    if (json_is_object(error)) {
        g->reason = weirctl_gateway_word(error, "reason");
        g->message = weirctl_gateway_word(error, "message");
        g->refused = weirctl_gateway_number(error, "version");
    }

    if (strcmp(weirctl_gateway_word(store, "state"), "down") == 0) {
        error = json_object_get(store, "error");
        g->down = weirctl_gateway_word(error, "reason");
        g->down_message = weirctl_gateway_word(error, "message");
    }

    splits = json_object_get(g->report, "splits");

    for (i = json_object_iter(splits);
         i != NULL && g->split_reason == NULL;
         i = json_object_iter_next(splits, i))
    {
        error = json_object_get(json_object_iter_value(i), "error");

        if (json_is_object(error)) {
            g->split = json_object_iter_key(i);
            g->split_reason = weirctl_gateway_word(error, "reason");
            g->split_message = weirctl_gateway_word(error, "message");
        }
    }
}


static const char *
weirctl_gateway_word(const json_t *object, const char *name)
{
    const char  *s;

    s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}


static uint64_t
weirctl_gateway_number(const json_t *object, const char *name)
{
    json_int_t  n;

    n = json_integer_value(json_object_get(object, name));

    return n > 0 ? (uint64_t) n : 0;
}


json_t *
weirctl_gateway_split(const weirctl_gateway_t *g, const char *name)
{
    json_t  *split;

    split = json_object_get(json_object_get(g->report, "splits"), name);

    return json_is_object(split) ? split : NULL;
}


/* "fences" say it all; without them there is what is in effect. */

int
weirctl_gateway_fence(const weirctl_gateway_t *g, const char *name,
    uint64_t *version, uint64_t *epoch, const char **hash)
{
    json_t  *fence;

    fence = json_object_get(json_object_get(g->report, "fences"), name);

    *epoch = weirctl_gateway_number(fence, "epoch");
    *hash = weirctl_gateway_word(fence, "hash");
    *version = weirctl_gateway_number(fence, "version");

    if (*version != 0) {
        return 1;
    }

    *epoch = 0;
    *hash = "";

    if (strcmp(name, "bundle/" WEIR_BUNDLE_ID) == 0) {
        *version = g->version;
        *hash = g->hash;

    } else if (strncmp(name, "split/", 6) == 0) {
        *version = weirctl_gateway_number(weirctl_gateway_split(g, name + 6),
                                          "rev");
    }

    return *version != 0;
}
