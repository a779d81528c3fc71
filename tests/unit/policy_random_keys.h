
/*
 * Weir: random policies of many rules on few paths, so that the index divides
 * them by every kind of key and joins those that are the same.
 */

#ifndef POLICY_RANDOM_KEYS_H_INCLUDED
#define POLICY_RANDOM_KEYS_H_INCLUDED


#include "policy_random.h"


#define RULES  150


static const char *const  whats[] = {
    "GET /a/**", "* /a/**", "POST, BREW /a/b", "GET /a/b", "* /**/b",
    "* /*/**"
};


static void
put_condition(void)
{
    switch (rnd(7)) {

    case 0:
        put(" if \"%s\" in claim.r;", PICK(words));
        break;

    case 1:
        put(" if claim.t == \"%s\";", PICK(words));
        break;

    case 2:
        put(" if claim.s == \"%s\" && \"%s\" in claim.scope;", PICK(words),
            PICK(words));
        break;

    case 3:
        put(" unless \"%s\" in claim.r;", PICK(words));
        break;

    case 4:
        put(" if has identity.subject && \"%s\" == identity.subject;",
            PICK(words));
        break;

    default:
        break;
    }
}


static void
put_rules(void)
{
    char      body[400];
    size_t    from;
    unsigned  i, permits;

    len = 0;

    put("language 1; policy p;\n"
        "schema from i1 { claim s string; claim r set<string>; }\n"
        "schema from i1, i2 { claim t string; claim scope set<string>; }\n"
        "role r0 { when \"a\" in claim.r; }\n"
        "role r1 { when claim.t == \"b\"; }\n"
        "role r2 { includes r1; when \"c\" in claim.scope; }\n"
        "role r3 { when \"ab\" in claim.scope || \"b\" in claim.r; }\n");

    permits = rnd(3) == 0 ? 10 : 1 + rnd(10);

    for (i = 0; i < RULES; i++) {
        put("%s%s x%u ", rnd(9) == 0 ? "shadow " : "",
            rnd(10) < permits ? "permit" : "deny", rnd(9) * 1000 + i);

        /* a third are what the rule before them is */

        if (i != 0 && rnd(3) == 0) {
            put("%s", body);
            continue;
        }

        from = len;
        put("{ what %s;", PICK(whats));

        if (rnd(12) == 0) {
            put(" what GET /a/b/**;");
        }

        switch (rnd(7)) {

        case 0:
        case 1:
            put(" who role r%u;", rnd(4));
            break;

        case 2:
            put(" who spiffe %s;", PICK(spiffes));
            break;

        case 3:
            put(" who subject \"%s\" issuer %s;", PICK(words),
                pick(issuers, 2));
            break;

        case 4:
            put(" who issuer %s;", pick(issuers, 2));
            break;

        case 5:
            put(" who role r%u, issuer i1;", rnd(4));
            break;

        default:
            break;
        }

        if (rnd(6) == 0) {
            put(" from 10.0.0.0/%u;", 8 + 8 * rnd(3));
        }

        put_condition();
        put_condition();
        put(" }\n");

        snprintf(body, sizeof(body), "%s", text + from);
    }
}


#endif /* POLICY_RANDOM_KEYS_H_INCLUDED */
