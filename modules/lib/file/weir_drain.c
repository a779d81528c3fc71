
/*
 * Weir: a gateway drained by two files of one line each.
 */

#include "weir_file_posix.h"

#include <inttypes.h>
#include <stdlib.h>

#include "weir_drain.h"
#include "weir_file_io.h"


#define WEIR_DRAIN_LINE  256
#define WEIR_DRAIN_WORDS 7


typedef struct {
    weir_str_t  words[WEIR_DRAIN_WORDS];
    unsigned    n;
} weir_drain_line_t;


static weir_store_code_e weir_drain_read(const char *dir, const char *name,
    char *text, weir_drain_line_t *line, weir_store_err_t *err);
static weir_store_code_e weir_drain_write(const char *dir, const char *name,
    const char *text, unsigned flags, weir_store_err_t *err);
static int weir_drain_split(weir_drain_line_t *line, const char *text,
    size_t len);
static int weir_drain_word(char *dst, size_t max, weir_str_t s);
static int weir_drain_id(char *dst, weir_str_t s);
static weir_store_code_e weir_drain_corrupt(const char *dir, const char *name,
    weir_store_err_t *err);


weir_store_code_e
weir_drain_request(const char *dir, weir_drain_t *d, weir_store_err_t *err)
{
    char                text[WEIR_DRAIN_LINE];
    weir_drain_line_t   line;
    weir_store_code_e   rc;

    memset(d, 0, sizeof(weir_drain_t));

    rc = weir_drain_read(dir, "drain", text, &line, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (line.n != 5
        || !weir_str_eq(line.words[0], weir_str("weir-drain"))
        || !weir_str_eq(line.words[1], weir_str("1"))
        || weir_drain_id(d->run, line.words[2]) != WEIR_OK
        || weir_drain_id(d->nonce, line.words[3]) != WEIR_OK)
    {
        return weir_drain_corrupt(dir, "drain", err);
    }

    d->draining = weir_str_eq(line.words[4], weir_str("on"));

    if (!d->draining && !weir_str_eq(line.words[4], weir_str("off"))) {
        return weir_drain_corrupt(dir, "drain", err);
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_drain_ask(const char *dir, const weir_drain_t *d, weir_store_err_t *err)
{
    char  text[WEIR_DRAIN_LINE];

    snprintf(text, sizeof(text), "weir-drain 1 %s %s %s\n", d->run, d->nonce,
             d->draining ? "on" : "off");

    return weir_drain_write(dir, "drain", text, WEIR_FILE_UNSYNCED, err);
}


weir_store_code_e
weir_drain_answer(const char *dir, weir_drain_t *d, weir_store_err_t *err)
{
    char                text[WEIR_DRAIN_LINE], number[24], *end;
    weir_drain_line_t   line;
    weir_store_code_e   rc;

    memset(d, 0, sizeof(weir_drain_t));

    rc = weir_drain_read(dir, "gateway", text, &line, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    if (line.n != 7
        || !weir_str_eq(line.words[0], weir_str("weir-gateway"))
        || !weir_str_eq(line.words[1], weir_str("1"))
        || weir_drain_word(d->node, sizeof(d->node), line.words[2]) != WEIR_OK
        || weir_drain_id(d->run, line.words[3]) != WEIR_OK
        || (!weir_str_eq(line.words[4], weir_str("-"))
            && weir_drain_id(d->nonce, line.words[4]) != WEIR_OK)
        || weir_drain_word(number, sizeof(number), line.words[6]) != WEIR_OK)
    {
        return weir_drain_corrupt(dir, "gateway", err);
    }

    d->draining = weir_str_eq(line.words[5], weir_str("draining"));
    d->in_flight = strtoull(number, &end, 10);

    if (*end != '\0'
        || (!d->draining
            && !weir_str_eq(line.words[5], weir_str("serving"))))
    {
        return weir_drain_corrupt(dir, "gateway", err);
    }

    return WEIR_STORE_OK;
}


weir_store_code_e
weir_drain_tell(const char *dir, const weir_drain_t *d, weir_store_err_t *err)
{
    char  text[WEIR_DRAIN_LINE];

    snprintf(text, sizeof(text), "weir-gateway 1 %s %s %s %s %" PRIu64 "\n",
             d->node, d->run, d->nonce[0] != '\0' ? d->nonce : "-",
             d->draining ? "draining" : "serving", d->in_flight);

    return weir_drain_write(dir, "gateway", text,
                            WEIR_FILE_UNSYNCED | WEIR_FILE_PRIVATE, err);
}


static weir_store_code_e
weir_drain_read(const char *dir, const char *name, char *text,
    weir_drain_line_t *line, weir_store_err_t *err)
{
    weir_str_t         bytes;
    weir_arena_t       arena;
    weir_file_dir_t    d;
    weir_store_code_e  rc;

    rc = weir_file_dir(&d, dir, 0, err);

    if (rc != WEIR_STORE_OK) {
        return rc;
    }

    weir_arena_init(&arena, &weir_alloc_malloc, 0);

    rc = weir_file_get(&d, name, &arena, WEIR_DRAIN_LINE - 1, &bytes, err);

    if (rc == WEIR_STORE_OK) {
        memcpy(text, bytes.data, bytes.len);

        if (weir_drain_split(line, text, bytes.len) != WEIR_OK) {
            rc = weir_drain_corrupt(dir, name, err);
        }
    }

    weir_arena_done(&arena);
    weir_file_dir_close(&d);

    return rc;
}


static weir_store_code_e
weir_drain_write(const char *dir, const char *name, const char *text,
    unsigned flags, weir_store_err_t *err)
{
    weir_file_dir_t    d;
    weir_store_code_e  rc;

    rc = weir_file_dir(&d, dir, 0, err);

    if (rc == WEIR_STORE_OK) {
        rc = weir_file_put(&d, name, weir_cstr(text), flags, err);
        weir_file_dir_close(&d);
    }

    return rc;
}


/* Words between single blanks; one line, and nothing behind it. */

static int
weir_drain_split(weir_drain_line_t *line, const char *text, size_t len)
{
    size_t  i, begin;

    line->n = 0;

    if (len == 0 || text[len - 1] != '\n') {
        return WEIR_ERROR;
    }

    for (begin = 0, i = 0; i < len; i++) {

        if (text[i] != ' ' && i != len - 1) {

            if ((unsigned char) text[i] <= 0x20
                || (unsigned char) text[i] >= 0x7f)
            {
                return WEIR_ERROR;
            }

            continue;
        }

        if (i == begin || line->n == WEIR_DRAIN_WORDS) {
            return WEIR_ERROR;
        }

        line->words[line->n].data = (const uint8_t *) text + begin;
        line->words[line->n].len = i - begin;
        line->n++;

        begin = i + 1;
    }

    return WEIR_OK;
}


static int
weir_drain_word(char *dst, size_t max, weir_str_t s)
{
    if (s.len >= max) {
        return WEIR_ERROR;
    }

    memcpy(dst, s.data, s.len);
    dst[s.len] = '\0';

    return WEIR_OK;
}


static int
weir_drain_id(char *dst, weir_str_t s)
{
    size_t  i;

    if (s.len != WEIR_DRAIN_ID) {
        return WEIR_ERROR;
    }

    for (i = 0; i < s.len; i++) {
        if (!((s.data[i] >= '0' && s.data[i] <= '9')
              || (s.data[i] >= 'a' && s.data[i] <= 'f')))
        {
            return WEIR_ERROR;
        }
    }

    return weir_drain_word(dst, WEIR_DRAIN_ID + 1, s);
}


static weir_store_code_e
weir_drain_corrupt(const char *dir, const char *name, weir_store_err_t *err)
{
    return weir_store_fail(err, WEIR_STORE_CORRUPT, 0,
                           "%s/%s: is not what is written there", dir, name);
}
