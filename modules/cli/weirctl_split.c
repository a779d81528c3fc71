
/*
 * weirctl split: weights that gateways take live, and back to those of
 * nginx.conf.
 */

#include "weir_split.h"
#include "weirctl_fleet.h"


/* What the gateways know of a split; live ones count, if there are any. */

typedef struct {
    const char  *name;
    unsigned     known;                 /* by so many */
    unsigned     live;                  /* of these; others do not count */
} weirctl_known_t;


static int weirctl_split_show(weirctl_t *ctl);
static int weirctl_split_set(weirctl_t *ctl);
static int weirctl_split_reset(weirctl_t *ctl);
static int weirctl_split_change(weirctl_t *ctl, int set);
static int weirctl_split_known(const weirctl_gateways_t *g,
    const char *name, weirctl_known_t *k);
static int weirctl_split_colours(const weirctl_gateways_t *g,
    const weirctl_known_t *k, const weir_document_t *doc);
static int weirctl_split_weights(weirctl_fleet_t *f, weir_document_t *doc,
    int n, char **args);
static int weirctl_split_publish(weirctl_fleet_t *f, weirctl_gateways_t *g,
    const char *name, int set, int n, char **args, int no_wait);
static int weirctl_split_wait(weirctl_fleet_t *f,
    const weirctl_gateways_t *g, const weirctl_wanted_t *w, int no_wait);
static int weirctl_split_document(weirctl_fleet_t *f,
    const weir_store_entry_t *e, json_t *object);
static int weirctl_split_json(weirctl_fleet_t *f, const char *only,
    json_t **object);
static void weirctl_split_text(const json_t *all);
static json_t *weirctl_split_gateways(const weirctl_gateways_t *g,
    const char *name);


const weirctl_verb_t  weirctl_split_verbs[] = {
    { "show", "[NAME]", "weights in the store and in the gateways",
      weirctl_split_show, NULL },
    { "set", "NAME COLOUR=N%...", "publish weights", weirctl_split_set,
      NULL },
    { "reset", "NAME", "back to the weights of nginx.conf",
      weirctl_split_reset, NULL },
    weirctl_verbs_end
};


static int
weirctl_split_set(weirctl_t *ctl)
{
    return weirctl_split_change(ctl, 1);
}


static int
weirctl_split_reset(weirctl_t *ctl)
{
    return weirctl_split_change(ctl, 0);
}


static int
weirctl_split_change(weirctl_t *ctl, int set)
{
    int                      rc, no_wait;
    weirctl_fleet_t          f;
    weirctl_gateways_t       g;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    memset(&g, 0, sizeof(weirctl_gateways_t));
    no_wait = 0;

    const weirctl_option_t  options[] = {
        weirctl_options_publish(&o),
        { "no-wait", WEIRCTL_FLAG, &no_wait, NULL,
          "do not wait for the gateways" },
        weirctl_options_end
    };

    rc = weirctl_options(ctl, set
                         ? "N is 0 to 100 in steps of 0.01; COLOUR=* takes "
                         "what the others leave.  Colours\nthat are not named "
                         "get nothing, but for the one that nginx.conf gives "
                         "the rest.\nThe split and its colours must be known "
                         "to the gateways.  Then waits 5 s for all\nlive "
                         "ones that have it.  Exit: 0, or 1 if nothing was "
                         "published, or a gateway\nrefuses it or lags."
                         : "The weights of nginx.conf hold again.  Waits as "
                         "\"split set\" does.",
                         options, set ? 2 : 1, set ? 64 : 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_gateways(&f, &g);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_split_publish(&f, &g, ctl->argv[0], set, ctl->argc - 1,
                                   ctl->argv + 1, no_wait);
    }

    weirctl_gateways_done(&g);
    weirctl_fleet_done(&f);

    return rc;
}


static int
weirctl_split_publish(weirctl_fleet_t *f, weirctl_gateways_t *g,
    const char *name, int set, int n, char **args, int no_wait)
{
    int                rc, len;
    char               id[WEIR_DOCUMENT_NAME_MAX];
    uint8_t            hash[WEIR_SHA256_LEN];
    weir_str_t         s, deleted;
    weirctl_doc_t      d;
    weirctl_last_t     last;
    weir_document_t    doc;
    weirctl_known_t    known;
    weirctl_wanted_t   wanted;

    s = weir_cstr(name);

    if (!weir_document_id_valid(WEIR_KIND_SPLIT, s)) {
        return weirctl_error("invalid name of a split \"%s\"", name);
    }

    rc = weirctl_split_known(g, name, &known);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_doc_fetch(f, &d, WEIR_KIND_SPLIT, s);
    }

    if (rc == WEIRCTL_GO_ON && !set
        && (!d.there || (d.readable
                         && d.doc.kind == WEIR_KIND_TOMBSTONE)))
    {
        (void) weirctl_error("split \"%s\" has no weights in the store",
                             name);
        rc = WEIRCTL_NO;
    }

    if (rc == WEIRCTL_GO_ON) {
        len = snprintf(id, sizeof(id), "split/%s", name);

        deleted.data = (const uint8_t *) id;
        deleted.len = (size_t) len;

        rc = weirctl_last(f, &last, &d, id, g);
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_doc_next(f, &doc, set ? WEIR_KIND_SPLIT
                                           : WEIR_KIND_TOMBSTONE,
                              set ? s : deleted, &last);
    }

    if (rc == WEIRCTL_GO_ON && set) {
        rc = weirctl_split_weights(f, &doc, n, args);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_split_colours(g, &known, &doc);
        }
    }

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_live_publish(f, &doc, weir_kind_word(WEIR_KIND_SPLIT),
                                  s, &d, hash);
    }

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (!f->ctl->json && !f->ctl->quiet) {
        printf("split %s version %llu%s\n", name,
               (unsigned long long) doc.version,
               set ? "" : ": weights of nginx.conf");
    }

    wanted.name = id;
    wanted.version = doc.version;
    wanted.hash = hash;
    wanted.activate_at = 0;

    return weirctl_split_wait(f, g, &wanted, no_wait);
}


static int
weirctl_split_wait(weirctl_fleet_t *f, const weirctl_gateways_t *g,
    const weirctl_wanted_t *w, int no_wait)
{
    int                  rc, print;
    json_t              *array;
    weirctl_hash_t       hash;
    weirctl_gateways_t   after;

    rc = WEIRCTL_YES;
    array = json_array();
    weirctl_hash(&hash, w->hash);

    if (!no_wait) {
        rc = weirctl_wait(f, w, g, &after);

        if (rc == WEIRCTL_GO_ON) {
            rc = weirctl_wait_print(f, w, g, &after, array);
        }

        weirctl_gateways_done(&after);
    }

    if (!f->ctl->json) {
        json_decref(array);
        return rc;
    }

    print = weirctl_print_json(json_pack("{s:I, s:s, s:o}", "version",
                                         (json_int_t) w->version, "hash",
                                         hash.text, "gateways", array));

    return print == WEIRCTL_GO_ON ? rc : print;
}


static int
weirctl_split_known(const weirctl_gateways_t *g, const char *name,
    weirctl_known_t *k)
{
    uint32_t  i;

    memset(k, 0, sizeof(weirctl_known_t));

    k->name = name;

    for (i = 0; i < g->n; i++) {
        if (weirctl_gateway_split(&g->list[i], name) != NULL) {
            k->known++;
            k->live += g->list[i].live;
        }
    }

    if (k->known == 0) {
        (void) weirctl_error("unknown split \"%s\": no gateway reports it",
                             name);
        return WEIRCTL_NO;
    }

    return WEIRCTL_GO_ON;
}


/* Every gateway that has the split must have its colours. */

static int
weirctl_split_colours(const weirctl_gateways_t *g, const weirctl_known_t *k,
    const weir_document_t *doc)
{
    json_t                   *split, *colours;
    size_t                    all;
    uint32_t                  i, j, sum;
    weir_str_t                colour;
    const weirctl_gateway_t  *gw;

    sum = 0;

    for (j = 0; j < doc->nweights; j++) {
        sum += doc->weights[j].weight;
    }

    for (i = 0; i < g->n; i++) {
        gw = &g->list[i];

        if (k->live != 0 && !gw->live) {
            continue;
        }

        split = weirctl_gateway_split(gw, k->name);

        if (split == NULL) {
            continue;
        }

        colours = json_object_get(split, "colours");
        all = json_object_size(colours);

        for (j = 0; j < doc->nweights; j++) {
            colour = doc->weights[j].colour;

            if (json_object_get(colours, (const char *) colour.data)
                == NULL)
            {
                (void) weirctl_error("split \"%s\" has no colour \"%.*s\" on "
                                     "gateway %.*s", k->name,
                                     (int) colour.len, colour.data,
                                     (int) gw->node.len, gw->node.data);
                return WEIRCTL_NO;
            }
        }

        /* the rest is among them, and nothing is left over for it */

        if (doc->nweights == all && sum != WEIR_WEIGHTS_WHOLE) {
            (void) weirctl_error("all colours of split \"%s\" are named, and "
                                 "are not 100%% together", k->name);
            return WEIRCTL_NO;
        }
    }

    return WEIRCTL_GO_ON;
}


static int
weirctl_split_weights(weirctl_fleet_t *f, weir_document_t *doc, int n,
    char **args)
{
    int              i, j, rest;
    char            *value;
    uint32_t         sum, weight;
    weir_str_t       s;
    weir_weight_t   *w, swap;

    if (n > WEIR_DOCUMENT_WEIGHTS) {
        return weirctl_error("more than %d colours", WEIR_DOCUMENT_WEIGHTS);
    }

    w = weir_arena_calloc(&f->arena, (size_t) n, sizeof(weir_weight_t));

    if (w == NULL) {
        return weirctl_nomem();
    }

    sum = 0;
    rest = -1;

    for (i = 0; i < n; i++) {
        value = strchr(args[i], '=');

        if (value == NULL) {
            return weirctl_error("\"%s\" is not COLOUR=N%%", args[i]);
        }

        *value++ = '\0';

        w[i].colour = weir_cstr(args[i]);

        s = weir_cstr(value);

        switch (weir_split_weight(s, &weight)) {

        case WEIR_OK:
            w[i].weight = weight;
            sum += weight;
            break;

        case WEIR_DECLINED:
            if (rest != -1) {
                return weirctl_error("\"*\" is duplicate");
            }

            rest = i;
            break;

        default:
            return weirctl_error("invalid weight \"%s\" of colour \"%s\"",
                                 value, args[i]);
        }

        for (j = 0; j < i; j++) {
            if (weir_str_eq(w[j].colour, w[i].colour)) {
                return weirctl_error("colour \"%s\" is duplicate", args[i]);
            }
        }
    }

    if (sum > WEIR_WEIGHTS_WHOLE) {
        (void) weirctl_error("the weights are more than 100%% together");
        return WEIRCTL_NO;
    }

    if (rest != -1) {
        w[rest].weight = WEIR_WEIGHTS_WHOLE - sum;
    }

    for (i = 1; i < n; i++) {
        for (j = i; j > 0 && weir_str_cmp(w[j - 1].colour, w[j].colour) > 0;
             j--)
        {
            swap = w[j - 1];
            w[j - 1] = w[j];
            w[j] = swap;
        }
    }

    doc->weights = w;
    doc->nweights = (uint32_t) n;

    return WEIRCTL_GO_ON;
}


/* weirctl split show [NAME] */

static int
weirctl_split_show(weirctl_t *ctl)
{
    int                      rc;
    json_t                  *all;
    const char              *only;
    weirctl_fleet_t          f;
    weirctl_fleet_options_t  o;

    memset(&o, 0, sizeof(weirctl_fleet_options_t));
    o.reads = 1;

    const weirctl_option_t  options[] = {
        weirctl_option_store(&o),
        weirctl_option_trust(&o),
        weirctl_options_end
    };

    rc = weirctl_options(ctl, "What the store says, and what each gateway "
                         "does.", options, 0, 1);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    only = ctl->argc == 1 ? ctl->argv[0] : NULL;
    all = NULL;

    rc = weirctl_fleet(ctl, &f, &o, 0);

    if (rc == WEIRCTL_GO_ON) {
        rc = weirctl_split_json(&f, only, &all);
    }

    if (rc == WEIRCTL_GO_ON && only != NULL
        && json_object_size(all) == 0)
    {
        (void) weirctl_error("unknown split \"%s\"", only);
        rc = WEIRCTL_NO;
    }

    if (rc == WEIRCTL_GO_ON && ctl->json) {
        rc = weirctl_print_json(json_incref(all));

    } else if (rc == WEIRCTL_GO_ON) {
        weirctl_split_text(all);
    }

    json_decref(all);
    weirctl_fleet_done(&f);

    return rc == WEIRCTL_GO_ON ? WEIRCTL_YES : rc;
}


/* {NAME: {"store": {...} or null, "gateways": [...]}} */

static int
weirctl_split_json(weirctl_fleet_t *f, const char *only, json_t **object)
{
    int                  rc;
    json_t              *split;
    uint32_t             i;
    const char          *name;
    weir_store_err_t     err;
    weir_store_list_t    list;
    weirctl_gateways_t   g;

    *object = json_object();

    rc = weirctl_gateways(f, &g);

    for (i = 0; rc == WEIRCTL_GO_ON && i < g.n; i++) {
        json_object_foreach(json_object_get(g.list[i].report, "splits"),
                            name, split)
        {
            if ((only == NULL || strcmp(only, name) == 0)
                && json_object_get(*object, name) == NULL)
            {
                (void) json_object_set_new(*object, name,
                    json_pack("{s:n, s:o}", "store", "gateways",
                              weirctl_split_gateways(&g, name)));
            }
        }
    }

    weirctl_gateways_done(&g);

    if (rc != WEIRCTL_GO_ON) {
        return rc;
    }

    if (f->store->ops->lives(f->store, &f->arena,
                             weir_kind_word(WEIR_KIND_SPLIT), WEIRCTL_LIVES,
                             &list, &err)
        != WEIR_STORE_OK)
    {
        return weirctl_store_error(&err);
    }

    for (i = 0; rc == WEIRCTL_GO_ON && i < list.n; i++) {
        if (only == NULL
            || weir_str_eq(list.entries[i].name,
                           (weir_str_t) { strlen(only),
                                          (const uint8_t *) only }))
        {
            rc = weirctl_split_document(f, &list.entries[i], *object);
        }
    }

    return rc;
}


static json_t *
weirctl_split_gateways(const weirctl_gateways_t *g, const char *name)
{
    json_t    *array, *split, *item;
    uint32_t   i;

    array = json_array();

    for (i = 0; i < g->n; i++) {
        split = weirctl_gateway_split(&g->list[i], name);

        if (split != NULL) {
            item = json_copy(split);

            (void) json_object_set_new(item, "node",
                                       json_stringn((const char *)
                                                    g->list[i].node.data,
                                                    g->list[i].node.len));
            (void) json_object_set_new(item, "age_s",
                                       json_integer(g->list[i].age));
            (void) json_array_append_new(array, item);
        }
    }

    return array;
}


static int
weirctl_split_document(weirctl_fleet_t *f, const weir_store_entry_t *e,
    json_t *object)
{
    int             rc;
    char            name[WEIR_STORE_NAME_MAX + 1];
    json_t         *split, *doc, *weights;
    uint32_t        i;
    weirctl_doc_t   d;
    weirctl_hash_t  hash;
    weirctl_time_t  when;

    rc = weirctl_doc_fetch(f, &d, WEIR_KIND_SPLIT, e->name);

    if (rc != WEIRCTL_GO_ON || !d.there) {
        return rc;
    }

    snprintf(name, sizeof(name), "%.*s", (int) e->name.len, e->name.data);

    if (!d.readable || (f->checks && !d.verified)) {
        doc = json_pack("{s:s%, s:s}", "error",
                        (char *) weir_refusal_word(d.why).data,
                        weir_refusal_word(d.why).len, "message", d.err.text);

    } else {
        weirctl_hash(&hash, d.envelope.hash);
        weirctl_time(&when, d.doc.issued);
        weights = d.doc.kind == WEIR_KIND_SPLIT ? json_object() : json_null();

        for (i = 0; i < d.doc.nweights; i++) {
            (void) json_object_setn_new_nocheck(weights,
                (const char *) d.doc.weights[i].colour.data,
                d.doc.weights[i].colour.len,
                json_integer((json_int_t) d.doc.weights[i].weight));
        }

        doc = json_pack("{s:I, s:s, s:s, s:s%, s:s%, s:o}", "version",
                        (json_int_t) d.doc.version, "hash", hash.text,
                        "issued", when.text, "by", (char *) d.doc.by.data,
                        d.doc.by.len, "reason", (char *) d.doc.reason.data,
                        d.doc.reason.len, "weights", weights);
    }

    split = json_object_get(object, name);

    if (split == NULL) {
        split = json_pack("{s:n, s:[]}", "store", "gateways");

        if (json_object_set_new(object, name, split) != 0) {
            json_decref(doc);
            return weirctl_nomem();
        }
    }

    return json_object_set_new(split, "store", doc) != 0 ? weirctl_nomem()
                                                         : WEIRCTL_GO_ON;
}


static void
weirctl_split_text(const json_t *all)
{
    size_t       i;
    json_t      *split, *doc, *weight, *gateway, *colours;
    const char  *name, *colour, *source;

    json_object_foreach((json_t *) all, name, split) {
        weirctl_print(stdout, "%s", name);
        printf("\n  store:");

        doc = json_object_get(split, "store");

        if (json_is_null(doc)) {
            printf(" none, the weights of nginx.conf hold");

        } else if (json_object_get(doc, "error") != NULL) {
            weirctl_print(stdout, " %s",
                          json_string_value(json_object_get(doc,
                                                            "message")));

        } else {
            printf(" version %lld",
                   (long long) json_integer_value(json_object_get(doc,
                                                                  "version")));

            if (json_is_null(json_object_get(doc, "weights"))) {
                printf(", reset: the weights of nginx.conf hold");
            }

            json_object_foreach(json_object_get(doc, "weights"), colour,
                                weight)
            {
                weirctl_print(stdout, " %s=%.2f%%", colour,
                              (double) json_integer_value(weight) / 100);
            }
        }

        printf("\n");

        json_array_foreach(json_object_get(split, "gateways"), i, gateway) {
            source = json_string_value(json_object_get(gateway, "source"));

            weirctl_print(stdout, "  %s: %s rev %lld",
                          json_string_value(json_object_get(gateway,
                                                            "node")),
                          source != NULL ? source : "?",
                          (long long) json_integer_value(
                              json_object_get(gateway, "rev")));

            colours = json_object_get(gateway, "colours");

            json_object_foreach(colours, colour, weight) {
                weirctl_print(stdout, " %s=%.2f%%", colour,
                              json_number_value(json_object_get(weight,
                                                                "weight"))
                              * 100);
            }

            printf("\n");
        }
    }
}
