
/*
 * Weir: literals of the policy language that begin with a digit, and
 * addresses: which of int, ip, cidr, time and duration they are.
 */

#include "weir_policy_lex.h"
#include "weir_time.h"


static int weir_policy_number_int(weir_str_t s, int64_t *number);
static int weir_policy_number_cidr(weir_policy_parser_t *ps,
    weir_policy_literal_t *literal);


int
weir_policy_lex_number(weir_policy_parser_t *ps,
    weir_policy_literal_t *literal)
{
    size_t      i, digits, colons;
    weir_str_t  s;

    s = ps->tok.text;

    literal->loc = weir_policy_here(ps);
    literal->text = s;

    digits = 0;
    colons = 0;

    for (i = 0; i < s.len; i++) {
        digits += s.data[i] >= '0' && s.data[i] <= '9';
        colons += s.data[i] == ':';
    }

    if (digits == s.len || (s.data[0] == '-' && digits == s.len - 1)) {
        literal->type = WEIR_POLICY_T_INT;

        if (weir_policy_number_int(s, &literal->number) == WEIR_OK) {
            return WEIR_OK;
        }

        weir_policy_error(ps->c, literal->loc, "%.*s does not fit into 64 "
                          "bits", weir_policy_s(s));
        return WEIR_ERROR;
    }

    if (memchr(s.data, '/', s.len) != NULL) {
        return weir_policy_number_cidr(ps, literal);
    }

    if (weir_addr_parse(s, &literal->net.addr) == WEIR_OK) {
        literal->type = WEIR_POLICY_T_IP;
        literal->net.bits = 128;
        literal->net.ipv4 = (uint8_t) weir_addr_is_ipv4(&literal->net.addr);
        return WEIR_OK;
    }

    if (weir_time_parse(s, &literal->number) == WEIR_OK) {
        literal->type = WEIR_POLICY_T_TIME;
        return WEIR_OK;
    }

    if (weir_duration_parse(s, &literal->number) == WEIR_OK) {
        literal->type = WEIR_POLICY_T_DURATION;
        return WEIR_OK;
    }

    if (s.len > 10 && s.data[4] == '-' && s.data[7] == '-') {
        weir_policy_error(ps->c, literal->loc, "%.*s is no time; times are "
                          "RFC 3339: 2026-01-05T10:00:00Z",
                          weir_policy_s(s));

    } else if (colons >= 2
               || (s.len >= 7 && memchr(s.data, '.', s.len) != NULL))
    {
        weir_policy_error(ps->c, literal->loc, "%.*s is no address",
                          weir_policy_s(s));

    } else if (memchr(s.data, '.', s.len) != NULL) {
        weir_policy_error(ps->c, literal->loc, "%.*s: there are no fractions "
                          "in policies", weir_policy_s(s));

    } else {
        weir_policy_error(ps->c, literal->loc, "%.*s is no int, address, "
                          "network, time or duration", weir_policy_s(s));
    }

    return WEIR_ERROR;
}


static int
weir_policy_number_int(weir_str_t s, int64_t *number)
{
    size_t    i;
    uint64_t  v, max;

    i = s.data[0] == '-';
    max = (uint64_t) INT64_MAX + (i != 0);

    for (v = 0; i < s.len; i++) {

        if (v > (max - (uint64_t) (s.data[i] - '0')) / 10) {
            return WEIR_ERROR;
        }

        v = v * 10 + (uint64_t) (s.data[i] - '0');
    }

    if (s.data[0] != '-') {
        *number = (int64_t) v;

    } else {
        *number = v == 0 ? 0 : -(int64_t) (v - 1) - 1;
    }

    return WEIR_OK;
}


static int
weir_policy_number_cidr(weir_policy_parser_t *ps,
    weir_policy_literal_t *literal)
{
    int         rc;
    uint8_t     text[WEIR_ADDR_TEXT + 4];
    weir_str_t  right;

    literal->type = WEIR_POLICY_T_CIDR;

    rc = weir_cidr_parse(literal->text, &literal->net);

    if (rc == WEIR_OK) {
        return WEIR_OK;
    }

    if (rc == WEIR_DECLINED) {
        right.data = text;
        right.len = weir_cidr_format(text, &literal->net);

        weir_policy_error(ps->c, literal->loc, "%.*s has host bits set; the "
                          "network is %.*s", weir_policy_s(literal->text),
                          weir_policy_s(right));

    } else {
        weir_policy_error(ps->c, literal->loc, "%.*s is no network",
                          weir_policy_s(literal->text));
    }

    return WEIR_ERROR;
}
