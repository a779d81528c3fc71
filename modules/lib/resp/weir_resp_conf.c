
/*
 * Weir: the words that name a Redis, read and compared with each other.
 */

#include "weir_resp_conf.h"
#include "weir_addr.h"
#include "weir_time.h"


#define WEIR_RESP_PORT           6379
#define WEIR_RESP_SENTINEL_PORT  26379
#define WEIR_RESP_MS_MAX         3600000    /* an hour */


typedef enum {
    sw_string,
    sw_ms,
    sw_on
} weir_resp_option_e;

typedef struct {
    weir_str_t          name;       /* with the = */
    weir_resp_option_e  type;
    size_t              offset;     /* of sw_on: 0 cluster, 1 tls */
} weir_resp_option_t;

#define weir_resp_option(name, type, offset)                                  \
    { { sizeof(name), (const uint8_t *) (name "=") }, type, offset }


static const weir_resp_option_t  weir_resp_options[] = {
    weir_resp_option("namespace", sw_string, offsetof(weir_resp_conf_t, ns)),
    weir_resp_option("user", sw_string, offsetof(weir_resp_conf_t, user)),
    weir_resp_option("password_file", sw_string,
                     offsetof(weir_resp_conf_t, password_file)),
    weir_resp_option("sentinel_password_file", sw_string,
                     offsetof(weir_resp_conf_t, sentinel_password_file)),
    weir_resp_option("ca", sw_string, offsetof(weir_resp_conf_t, ca)),
    weir_resp_option("cert", sw_string, offsetof(weir_resp_conf_t, cert)),
    weir_resp_option("key", sw_string, offsetof(weir_resp_conf_t, key)),
    weir_resp_option("connect_timeout", sw_ms,
                     offsetof(weir_resp_conf_t, connect_ms)),
    weir_resp_option("handshake_timeout", sw_ms,
                     offsetof(weir_resp_conf_t, handshake_ms)),
    weir_resp_option("timeout", sw_ms,
                     offsetof(weir_resp_conf_t, timeout_ms)),
    weir_resp_option("poll", sw_ms, offsetof(weir_resp_conf_t, poll_ms)),
    weir_resp_option("cluster", sw_on, 0),
    weir_resp_option("tls", sw_on, 1)
};

#define WEIR_RESP_NOPTIONS                                                    \
    (sizeof(weir_resp_options) / sizeof(weir_resp_option_t))


static int weir_resp_conf_hosts(weir_resp_conf_t *c, weir_str_t list,
    weir_str_t url, weir_err_t *err);
static int weir_resp_conf_host(weir_str_t s, uint16_t port,
    weir_resp_host_t *host);
static int weir_resp_conf_name(weir_str_t s);
static int weir_resp_conf_value(weir_resp_conf_t *c,
    const weir_resp_option_t *o, weir_str_t value, weir_str_t word,
    weir_err_t *err);
static int weir_resp_begins(weir_str_t *s, weir_str_t prefix);


int
weir_resp_conf_url(weir_resp_conf_t *c, weir_str_t url, weir_err_t *err)
{
    weir_str_t      list;
    const uint8_t  *slash;

    memset(c, 0, sizeof(weir_resp_conf_t));

    c->ns = weir_str("weir");
    c->connect_ms = 500;
    c->handshake_ms = 1000;
    c->timeout_ms = 1000;
    c->poll_ms = 1000;

    list = url;

    if (weir_resp_begins(&list, weir_str("rediss://"))) {
        c->tls = 1;

    } else if (weir_resp_begins(&list, weir_str("sentinel://"))) {
        c->sentinel = 1;

    } else if (!weir_resp_begins(&list, weir_str("redis://"))) {
        return WEIR_DECLINED;
    }

    if (list.len != 0 && memchr(list.data, '@', list.len) != NULL) {

        /* the text may end up in a log: quote nothing of it */

        return weir_err(err, "credentials do not belong into the address of "
                        "a store: use user= and password_file=");
    }

    slash = list.len ? memchr(list.data, '/', list.len) : NULL;

    if (slash != NULL) {
        c->master.data = slash + 1;
        c->master.len = list.len - (size_t) (slash + 1 - list.data);
        list.len = (size_t) (slash - list.data);
    }

    if (c->sentinel) {

        if (c->master.len == 0 || !weir_resp_conf_name(c->master)) {
            return weir_err(err, "\"%.*s\" names no master: "
                            "sentinel://HOST,HOST/MASTER", (int) url.len,
                            url.data);
        }

    } else if (c->master.len != 0) {
        return weir_err(err, "\"%.*s\" has a path, which a store has not",
                        (int) url.len, url.data);
    }

    return weir_resp_conf_hosts(c, list, url, err);
}


static int
weir_resp_conf_hosts(weir_resp_conf_t *c, weir_str_t list, weir_str_t url,
    weir_err_t *err)
{
    uint16_t        port;
    weir_str_t      one;
    const uint8_t  *comma;

    port = c->sentinel ? WEIR_RESP_SENTINEL_PORT : WEIR_RESP_PORT;

    for ( ;; ) {
        comma = list.len ? memchr(list.data, ',', list.len) : NULL;

        one = list;

        if (comma != NULL) {
            one.len = (size_t) (comma - list.data);
        }

        if (c->nhosts == WEIR_RESP_HOSTS_MAX) {
            return weir_err(err, "more than %d hosts in \"%.*s\"",
                            WEIR_RESP_HOSTS_MAX, (int) url.len, url.data);
        }

        if (weir_resp_conf_host(one, port, &c->hosts[c->nhosts]) != WEIR_OK) {
            return weir_err(err, "invalid host \"%.*s\" in \"%.*s\"",
                            (int) one.len, one.data, (int) url.len, url.data);
        }

        c->nhosts++;

        if (comma == NULL) {
            return WEIR_OK;
        }

        list.len -= one.len + 1;
        list.data += one.len + 1;
    }
}


static int
weir_resp_conf_host(weir_str_t s, uint16_t port, weir_resp_host_t *host)
{
    size_t          i;
    uint32_t        n;
    weir_str_t      tail;
    weir_addr_t     addr;
    const uint8_t  *end;

    host->port = port;
    host->host = s;

    if (s.len != 0 && s.data[0] == '[') {
        end = memchr(s.data, ']', s.len);

        if (end == NULL) {
            return WEIR_ERROR;
        }

        host->host.data = s.data + 1;
        host->host.len = (size_t) (end - s.data) - 1;

        if (weir_addr_parse(host->host, &addr) != WEIR_OK) {
            return WEIR_ERROR;
        }

        tail.data = end + 1;

    } else {
        end = s.len ? memchr(s.data, ':', s.len) : NULL;
        tail.data = end == NULL ? s.data + s.len : end;
        host->host.len = (size_t) (tail.data - s.data);

        if (!weir_resp_conf_name(host->host)) {
            return WEIR_ERROR;
        }
    }

    tail.len = s.len - (size_t) (tail.data - s.data);

    if (tail.len == 0) {
        return WEIR_OK;
    }

    if (tail.data[0] != ':' || tail.len < 2 || tail.len > 6) {
        return WEIR_ERROR;
    }

    for (i = 1, n = 0; i < tail.len; i++) {

        if (tail.data[i] < '0' || tail.data[i] > '9') {
            return WEIR_ERROR;
        }

        n = n * 10 + (uint32_t) (tail.data[i] - '0');
    }

    if (n == 0 || n > 65535) {
        return WEIR_ERROR;
    }

    host->port = (uint16_t) n;

    return WEIR_OK;
}


/* Letters, digits, dots, dashes, underscores: hosts, and Sentinel's masters. */

static int
weir_resp_conf_name(weir_str_t s)
{
    size_t   i;
    uint8_t  c;

    if (s.len == 0 || s.len > WEIR_RESP_HOST_MAX) {
        return 0;
    }

    for (i = 0; i < s.len; i++) {
        c = s.data[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_')
        {
            return 0;
        }
    }

    return 1;
}


int
weir_resp_conf_option(weir_resp_conf_t *c, weir_str_t word, weir_err_t *err)
{
    size_t                     i;
    weir_str_t                 value;
    const weir_resp_option_t  *o;

    if (weir_str_eq(word, weir_str("insecure"))) {
        c->insecure = 1;
        return WEIR_OK;
    }

    for (i = 0; i < WEIR_RESP_NOPTIONS; i++) {
        o = &weir_resp_options[i];
        value = word;

        if (!weir_resp_begins(&value, o->name)) {
            continue;
        }

        if (c->seen & (1u << i)) {
            return weir_err(err, "\"%.*s\" is duplicate", (int) word.len,
                            word.data);
        }

        c->seen |= 1u << i;

        return weir_resp_conf_value(c, o, value, word, err);
    }

    return WEIR_DECLINED;
}


static int
weir_resp_conf_value(weir_resp_conf_t *c, const weir_resp_option_t *o,
    weir_str_t value, weir_str_t word, weir_err_t *err)
{
    int       on;
    int64_t  *ms;

    if (value.len == 0 || memchr(value.data, '\0', value.len) != NULL) {
        return weir_err(err, "\"%.*s\" has no value", (int) word.len,
                        word.data);
    }

    switch (o->type) {

    case sw_string:
        memcpy((char *) c + o->offset, &value, sizeof(weir_str_t));
        return WEIR_OK;

    case sw_ms:
        ms = (int64_t *) (void *) ((char *) c + o->offset);

        if (weir_duration_parse(value, ms) != WEIR_OK || *ms <= 0
            || *ms > WEIR_RESP_MS_MAX)
        {
            return weir_err(err, "invalid time in \"%.*s\"", (int) word.len,
                            word.data);
        }

        return WEIR_OK;

    default:
        on = weir_str_eq(value, weir_str("on"));

        if (!on && !weir_str_eq(value, weir_str("off"))) {
            return weir_err(err, "\"%.*s\" is neither on nor off",
                            (int) word.len, word.data);
        }

        if (o->offset == 0) {
            c->cluster = on ? 1 : 0;

        } else if (!on && c->tls) {
            return weir_err(err, "\"%.*s\" contradicts rediss://",
                            (int) word.len, word.data);

        } else {
            c->tls = on ? 1 : 0;
        }

        return WEIR_OK;
    }
}


int
weir_resp_conf_done(const weir_resp_conf_t *c, weir_err_t *err)
{
    size_t    i;
    uint8_t   ch;
    unsigned  n;

    for (i = 0; i < c->ns.len; i++) {
        ch = c->ns.data[i];

        if ((ch < 'a' || ch > 'z') && (ch < '0' || ch > '9')
            && (i == 0 || (ch != '_' && ch != '-')))
        {
            break;
        }
    }

    if (i == 0 || i != c->ns.len || i > 63) {
        return weir_err(err, "invalid namespace \"%.*s\"", (int) c->ns.len,
                        c->ns.data);
    }

    if (c->cluster && c->sentinel) {
        return weir_err(err, "\"cluster=on\" and sentinel:// exclude each "
                        "other");
    }

    if (c->nhosts > 1 && !c->cluster && !c->sentinel) {
        return weir_err(err, "more than one host needs \"cluster=on\"");
    }

    if (!c->tls && (c->ca.len != 0 || c->cert.len != 0 || c->key.len != 0)) {
        return weir_err(err, "ca=, cert= and key= need %s", c->sentinel
                        ? "\"tls=on\"" : "rediss://");
    }

    if ((c->cert.len != 0) != (c->key.len != 0)) {
        return weir_err(err, "cert= and key= need each other");
    }

    if (c->user.len != 0 && c->password_file.len == 0) {
        return weir_err(err, "user= needs password_file=");
    }

    if (c->sentinel_password_file.len != 0 && !c->sentinel) {
        return weir_err(err, "sentinel_password_file= needs sentinel://");
    }

    for (n = 0; n < c->nhosts; n++) {

        if (!weir_resp_conf_permits(c, c->hosts[n].host)) {
            return weir_err(err, "\"%.*s\" is another machine: use %s, or "
                            "write \"insecure\"", (int) c->hosts[n].host.len,
                            c->hosts[n].host.data,
                            c->sentinel ? "\"tls=on\"" : "rediss://");
        }
    }

    return WEIR_OK;
}


int
weir_resp_conf_permits(const weir_resp_conf_t *c, weir_str_t host)
{
    weir_addr_t  addr;

    static const uint8_t  ip6[16] = { [15] = 1 };

    if (c->tls || c->insecure
        || weir_str_caseeq(host, weir_str("localhost")))
    {
        return 1;
    }

    if (weir_addr_parse(host, &addr) != WEIR_OK) {
        return 0;
    }

    if (weir_addr_is_ipv4(&addr)) {
        return addr.bytes[12] == 127;
    }

    return memcmp(addr.bytes, ip6, 16) == 0;
}


static int
weir_resp_begins(weir_str_t *s, weir_str_t prefix)
{
    if (s->len < prefix.len
        || memcmp(s->data, prefix.data, prefix.len) != 0)
    {
        return 0;
    }

    s->data += prefix.len;
    s->len -= prefix.len;

    return 1;
}
