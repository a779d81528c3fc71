
/*
 * Weir: the roles of the image: those of the policy's file, and of libraries
 * those that its rules name, with the roles that include them.
 */

#include "weir_policy_image.h"


typedef struct {
    weir_policy_role_t  **roles;
    uint32_t              n;
    uint32_t              size;
} weir_policy_cast_t;


static int weir_policy_cast(weir_policy_builder_t *b,
    weir_policy_cast_t *cast, weir_policy_role_t *role);
static int weir_policy_build_role(weir_policy_builder_t *b, uint32_t off,
    const weir_policy_role_t *role);


int
weir_policy_build_roles(weir_policy_builder_t *b, weir_policy_rec_t *rec,
    weir_policy_rule_t **rules)
{
    uint32_t                    i, k;
    weir_policy_role_t         *role;
    weir_policy_cast_t          cast;
    const weir_policy_princ_t  *p;

    memset(&cast, 0, sizeof(weir_policy_cast_t));

    for (role = b->file->roles; role != NULL; role = role->next) {
        if (weir_policy_cast(b, &cast, role) != WEIR_OK) {
            return WEIR_NOMEM;
        }
    }

    for (i = 0; i < rec->rules.n; i++) {
        for (p = rules[i]->who; p != NULL; p = p->next) {

            if (p->kind == WEIR_POLICY_P_ROLE
                && weir_policy_cast(b, &cast, p->role) != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }
    }

    /* what is added here has its own holders among these */

    for (i = 0; i < cast.n; i++) {
        for (k = 0; k < cast.roles[i]->nholders; k++) {
            if (weir_policy_cast(b, &cast, cast.roles[i]->holders[k])
                != WEIR_OK)
            {
                return WEIR_NOMEM;
            }
        }
    }

    rec->roles.n = cast.n;
    rec->roles.off = weir_policy_reserve(b, &b->out, cast.n,
                                         sizeof(weir_policy_role_rec_t));

    if (rec->roles.off == WEIR_POLICY_NONE) {
        return WEIR_NOMEM;
    }

    for (i = 0; i < cast.n; i++) {
        if (weir_policy_build_role(b, rec->roles.off, cast.roles[i])
            != WEIR_OK)
        {
            return WEIR_NOMEM;
        }
    }

    return WEIR_OK;
}


static int
weir_policy_cast(weir_policy_builder_t *b, weir_policy_cast_t *cast,
    weir_policy_role_t *role)
{
    weir_policy_role_t  **roles;

    if (role->owner == b->policy) {
        return WEIR_OK;
    }

    if (cast->n == cast->size) {
        cast->size = cast->size == 0 ? 16 : cast->size * 2;

        roles = weir_policy_alloc(b->c, cast->size
                                        * sizeof(weir_policy_role_t *));
        if (roles == NULL) {
            return WEIR_NOMEM;
        }

        if (cast->n != 0) {
            memcpy(roles, cast->roles, cast->n * sizeof(weir_policy_role_t *));
        }

        cast->roles = roles;
    }

    role->owner = b->policy;
    role->index = cast->n;
    cast->roles[cast->n++] = role;

    return WEIR_OK;
}


static int
weir_policy_build_role(weir_policy_builder_t *b, uint32_t off,
    const weir_policy_role_t *role)
{
    uint32_t                 i, *holders;
    weir_policy_role_rec_t   rr;

    memset(&rr, 0, sizeof(weir_policy_role_rec_t));

    rr.cond = WEIR_POLICY_NONE;

    if (role->when != NULL) {
        rr.cond = weir_policy_build_expr(b, role->when);

        if (rr.cond == WEIR_POLICY_NONE) {
            return WEIR_NOMEM;
        }
    }

    rr.name = weir_policy_intern(b, role->name.text);
    rr.captures = role->paths != NULL;
    rr.own_captures = role->own_paths != NULL;
    rr.holders.n = role->nholders;
    rr.holders.off = weir_policy_reserve(b, &b->out, role->nholders,
                                         sizeof(uint32_t));

    if (rr.holders.off == WEIR_POLICY_NONE || b->c->nomem) {
        return WEIR_NOMEM;
    }

    holders = (uint32_t *) (void *) (b->out.data + rr.holders.off);

    for (i = 0; i < role->nholders; i++) {
        holders[i] = role->holders[i]->index;
    }

    ((weir_policy_role_rec_t *) (void *) (b->out.data + off))[role->index]
        = rr;

    return WEIR_OK;
}
