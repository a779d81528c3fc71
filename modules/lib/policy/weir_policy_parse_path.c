
/*
 * Weir: path patterns: literal segments, "*", "**" and "{name}".
 */

#include "weir_policy_lex.h"


static int weir_policy_segment(weir_policy_parser_t *ps,
    weir_policy_loc_t loc, weir_str_t text, weir_policy_what_t *what);
static int weir_policy_segment_literal(weir_policy_parser_t *ps,
    weir_policy_loc_t loc, weir_str_t text);
static int weir_policy_escaped(const uint8_t *p, size_t len);


int
weir_policy_parse_path(weir_policy_parser_t *ps, weir_policy_loc_t loc,
    weir_str_t text, weir_policy_what_t *what)
{
    size_t               i, start, n;
    weir_str_t           seg;
    weir_policy_loc_t    at;

    what->loc = loc;
    what->nsegs = 0;

    if (text.len == 0 || text.data[0] != '/') {
        weir_policy_error(ps->c, loc, "a path begins with \"/\"");
        return WEIR_ERROR;
    }

    n = 1;

    for (i = 1; i < text.len; i++) {
        n += text.data[i] == '/';
    }

    if (n > WEIR_PATH_MAX_SEGMENTS + 1) {
        weir_policy_error(ps->c, loc, "a path has at most %d segments",
                          WEIR_PATH_MAX_SEGMENTS);
        return WEIR_ERROR;
    }

    what->segs = weir_policy_alloc(ps->c, n * sizeof(weir_policy_seg_t));
    if (what->segs == NULL) {
        return WEIR_ERROR;
    }

    /* one final "/" is ignored, a second one is an empty segment */

    if (text.len > 1 && text.data[text.len - 1] == '/'
        && text.data[text.len - 2] != '/')
    {
        text.len--;
    }

    start = 1;

    for (i = 1; i <= text.len && text.len > 1; i++) {

        if (i < text.len && text.data[i] != '/') {
            continue;
        }

        seg.data = text.data + start;
        seg.len = i - start;

        /* a place inside a string with escapes is the string's own */

        at = loc;

        if (ps->src.data + loc.offset == text.data) {
            at.offset += (uint32_t) start;
        }

        if (weir_policy_segment(ps, at, seg, what) != WEIR_OK) {
            return WEIR_ERROR;
        }

        start = i + 1;
    }

    if (what->nsegs > WEIR_PATH_MAX_SEGMENTS) {
        weir_policy_error(ps->c, loc, "a path has at most %d segments",
                          WEIR_PATH_MAX_SEGMENTS);
        return WEIR_ERROR;
    }

    return WEIR_OK;
}


static int
weir_policy_segment(weir_policy_parser_t *ps, weir_policy_loc_t loc,
    weir_str_t text, weir_policy_what_t *what)
{
    uint32_t            i;
    weir_str_t          name;
    weir_policy_seg_t  *seg;

    seg = &what->segs[what->nsegs++];
    seg->text = text;
    seg->kind = WEIR_POLICY_SEG_LITERAL;

    if (text.len == 0) {
        weir_policy_error(ps->c, loc, "a path has no empty segment: \"//\"");
        return WEIR_ERROR;
    }

    if (weir_str_eq(text, weir_str("*"))) {
        seg->kind = WEIR_POLICY_SEG_ONE;
        return WEIR_OK;
    }

    if (weir_str_eq(text, weir_str("**"))) {
        seg->kind = WEIR_POLICY_SEG_ANY;

        for (i = 0; i + 1 < what->nsegs; i++) {
            if (what->segs[i].kind == WEIR_POLICY_SEG_ANY) {
                weir_policy_error(ps->c, loc, "a path has at most one "
                                  "\"**\"; a segment x anywhere is found by "
                                  "request.path like \"*/x/*\"");
                return WEIR_ERROR;
            }
        }

        return WEIR_OK;
    }

    if (text.data[0] == '{' && text.data[text.len - 1] == '}') {

        name.data = text.data + 1;
        name.len = text.len - 2;

        if (weir_policy_is_id(name)) {
            seg->kind = WEIR_POLICY_SEG_CAPTURE;
            seg->text = name;

            for (i = 0; i + 1 < what->nsegs; i++) {
                if (what->segs[i].kind == WEIR_POLICY_SEG_CAPTURE
                    && weir_str_eq(what->segs[i].text, name))
                {
                    weir_policy_error(ps->c, loc, "{%.*s} is duplicate in this "
                                      "path", weir_policy_s(name));
                    return WEIR_ERROR;
                }
            }

            return WEIR_OK;
        }
    }

    return weir_policy_segment_literal(ps, loc, text);
}


/* What no request can have in a segment is an error, not a dead rule. */

static int
weir_policy_segment_literal(weir_policy_parser_t *ps, weir_policy_loc_t loc,
    weir_str_t text)
{
    size_t  i;

    if (weir_str_eq(text, weir_str(".")) || weir_str_eq(text, weir_str("..")))
    {
        weir_policy_error(ps->c, loc, "\"%.*s\" may not stand in a path: "
                          "requests that have it are refused",
                          weir_policy_s(text));
        return WEIR_ERROR;
    }

    for (i = 0; i < text.len; i++) {

        switch (text.data[i]) {

        case '*':
            weir_policy_error(ps->c, loc, "\"%.*s\": \"*\" and \"**\" are "
                              "whole segments", weir_policy_s(text));
            return WEIR_ERROR;

        case '{':
        case '}':
            weir_policy_error(ps->c, loc, "\"%.*s\": a capture is a whole "
                              "segment, {NAME}", weir_policy_s(text));
            return WEIR_ERROR;

        case '?':
            weir_policy_error(ps->c, loc, "a path holds no \"?\"; the query is "
                              "read by query(\"name\")");
            return WEIR_ERROR;

        case '%':
            if (weir_policy_escaped(text.data + i, text.len - i)) {
                weir_policy_error(ps->c, loc, "\"%.*s\": paths are matched "
                                  "decoded; write the character for %.3s",
                                  weir_policy_s(text),
                                  (const char *) text.data + i);
                return WEIR_ERROR;
            }

            break;

        default:
            if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
                weir_policy_error(ps->c, loc, "a path holds no control "
                                  "character");
                return WEIR_ERROR;
            }

            break;
        }
    }

    return WEIR_OK;
}


static int
weir_policy_escaped(const uint8_t *p, size_t len)
{
    size_t   i;
    uint8_t  ch;

    if (len < 3) {
        return 0;
    }

    for (i = 1; i < 3; i++) {
        ch = p[i] | 0x20;

        if ((p[i] < '0' || p[i] > '9') && (ch < 'a' || ch > 'f')) {
            return 0;
        }
    }

    return 1;
}
