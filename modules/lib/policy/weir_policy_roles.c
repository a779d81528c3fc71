
/*
 * Weir: hierarchies of roles: "includes", closed when a policy is compiled.
 */

#include "weir_policy_ast.h"


/* Pairs of a role and one that includes it, of a file. */

#define WEIR_POLICY_MAX_HOLDERS  100000


typedef struct {
    weir_policy_role_t         *role;
    const weir_policy_words_t  *next;      /* to be followed */
} weir_policy_descent_t;


static int weir_policy_role_cycles(weir_policy_compiler_t *c,
    weir_policy_file_t *file);
static weir_policy_role_t *weir_policy_included(weir_policy_file_t *file,
    const weir_policy_words_t *w);
static void weir_policy_cycle_report(weir_policy_compiler_t *c,
    const weir_policy_descent_t *stack, uint32_t depth,
    const weir_policy_role_t *role, const weir_policy_words_t *w);


void
weir_policy_check_includes(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    uint32_t               n, mark, total;
    weir_str_t             near;
    weir_policy_role_t    *role, *at, *other, **list;
    weir_policy_words_t   *w;

    for (role = file->roles; role != NULL; role = role->next) {
        for (w = role->includes; w != NULL; w = w->next) {

            if (weir_policy_included(file, w) == NULL) {
                near = weir_policy_near(c, &file->role_table, w->word.text);
                other = near.data == NULL
                        ? NULL : weir_policy_table_get(&file->role_table,
                                                       near);

                weir_policy_unknown(c, w->word.loc, "role", w->word.text, near,
                                    other == NULL ? NULL : &other->name.loc);
            }
        }
    }

    if (c->nomem || weir_policy_role_cycles(c, file) != WEIR_OK) {
        return;
    }

    list = weir_policy_alloc(c, (file->nroles + 1)
                                * sizeof(weir_policy_role_t *));
    if (list == NULL) {
        return;
    }

    /* what each role reaches: counted first, then told to what is reached */

    total = 0;

    for (role = file->roles; role != NULL; role = role->next) {

        if (role->includes == NULL) {
            continue;
        }

        mark = ++c->mark;
        role->mark = mark;
        list[0] = role;
        n = 1;

        while (n != 0) {
            at = list[--n];

            for (w = at->includes; w != NULL; w = w->next) {
                other = weir_policy_included(file, w);

                if (other == NULL || other->mark == mark) {
                    continue;
                }

                other->mark = mark;
                list[n++] = other;

                /* doubled when it is full: 1, 2, 4, ... */

                if ((other->nholders & (other->nholders - 1)) == 0) {
                    weir_policy_role_t  **holders;

                    holders = weir_policy_alloc(c, (other->nholders * 2 + 1)
                                             * sizeof(weir_policy_role_t *));
                    if (holders == NULL) {
                        return;
                    }

                    if (other->nholders != 0) {
                        memcpy(holders, other->holders, other->nholders
                                              * sizeof(weir_policy_role_t *));
                    }

                    other->holders = holders;
                }

                other->holders[other->nholders++] = role;

                if (++total > WEIR_POLICY_MAX_HOLDERS) {
                    weir_policy_error(c, role->name.loc, "the roles of this "
                                      "file include each other in more than "
                                      "%d ways", WEIR_POLICY_MAX_HOLDERS);
                    return;
                }
            }
        }
    }

    for (role = file->roles; role != NULL; role = role->next) {

        for (w = role->own_paths; w != NULL; w = w->next) {
            weir_policy_join_word(c, &role->paths, &w->word);
        }

        for (n = 0; n < role->nholders; n++) {
            for (w = role->holders[n]->own_paths; w != NULL; w = w->next) {
                weir_policy_join_word(c, &role->paths, &w->word);
            }
        }

        if (role->when == NULL && role->nholders == 0 && c->nerrors == 0) {
            weir_policy_warn(c, role->name.loc, "role %.*s has no \"when\": "
                             "nobody holds it",
                             weir_policy_s(role->name.text));
        }
    }
}


static weir_policy_role_t *
weir_policy_included(weir_policy_file_t *file, const weir_policy_words_t *w)
{
    return weir_policy_table_get(&file->role_table, w->word.text);
}


/* With a stack of its own: a chain may be as long as there are roles. */

static int
weir_policy_role_cycles(weir_policy_compiler_t *c, weir_policy_file_t *file)
{
    int                         rc;
    uint32_t                    depth, inside, done;
    weir_policy_role_t         *role, *other;
    weir_policy_descent_t      *stack, *step;
    const weir_policy_words_t  *w;

    rc = WEIR_OK;

    stack = weir_policy_alloc(c, (file->nroles + 1)
                                 * sizeof(weir_policy_descent_t));
    if (stack == NULL) {
        return WEIR_NOMEM;
    }

    inside = ++c->mark;
    done = ++c->mark;

    for (role = file->roles; role != NULL; role = role->next) {

        if (role->mark == done) {
            continue;
        }

        role->mark = inside;
        stack[0].role = role;
        stack[0].next = role->includes;
        depth = 1;

        while (depth != 0) {
            step = &stack[depth - 1];
            w = step->next;

            if (w == NULL) {
                step->role->mark = done;
                depth--;
                continue;
            }

            step->next = w->next;
            other = weir_policy_included(file, w);

            if (other == NULL || other->mark == done) {
                continue;
            }

            if (other->mark == inside) {
                rc = WEIR_ERROR;
                weir_policy_cycle_report(c, stack, depth, other, w);
                continue;
            }

            other->mark = inside;
            stack[depth].role = other;
            stack[depth].next = other->includes;
            depth++;
        }
    }

    return rc;
}


static void
weir_policy_cycle_report(weir_policy_compiler_t *c,
    const weir_policy_descent_t *stack, uint32_t depth,
    const weir_policy_role_t *role, const weir_policy_words_t *w)
{
    uint32_t  i;

    weir_policy_error(c, w->word.loc, "role %.*s includes itself%s",
                      weir_policy_s(role->name.text),
                      stack[depth - 1].role == role ? ""
                                                    : " through other roles");

    for (i = 0; stack[i].role != role; i++) {
        /* void */
    }

    /* the first of a long way will do */

    for (depth = depth > i + 5 ? i + 5 : depth; i < depth; i++) {
        weir_policy_relate(c, stack[i].role->name.loc,
                           stack[i].role == role ? "declared" : "through");
    }
}


void
weir_policy_join_word(weir_policy_compiler_t *c, weir_policy_words_t **list,
    const weir_policy_word_t *word)
{
    uint32_t              n;
    weir_policy_words_t  *w;

    n = 0;

    for ( /* void */ ; *list != NULL; list = &(*list)->next) {

        /* no path has so many captures: what is missing is missing anyhow */

        if (weir_str_eq((*list)->word.text, word->text)
            || ++n > WEIR_PATH_MAX_SEGMENTS)
        {
            return;
        }
    }

    w = weir_policy_alloc(c, sizeof(weir_policy_words_t));
    if (w == NULL) {
        return;
    }

    w->word = *word;
    *list = w;
}
