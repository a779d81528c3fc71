
/*
 * Weir: commands as they go on the wire, and what error replies mean.
 */

#include <hiredis/hiredis.h>

#include "weir_resp.h"


typedef struct {
    weir_str_t         prefix;
    weir_resp_error_e  error;
} weir_resp_prefix_t;


#define weir_resp_prefix(s, e)                                                \
    { { sizeof(s) - 1, (const uint8_t *) (s) }, WEIR_RESP_E_##e }


/* By what an error begins with; the longer one first. */

static const weir_resp_prefix_t  weir_resp_prefixes[] = {
    weir_resp_prefix("WRONGTYPE ", WRONGTYPE),
    weir_resp_prefix("NOAUTH ", NOAUTH),
    weir_resp_prefix("WRONGPASS ", WRONGPASS),
    weir_resp_prefix("ERR invalid password", WRONGPASS),
    weir_resp_prefix("ERR AUTH <password> called without", WRONGPASS),
    weir_resp_prefix("NOPERM ", NOPERM),
    weir_resp_prefix("READONLY ", READONLY),
    weir_resp_prefix("OOM ", OOM),
    weir_resp_prefix("MISCONF ", MISCONF),
    weir_resp_prefix("NOREPLICAS ", NOREPLICAS),
    weir_resp_prefix("LOADING ", LOADING),
    weir_resp_prefix("BUSY ", BUSY),
    weir_resp_prefix("MASTERDOWN ", MASTERDOWN),
    weir_resp_prefix("ERR max number of clients", MAXCLIENTS),
    weir_resp_prefix("DENIED ", DENIED),
    weir_resp_prefix("UNBLOCKED ", UNBLOCKED),
    weir_resp_prefix("MOVED ", MOVED),
    weir_resp_prefix("ASK ", ASK),
    weir_resp_prefix("TRYAGAIN ", TRYAGAIN),
    weir_resp_prefix("CLUSTERDOWN ", CLUSTERDOWN),
    weir_resp_prefix("CROSSSLOT ", CROSSSLOT),
    weir_resp_prefix("EXECABORT ", EXECABORT),
    weir_resp_prefix("NOPROTO ", NOPROTO)
};


static const char  *const weir_resp_error_words[] = {
    "none", "error", "wrong-type", "no-auth", "wrong-password",
    "no-permission", "read-only", "out-of-memory", "not-persisting",
    "no-replicas", "loading", "busy", "master-down", "too-many-clients",
    "protected-mode", "unblocked", "moved", "ask", "try-again",
    "cluster-down", "cross-slot", "aborted", "protocol-version", "missing",
    "conflict", "unexpected-reply"
};


int
weir_resp_command(weir_arena_t *a, const weir_str_t *argv, unsigned n,
    weir_str_t *wire)
{
    int           len;
    char         *target;
    size_t       *lens;
    unsigned      i;
    weir_str_t    text;
    const char  **args;

    args = weir_arena_alloc(a, n * sizeof(char *));
    lens = weir_arena_alloc(a, n * sizeof(size_t));

    if (args == NULL || lens == NULL) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < n; i++) {
        args[i] = argv[i].len == 0 ? "" : (const char *) argv[i].data;
        lens[i] = argv[i].len;
    }

    target = NULL;
    len = redisFormatCommandArgv(&target, (int) n, args, lens);

    if (len < 0 || target == NULL) {
        return WEIR_NOMEM;
    }

    text.len = (size_t) len;
    text.data = (const uint8_t *) target;

    *wire = weir_arena_copy(a, text);

    redisFreeCommand(target);

    return wire->data == NULL ? WEIR_NOMEM : WEIR_OK;
}


weir_resp_error_e
weir_resp_error(const weir_resp_t *reply)
{
    size_t      i;
    weir_str_t  prefix;

    if (reply->type != WEIR_RESP_ERROR) {
        return WEIR_RESP_E_NONE;
    }

    for (i = 0; i < sizeof(weir_resp_prefixes) / sizeof(weir_resp_prefix_t);
         i++)
    {
        prefix = weir_resp_prefixes[i].prefix;

        if (reply->text.len >= prefix.len
            && memcmp(reply->text.data, prefix.data, prefix.len) == 0)
        {
            return weir_resp_prefixes[i].error;
        }
    }

    return WEIR_RESP_E_OTHER;
}


const char *
weir_resp_error_word(weir_resp_error_e e)
{
    if ((size_t) e >= sizeof(weir_resp_error_words) / sizeof(char *)) {
        return "error";
    }

    return weir_resp_error_words[e];
}
