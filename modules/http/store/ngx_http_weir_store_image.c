
/*
 * Weir: from a head that was accepted to an image: its segments, its files,
 * the compiler, and the check that nginx.conf can use what comes out.
 */

#include "ngx_http_weir_store.h"
#include "weir_bundle.h"
#include "weir_zoneinfo.h"


ngx_int_t
ngx_http_weir_store_fetch(ngx_http_weir_store_round_t *round,
    weir_store_t *store)
{
    uint32_t                      i;
    weir_str_t                    bytes;
    weir_segment_t               *segment;
    weir_document_t              *doc;
    weir_store_err_t              err;
    weir_store_code_e             rc;
    ngx_http_weir_store_found_t  *head;

    head = &round->head;
    doc = &head->accept.doc;

    if (round->conf->redis
        && ngx_http_weir_store_redis_want(doc->segments, doc->nsegments)
           != NGX_OK)
    {
        ngx_http_weir_store_no(head, WEIR_REFUSAL_TRUNCATED,
                               "its segments are to be fetched");
        return NGX_ERROR;
    }

    round->nsegments = doc->nsegments;
    round->segments = weir_arena_calloc(&round->arena, doc->nsegments + 1,
                                        sizeof(weir_store_segment_t));
    if (round->segments == NULL) {
        goto nomem;
    }

    for (i = 0; i < doc->nsegments; i++) {
        segment = &doc->segments[i];

        ngx_memcpy(round->segments[i].hash, segment->hash, WEIR_STORE_HASH);

        rc = store->ops->segment(store, &round->arena, segment->hash,
                                 segment->size, &round->segments[i].bytes,
                                 &err);

        switch (rc) {

        case WEIR_STORE_OK:
            break;

        case WEIR_STORE_NOMEM:
            goto nomem;

        case WEIR_STORE_CORRUPT:
            bytes = round->segments[i].bytes;

            ngx_http_weir_store_no(head,
                                   bytes.data && bytes.len < segment->size
                                       ? WEIR_REFUSAL_TRUNCATED
                                       : WEIR_REFUSAL_BAD_SIGNATURE,
                                   "%s", err.err.text);
            return NGX_ERROR;

        case WEIR_STORE_TOO_LARGE:
            ngx_http_weir_store_no(head, WEIR_REFUSAL_TOO_LARGE, "%s",
                                   err.err.text);
            return NGX_ERROR;

        default:
            ngx_http_weir_store_no(head, WEIR_REFUSAL_TRUNCATED,
                                   "segment %u of %u is not there: %s",
                                   (unsigned) i + 1,
                                   (unsigned) doc->nsegments, err.err.text);
            return NGX_ERROR;
        }
    }

    return NGX_OK;

nomem:

    head->verdict = NGX_HTTP_WEIR_STORE_NOTHING;
    round->code = weir_store_fail(&round->err, WEIR_STORE_NOMEM, 0,
                                  "out of memory");
    return NGX_ERROR;
}


ngx_int_t
ngx_http_weir_store_image(ngx_http_weir_store_round_t *round,
    ngx_uint_t lenient)
{
    int                           rc;
    size_t                        room;
    uint32_t                      i, n;
    weir_unpack_t                 unpack;
    weir_refusal_e                why;
    weir_zoneinfo_t               zi;
    weir_policy_bundle_t          bundle;
    weir_policy_source_t         *files;
    ngx_http_weir_store_found_t  *head;

    head = &round->head;
    rc = WEIR_OK;
    n = 0;
    files = NULL;

    weir_unpack_init(&unpack, &round->arena, &head->accept.doc);

    for (i = 0; rc == WEIR_OK && i < round->nsegments; i++) {
        rc = weir_unpack_segment(&unpack, round->segments[i].bytes,
                                 &head->why, &head->err);
    }

    if (rc == WEIR_OK) {
        rc = weir_unpack_files(&unpack, &files, &n, &head->why, &head->err);
    }

    if (rc == WEIR_NOMEM) {
        goto nomem;
    }

    /* its bytes are what they were signed to be: they alone are the reason */

    head->final = 1;

    if (rc != WEIR_OK) {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        return NGX_ERROR;
    }

    weir_zoneinfo(&zi, &round->arena, WEIR_ZONEINFO);

    rc = weir_bundle_compile(&bundle, &round->arena, files, n, &zi.zones,
                             &head->why, &head->err);

    if (rc == WEIR_NOMEM) {
        goto nomem;
    }

    if (rc != WEIR_OK) {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        return NGX_ERROR;
    }

    room = ngx_http_weir_policy_image_room(round->conf->policy);

    if (bundle.size > room) {
        ngx_http_weir_store_no(head, WEIR_REFUSAL_TOO_LARGE,
                               "the image has %zu bytes, a generation %zu; "
                               "enlarge it with \"weir_zone SIZE policies="
                               "SIZE\"", bundle.size, room);
        return NGX_ERROR;
    }

    why = ngx_http_weir_policy_fits(round->conf->policy, bundle.image,
                                    lenient, &head->err);

    if (why != WEIR_REFUSAL_NONE) {
        head->verdict = NGX_HTTP_WEIR_STORE_REFUSE;
        head->why = why;
        return NGX_ERROR;
    }

    round->image = bundle.image;
    round->size = bundle.size;

    return NGX_OK;

nomem:

    head->final = 0;
    head->verdict = NGX_HTTP_WEIR_STORE_NOTHING;
    round->code = weir_store_fail(&round->err, WEIR_STORE_NOMEM, 0,
                                  "out of memory");
    return NGX_ERROR;
}
