
/*
 * Weir: evaluating expressions in Kleene's logic.
 */

#include "weir_policy_eval.h"
#include "weir_policy_regex.h"


static int weir_policy_like(weir_str_t glob, weir_str_t s);
static weir_policy_truth_t weir_policy_eval_compare(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node);
static int weir_policy_eval_in(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node, const weir_policy_value_t *left);
static weir_policy_truth_t weir_policy_eval_match(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node, const weir_policy_value_t *left);
static int weir_policy_in_numbers(weir_policy_eval_t *ev,
    const weir_policy_array_t *list, int64_t number);
static const weir_policy_value_t *weir_policy_operand(weir_policy_eval_t *ev,
    uint32_t operand, weir_policy_value_t *space);


weir_policy_truth_t
weir_policy_eval_node(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node)
{
    uint32_t                    i;
    weir_policy_truth_t         value, v;
    weir_policy_value_t         space;
    const weir_policy_value_t  *attr;

    switch (node->op) {

    case WEIR_POLICY_N_AND:

        value = WEIR_POLICY_TRUE;

        for (i = 0; i < node->n; i++) {
            v = weir_policy_eval_node(ev, &ev->nodes[node->a + i]);

            if (v == WEIR_POLICY_FALSE) {
                return v;
            }

            if (v == WEIR_POLICY_MAYBE) {
                value = v;
            }
        }

        return value;

    case WEIR_POLICY_N_OR:

        value = WEIR_POLICY_FALSE;

        for (i = 0; i < node->n; i++) {
            v = weir_policy_eval_node(ev, &ev->nodes[node->a + i]);

            if (v == WEIR_POLICY_TRUE) {
                return v;
            }

            if (v == WEIR_POLICY_MAYBE) {
                value = v;
            }
        }

        return value;

    case WEIR_POLICY_N_NOT:

        v = weir_policy_eval_node(ev, &ev->nodes[node->a]);

        return v == WEIR_POLICY_MAYBE ? v
               : v == WEIR_POLICY_TRUE ? WEIR_POLICY_FALSE
                                       : WEIR_POLICY_TRUE;

    case WEIR_POLICY_N_CONST:
        return node->a ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;

    case WEIR_POLICY_N_HAS:

        attr = weir_policy_attr_value(ev, node->a, &space);

        return attr->state == WEIR_POLICY_ABSENT ? WEIR_POLICY_FALSE
                                                 : WEIR_POLICY_TRUE;

    case WEIR_POLICY_N_BOOL:

        attr = weir_policy_attr_value(ev, node->a, &space);

        return attr->state != WEIR_POLICY_ONE ? WEIR_POLICY_MAYBE
               : attr->number ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;

    default:
        return weir_policy_eval_compare(ev, node);
    }
}


static weir_policy_truth_t
weir_policy_eval_compare(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node)
{
    int                         is;
    weir_policy_value_t         left_space, right_space;
    const weir_policy_value_t  *left, *right;

    if (node->op >= WEIR_POLICY_N_ANY_SET
        && node->op <= WEIR_POLICY_N_LIST_ALL)
    {
        return weir_policy_eval_sets(ev, node);
    }

    left = weir_policy_operand(ev, node->a, &left_space);

    if (node->op == WEIR_POLICY_N_MATCH) {
        return weir_policy_eval_match(ev, node, left);
    }

    if (node->op >= WEIR_POLICY_N_IN_NOTHING && node->op < WEIR_POLICY_N_LIKE)
    {
        if (left->state != WEIR_POLICY_ONE) {
            return WEIR_POLICY_MAYBE;
        }

        return weir_policy_eval_in(ev, node, left) ? WEIR_POLICY_TRUE
                                                   : WEIR_POLICY_FALSE;
    }

    right = weir_policy_operand(ev, node->b, &right_space);

    if (left->state != WEIR_POLICY_ONE || right->state != WEIR_POLICY_ONE) {
        return WEIR_POLICY_MAYBE;
    }

    switch (node->op) {

    case WEIR_POLICY_N_IN_SET:

        if ((node->a & WEIR_POLICY_LITERAL)
            && node->b < WEIR_POLICY_MEMO_ATTRS)
        {
            is = weir_policy_set_holds(ev, node->b, left->hash, left->string);
            break;
        }

        is = weir_policy_set_has(ev, right, left->string);
        break;

    case WEIR_POLICY_N_LIKE:
        is = weir_policy_like(right->string, left->string);
        break;

    case WEIR_POLICY_N_EQ:
    case WEIR_POLICY_N_NE:

        if (node->type == WEIR_POLICY_T_STRING) {
            is = weir_str_eq(left->string, right->string);

        } else if (node->type == WEIR_POLICY_T_IP) {
            is = memcmp(left->addr, right->addr, sizeof(weir_addr_t)) == 0;

        } else {
            is = left->number == right->number;
        }

        if (node->op == WEIR_POLICY_N_NE) {
            is = !is;
        }

        break;

    case WEIR_POLICY_N_LT:
        is = left->number < right->number;
        break;

    case WEIR_POLICY_N_LE:
        is = left->number <= right->number;
        break;

    case WEIR_POLICY_N_GT:
        is = left->number > right->number;
        break;

    default: /* WEIR_POLICY_N_GE */
        is = left->number >= right->number;
        break;
    }

    return is ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
}


/* What cannot be compared within the limit is unknown. */

static weir_policy_truth_t
weir_policy_eval_match(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node, const weir_policy_value_t *left)
{
    int  rc;

    if (left->state != WEIR_POLICY_ONE || ev->r->regexes == NULL) {
        return WEIR_POLICY_MAYBE;
    }

    rc = weir_policy_regex_match(ev->r->regexes, node->b, left->string);

    return rc < 0 ? WEIR_POLICY_MAYBE
           : rc ? WEIR_POLICY_TRUE : WEIR_POLICY_FALSE;
}


static int
weir_policy_eval_in(weir_policy_eval_t *ev,
    const weir_policy_node_rec_t *node, const weir_policy_value_t *left)
{
    switch (node->op) {

    case WEIR_POLICY_N_IN_STRINGS:
        return weir_policy_in_strings(ev, weir_policy_at(ev->image, node->b),
                                      left->string);

    case WEIR_POLICY_N_IN_NUMBERS:
        return weir_policy_in_numbers(ev, weir_policy_at(ev->image, node->b),
                                      left->number);

    case WEIR_POLICY_N_IN_NETS:
        return weir_policy_nets_have(ev, node->b, left->addr);

    default: /* WEIR_POLICY_N_IN_NOTHING */
        return 0;
    }
}


int
weir_policy_in_strings(weir_policy_eval_t *ev, const weir_policy_array_t *list,
    weir_str_t s)
{
    int                       rc;
    uint32_t                  lo, hi, mid;
    const weir_policy_ref_t  *refs;

    refs = weir_policy_at(ev->image, list->off);
    lo = 0;
    hi = list->n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;
        rc = weir_str_cmp(s, weir_policy_text(ev->image, refs[mid]));

        if (rc == 0) {
            return 1;
        }

        if (rc < 0) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return 0;
}


static int
weir_policy_in_numbers(weir_policy_eval_t *ev, const weir_policy_array_t *list,
    int64_t number)
{
    uint32_t        lo, hi, mid;
    const int64_t  *numbers;

    numbers = weir_policy_at(ev->image, list->off);
    lo = 0;
    hi = list->n;

    while (lo < hi) {
        mid = lo + (hi - lo) / 2;

        if (numbers[mid] == number) {
            return 1;
        }

        if (numbers[mid] > number) {
            hi = mid;

        } else {
            lo = mid + 1;
        }
    }

    return 0;
}


static const weir_policy_value_t *
weir_policy_operand(weir_policy_eval_t *ev, uint32_t operand,
    weir_policy_value_t *space)
{
    const weir_policy_literal_rec_t  *literal;

    if (!(operand & WEIR_POLICY_LITERAL)) {
        return weir_policy_attr_value(ev, operand, space);
    }

    literal = &ev->literals[operand & ~WEIR_POLICY_LITERAL];

    space->state = WEIR_POLICY_ONE;
    space->number = literal->number;
    space->string = weir_policy_text(ev->image, literal->string);
    space->hash = literal->hash;
    space->addr = &literal->addr;
    space->set = NULL;

    return space;
}


/*
 * The greedy match: behind each "*" the rest is tried at every place, and
 * only the last "*" need be tried again.
 */

/* 1 if s matches the glob: "*" is any run, "\*" a star. */

static int
weir_policy_like(weir_str_t glob, weir_str_t s)
{
    size_t   g, i, star, at;
    uint8_t  ch;

    g = 0;
    i = 0;
    star = glob.len;
    at = 0;

    for ( ;; ) {

        if (g < glob.len && glob.data[g] == '*') {
            star = g++;
            at = i;
            continue;
        }

        if (i == s.len) {
            break;
        }

        if (g < glob.len) {
            ch = glob.data[g];

            if (ch == '\\' && g + 1 < glob.len) {
                ch = glob.data[g + 1];

                if (ch == s.data[i]) {
                    g += 2;
                    i++;
                    continue;
                }

            } else if (ch == s.data[i]) {
                g++;
                i++;
                continue;
            }
        }

        if (star == glob.len) {
            return 0;
        }

        g = star + 1;
        i = ++at;
    }

    return g == glob.len;
}
