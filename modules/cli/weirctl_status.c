
/*
 * weirctl status: which gateway runs which bundle, and why not.
 */

#include "weirctl_fleet.h"


#define WEIRCTL_WHY  1024


static int weirctl_status_fetch(weirctl_fleet_t *f, weirctl_doc_t *head);
static const char *weirctl_status_of(const weirctl_gateway_t *g,
    const weirctl_doc_t *head);
static int weirctl_status_waits(const weirctl_doc_t *head);
static json_t *weirctl_status_head(const weirctl_doc_t *head);
static void weirctl_status_uptime(uint64_t s);
static void weirctl_status_why(char *text, size_t size,
    const weirctl_gateway_t *g, const char *state);
static int weirctl_status_json(const weirctl_fleet_t *f,
    const weirctl_doc_t *head, const weirctl_gateways_t *g);
static void weirctl_status_text(const weirctl_fleet_t *f,
    const weirctl_doc_t *head, const weirctl_gateways_t *g);
static int weirctl_status_down(const weirctl_fleet_t *f);


int
weirctl_status(weirctl_t *ctl)
{
    int                      rc;
    uint32_t                 i;
    weirctl_doc_t            head;
    weirctl_fleet_t          f;
    weirctl_gateways_t       g;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;

    const weirctl_option_t  options[] = {
        weirctl_option_store(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "Exit: 0 if all gateways run the head's bundle, "
                         "else 1; 3 if the store cannot be\nreached.  A "
                         "gateway that was not heard of for 15 s is lost.",
                         options, 0, 0);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_status_fetch(&f, &head);
    }

    if (rc != WEIRCTL_GO_ON) {

        if (rc == WEIRCTL_STORE && ctl->json) {
            rc = weirctl_status_down(&f);
        }

        weirctl_fleet_done(&f);

        return rc;
    }

    rc = weirctl_gateways(&f, &g);

    if (rc == WEIRCTL_GO_ON) {
        rc = WEIRCTL_YES;

        if (ctl->json) {
            rc = weirctl_status_json(&f, &head, &g);
            rc = rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;

        } else if (!ctl->quiet) {
            weirctl_status_text(&f, &head, &g);
        }

        for (i = 0; rc == WEIRCTL_YES && i < g.n; i++) {
            if (strcmp(weirctl_status_of(&g.list[i], &head), "current")
                != 0)
            {
                rc = WEIRCTL_NO;
            }
        }

        if (rc == WEIRCTL_YES && head.there && !head.readable) {
            rc = WEIRCTL_NO;
        }
    }

    weirctl_gateways_done(&g);
    weirctl_fleet_done(&f);

    return rc;
}


/* What is in the head's place and is no head is told beside the gateways. */

static int
weirctl_status_fetch(weirctl_fleet_t *f, weirctl_doc_t *head)
{
    weir_str_t        text;
    weir_store_err_t  err;

    memset(head, 0, sizeof(weirctl_doc_t));

    switch (f->store->ops->head(f->store, &f->arena, WEIR_ENVELOPE_MAX, &text,
                                &err))
    {
    case WEIR_STORE_OK:
        return weirctl_doc_read(f, &f->arena, head, text);

    case WEIR_STORE_MISSING:
        return WEIRCTL_GO_ON;

    case WEIR_STORE_TOO_LARGE:
    case WEIR_STORE_WRONG_TYPE:
    case WEIR_STORE_CORRUPT:
        head->there = 1;
        head->err = err.err;
        return WEIRCTL_GO_ON;

    default:
        return weirctl_store_error(&err);
    }
}


static const char *
weirctl_status_of(const weirctl_gateway_t *g, const weirctl_doc_t *head)
{
    weirctl_hash_t  hash;

    if (!g->live) {
        return "lost";
    }

    if (g->report == NULL || g->reason != NULL || g->split_reason != NULL) {
        return "error";
    }

    if (!head->readable) {
        return g->version == 0 ? "current" : "error";
    }

    if (g->version != head->doc.version) {
        return g->version < head->doc.version ? "behind" : "error";
    }

    weirctl_hash(&hash, head->envelope.hash);

    return strcmp(g->hash, hash.text) == 0 ? "current" : "error";
}


/* 1: its activate_at is not there yet. */

static int
weirctl_status_waits(const weirctl_doc_t *head)
{
    return head->readable && head->doc.has_activate_at
           && head->doc.activate_at > weirctl_now();
}


static json_t *
weirctl_status_head(const weirctl_doc_t *head)
{
    json_t          *object;
    weirctl_hash_t   hash;
    weirctl_time_t   at;

    if (!head->readable) {
        return json_null();
    }

    weirctl_hash(&hash, head->envelope.hash);

    object = json_pack("{s:I, s:s}", "version",
                       (json_int_t) head->doc.version, "hash", hash.text);

    if (weirctl_status_waits(head)) {
        weirctl_time(&at, head->doc.activate_at);
        (void) json_object_set_new(object, "activate_at",
                                   json_string(at.text));
    }

    return object;
}


/* The two largest units. */

static void
weirctl_status_uptime(uint64_t s)
{
    unsigned long long  n = s;

    if (n >= 86400) {
        printf("  up %llud%lluh", n / 86400, n % 86400 / 3600);

    } else if (n >= 3600) {
        printf("  up %lluh%llum", n / 3600, n % 3600 / 60);

    } else {
        printf("  up %llum%llus", n / 60, n % 60);
    }
}


/*
 * Why a gateway is not what it should be; an empty one: it is, or nobody
 * knows.  Reports are of others: what is shown of them is made harmless.
 */

static void
weirctl_status_why(char *text, size_t size, const weirctl_gateway_t *g,
    const char *state)
{
    text[0] = '\0';

    if (g->error != NULL) {
        snprintf(text, size, "%s", g->error);

    } else if (g->reason != NULL) {
        snprintf(text, size, "%s%s%s", g->reason,
                 g->message[0] != '\0' ? ": " : "", g->message);

    } else if (g->split_reason != NULL) {
        snprintf(text, size, "split %s: %s: %s", g->split, g->split_reason,
                 g->split_message);

    } else if (strcmp(state, "behind") == 0 && g->waiting != 0) {
        snprintf(text, size, "version %llu waits until %s",
                 (unsigned long long) g->waiting, g->waits);

    } else if (g->down != NULL) {
        snprintf(text, size, "its store is down%s%s%s%s",
                 g->down[0] != '\0' ? ": " : "", g->down,
                 g->down_message[0] != '\0' ? ": " : "", g->down_message);

    } else if (strcmp(state, "error") == 0) {
        snprintf(text, size, "it runs what the store does not have");
    }
}


/* A report goes out as it came, with what we make of it. */

static int
weirctl_status_json(const weirctl_fleet_t *f, const weirctl_doc_t *head,
    const weirctl_gateways_t *g)
{
    char         why[WEIRCTL_WHY];
    json_t      *array, *item;
    uint32_t     i;
    const char  *state;

    array = json_array();

    for (i = 0; i < g->n; i++) {
        item = g->list[i].report != NULL ? json_copy(g->list[i].report)
               : json_pack("{s:s}", "error", g->list[i].error);

        (void) json_object_set_new(item, "node",
                                   json_stringn((const char *)
                                                g->list[i].node.data,
                                                g->list[i].node.len));
        (void) json_object_set_new(item, "age_s",
                                   g->list[i].undated ? json_null()
                                   : json_integer(g->list[i].age));

        state = weirctl_status_of(&g->list[i], head);
        weirctl_status_why(why, sizeof(why), &g->list[i], state);

        (void) json_object_set_new(item, "state", json_string(state));
        (void) json_object_set_new(item, "why",
                                   why[0] == '\0' ? json_null()
                                   : json_string(why));

        if (json_array_append_new(array, item) != 0) {
            json_decref(array);
            return weirctl_nomem();
        }
    }

    return weirctl_print_json(json_pack("{s:{s:s, s:s}, s:o, s:o}", "store",
                                        "url", f->url, "state", "up",
                                        "head", weirctl_status_head(head),
                                        "gateways", array));
}


static int
weirctl_status_down(const weirctl_fleet_t *f)
{
    if (f->url != NULL) {
        (void) weirctl_print_json(json_pack("{s:{s:s, s:s}, s:n, s:[]}",
                                            "store", "url", f->url, "state",
                                            "down", "head", "gateways"));
    }

    return WEIRCTL_STORE;
}


static void
weirctl_status_text(const weirctl_fleet_t *f, const weirctl_doc_t *head,
    const weirctl_gateways_t *g)
{
    char                      why[WEIRCTL_WHY];
    uint32_t                  i;
    const char               *state;
    weirctl_hash_t            hash;
    weirctl_time_t            at;
    const weirctl_gateway_t  *gw;

    printf("store %s, ", f->url);

    if (head->readable) {
        weirctl_hash(&hash, head->envelope.hash);
        printf("bundle %llu %s", (unsigned long long) head->doc.version,
               hash.text);

        if (weirctl_status_waits(head)) {
            weirctl_time(&at, head->doc.activate_at);
            printf(", in effect from %s on", at.text);
        }

        printf("\n");

    } else if (head->there) {
        weirctl_print(stdout, "bundle unreadable: %s", head->err.text);
        printf("\n");

    } else {
        printf("no bundle\n");
    }

    for (i = 0; i < g->n; i++) {
        gw = &g->list[i];
        state = weirctl_status_of(gw, head);
        weirctl_status_why(why, sizeof(why), gw, state);

        printf("%-24.*s %-8s %6llu", (int) gw->node.len, gw->node.data,
               state, (unsigned long long) gw->version);

        if (gw->undated) {
            printf("  undated");

        } else {
            printf("  %llds ago", (long long) gw->age);
        }

        if (gw->uptime != 0) {
            weirctl_status_uptime(gw->uptime);
        }

        if (gw->draining) {
            printf("  draining, %llu in flight",
                   (unsigned long long) gw->in_flight);
        }

        if (why[0] != '\0') {
            weirctl_print(stdout, "  %s", why);
        }

        printf("\n");
    }

    if (g->n == 0) {
        printf("no gateway has reported\n");
    }
}
