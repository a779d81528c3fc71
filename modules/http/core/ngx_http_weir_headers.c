
/*
 * Weir: surgery on the request's headers.
 *
 * proxy, grpc, fastcgi, uwsgi and scgi send every element of the list
 * headers_in.headers, whatever its hash, so a header that must not go on is
 * unlinked: the part that holds it is cut in two around it.  Elements never
 * move, because headers_in.authorization, ->next and others point to them.
 *
 * Two things keep nginx's own loops over the list right: a part without
 * elements never stays behind another one, and list->nalloc is lowered to the
 * last part's count, so that ngx_list_push() never writes behind a part that
 * was cut.
 */

#include "ngx_http_weir.h"
#include "weir_field.h"


static ngx_int_t ngx_http_weir_header_unlink(ngx_http_request_t *r,
    ngx_list_part_t *part, ngx_list_part_t *prev, ngx_uint_t i);
static void ngx_http_weir_header_forget(ngx_http_request_t *r,
    ngx_table_elt_t *h);
static ngx_uint_t ngx_http_weir_header_same(ngx_table_elt_t *h,
    ngx_str_t *name);


/* nginx's own pointers to single headers, of those that may be removed */

static size_t  ngx_http_weir_header_pointers[] = {
    offsetof(ngx_http_headers_in_t, authorization),
    offsetof(ngx_http_headers_in_t, upgrade),
    offsetof(ngx_http_headers_in_t, user_agent),
    offsetof(ngx_http_headers_in_t, referer),
    offsetof(ngx_http_headers_in_t, content_type),
    offsetof(ngx_http_headers_in_t, content_range),
    offsetof(ngx_http_headers_in_t, if_modified_since),
    offsetof(ngx_http_headers_in_t, if_unmodified_since),
    offsetof(ngx_http_headers_in_t, if_match),
    offsetof(ngx_http_headers_in_t, if_none_match),
    offsetof(ngx_http_headers_in_t, range),
    offsetof(ngx_http_headers_in_t, if_range),
    offsetof(ngx_http_headers_in_t, te),
    offsetof(ngx_http_headers_in_t, expect),
    offsetof(ngx_http_headers_in_t, keep_alive),
#if (NGX_HTTP_GZIP || NGX_HTTP_HEADERS)
    offsetof(ngx_http_headers_in_t, accept_encoding),
    offsetof(ngx_http_headers_in_t, via),
#endif
#if (NGX_HTTP_REALIP)
    offsetof(ngx_http_headers_in_t, x_real_ip),
#endif
#if (NGX_HTTP_HEADERS)
    offsetof(ngx_http_headers_in_t, accept),
    offsetof(ngx_http_headers_in_t, accept_language),
#endif
#if (NGX_HTTP_WEIR_HAVE_NEXT)
#if (NGX_HTTP_X_FORWARDED_FOR)
    offsetof(ngx_http_headers_in_t, x_forwarded_for),
#endif
    offsetof(ngx_http_headers_in_t, cookie),
#endif
};


#if !(NGX_HTTP_WEIR_HAVE_NEXT)

/* and its arrays of pointers */

static size_t  ngx_http_weir_header_arrays[] = {
#if (NGX_HTTP_X_FORWARDED_FOR)
    offsetof(ngx_http_headers_in_t, x_forwarded_for),
#endif
    offsetof(ngx_http_headers_in_t, cookies),
};

#endif


ngx_uint_t
ngx_http_weir_header_remove(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_http_weir_header_remove_if(r,
              (ngx_http_weir_header_test_pt) ngx_http_weir_header_same, name);
}


ngx_uint_t
ngx_http_weir_header_remove_if(ngx_http_request_t *r,
    ngx_http_weir_header_test_pt test, void *data)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part, *prev;
    ngx_table_elt_t  *h;

    i = 0;
    n = 0;
    prev = NULL;
    part = &r->headers_in.headers.part;

    for ( ;; ) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            prev = part;
            part = part->next;
            i = 0;
        }

        h = part->elts;

        if (!test(&h[i], data)) {
            i++;
            continue;
        }

        n++;

        /*
         * What follows is then at the same place: as element i of this part
         * or, when it was the part's last one, in the part behind.
         */

        switch (ngx_http_weir_header_unlink(r, part, prev, i)) {

        case NGX_OK:
            break;

        case NGX_DONE:

            /* the part went with its only element; one before it stays */

            if (prev == NULL) {
                return n;
            }

            part = prev;
            prev = NULL;
            i = part->nelts;
            break;

        default:

            /* no memory for the cut: no value goes on */

            h[i].value.len = 0;
            i++;
        }
    }

    return n;
}


static ngx_int_t
ngx_http_weir_header_unlink(ngx_http_request_t *r, ngx_list_part_t *part,
    ngx_list_part_t *prev, ngx_uint_t i)
{
    void             *elts;
    ngx_list_t       *list;
    ngx_list_part_t  *tail;
    ngx_table_elt_t  *h;

    list = &r->headers_in.headers;
    h = part->elts;

    if (part->nelts == 1) {

        if (prev) {
            prev->next = part->next;

            if (list->last == part) {
                list->last = prev;
            }

            list->nalloc = list->last->nelts;

            ngx_http_weir_header_forget(r, &h[i]);

            return NGX_DONE;

        } else if (part->next) {

            /* the head is a member of the list: take its successor's place */

            if (list->last == part->next) {
                list->last = part;
            }

            *part = *part->next;

        } else {
            elts = ngx_palloc(r->pool, 4 * sizeof(ngx_table_elt_t));
            if (elts == NULL) {
                return NGX_ERROR;
            }

            part->elts = elts;
            part->nelts = 0;
            list->nalloc = 4;

            ngx_http_weir_header_forget(r, &h[i]);

            return NGX_OK;
        }

    } else if (i == 0) {
        part->elts = &h[1];
        part->nelts--;

    } else if (i == part->nelts - 1) {
        part->nelts--;

    } else {
        tail = ngx_palloc(r->pool, sizeof(ngx_list_part_t));
        if (tail == NULL) {
            return NGX_ERROR;
        }

        tail->elts = &h[i + 1];
        tail->nelts = part->nelts - i - 1;
        tail->next = part->next;

        part->nelts = i;
        part->next = tail;

        if (list->last == part) {
            list->last = tail;
        }
    }

    list->nalloc = list->last->nelts;

    ngx_http_weir_header_forget(r, &h[i]);

    return NGX_OK;
}


static void
ngx_http_weir_header_forget(ngx_http_request_t *r, ngx_table_elt_t *h)
{
    ngx_uint_t         i, n;
    ngx_table_elt_t  **p;
#if !(NGX_HTTP_WEIR_HAVE_NEXT)
    ngx_uint_t         k;
    ngx_array_t       *a;
#endif

    n = sizeof(ngx_http_weir_header_pointers) / sizeof(size_t);

    for (i = 0; i < n; i++) {
        p = (ngx_table_elt_t **) ((u_char *) &r->headers_in
                                  + ngx_http_weir_header_pointers[i]);

#if (NGX_HTTP_WEIR_HAVE_NEXT)

        while (*p && *p != h) {
            p = &(*p)->next;
        }

        if (*p) {
            *p = h->next;
        }

#else

        if (*p == h) {
            *p = NULL;
        }

#endif
    }

#if !(NGX_HTTP_WEIR_HAVE_NEXT)

    n = sizeof(ngx_http_weir_header_arrays) / sizeof(size_t);

    for (i = 0; i < n; i++) {
        a = (ngx_array_t *) ((u_char *) &r->headers_in
                             + ngx_http_weir_header_arrays[i]);
        p = a->elts;

        for (k = 0; k < a->nelts; k++) {
            if (p[k] == h) {
                a->nelts--;
                ngx_memmove(&p[k], &p[k + 1],
                            (a->nelts - k) * sizeof(ngx_table_elt_t *));
                break;
            }
        }
    }

#endif
}


/* Of equal length.  What other modules append may lack a lowcase_key. */

static ngx_inline ngx_uint_t
ngx_http_weir_header_exact(ngx_table_elt_t *h, ngx_str_t *name)
{
    return h->lowcase_key
           && ngx_memcmp(h->lowcase_key, name->data, name->len) == 0;
}


/* name is lower case; "_" and "-" are the same */

static ngx_uint_t
ngx_http_weir_header_same(ngx_table_elt_t *h, ngx_str_t *name)
{
    return h->key.len == name->len
           && (ngx_http_weir_header_exact(h, name)
               || weir_field_same(ngx_http_weir_str(&h->key),
                                  ngx_http_weir_str(name)));
}


ngx_int_t
ngx_http_weir_header_set(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *lowcase, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    (void) ngx_http_weir_header_remove(r, lowcase);

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = ngx_hash_key(lowcase->data, lowcase->len);
    h->key = *name;
    h->value = *value;
    h->lowcase_key = lowcase->data;

    return NGX_OK;
}


ngx_uint_t
ngx_http_weir_header_find(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_uint_t             n;
    ngx_table_elt_t       *h;
    ngx_http_weir_walk_t   walk;

    n = 0;

    ngx_http_weir_walk(&walk, &r->headers_in.headers);

    for (h = ngx_http_weir_walk_next(&walk);
         h;
         h = ngx_http_weir_walk_next(&walk))
    {
        if (!ngx_http_weir_header_same(h, name)) {
            continue;
        }

        if (n++) {
            break;
        }

        *value = h->value;

        /* "x_a" is "x-a" to some upstreams, and another header to others */

        if (!ngx_http_weir_header_exact(h, name)
            && ngx_strncasecmp(h->key.data, name->data, name->len) != 0)
        {
            return 2;
        }
    }

    return n;
}


ngx_int_t
ngx_http_weir_header_out(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;

    return NGX_OK;
}
