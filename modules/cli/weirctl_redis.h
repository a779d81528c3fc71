
/*
 * weirctl: the store in Redis: blocking, each step with a deadline.
 */

#ifndef WEIRCTL_REDIS_H_INCLUDED
#define WEIRCTL_REDIS_H_INCLUDED


#include "../lib/file/weir_store.h"
#include "../lib/resp/weir_resp_conf.h"


/*
 * Opens the store that the words name; conf was accepted by
 * weir_resp_conf_done(), and what it refers to lives as long as the store.
 * Connects: WEIR_STORE_UNREACHABLE covers all that stands in the way, from
 * names to passwords.  Gone connections are made anew when next used.  The
 * store is closed by its ops.
 */
weir_store_code_e weirctl_redis_open(weir_store_t **store,
    const weir_resp_conf_t *conf, weir_store_err_t *err);


#endif /* WEIRCTL_REDIS_H_INCLUDED */
