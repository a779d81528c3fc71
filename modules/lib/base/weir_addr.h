
/*
 * Weir: addresses and networks.  Every address is 16 bytes, IPv4 as
 * ::ffff:a.b.c.d, so that an IPv4-mapped IPv6 address is IPv4 everywhere.
 */

#ifndef WEIR_ADDR_H_INCLUDED
#define WEIR_ADDR_H_INCLUDED


#include "weir_base.h"


typedef struct {
    uint8_t  bytes[16];
} weir_addr_t;

typedef struct {
    weir_addr_t  addr;      /* host bits are zero */
    uint8_t      bits;      /* 0..128, of the 16 byte form (IPv4: 96 + n) */
    uint8_t      ipv4;
} weir_cidr_t;


/* Parses an address in text; no zone, no brackets, no port. */
int weir_addr_parse(weir_str_t s, weir_addr_t *a);

/* From network order bytes: len 4 or 16. */
int weir_addr_from_bytes(const void *bytes, size_t len, weir_addr_t *a);

int weir_addr_is_ipv4(const weir_addr_t *a);

/* Text of the address (RFC 5952); dst of WEIR_ADDR_TEXT bytes; the length. */
#define WEIR_ADDR_TEXT  46
size_t weir_addr_format(uint8_t *dst, const weir_addr_t *a);

/*
 * Parses "a.b.c.d/n", "x::/n" or a bare address (a network of one).
 * WEIR_DECLINED when host bits are set; *c is then the right network.
 */
int weir_cidr_parse(weir_str_t s, weir_cidr_t *c);

/* Text of the network; dst of WEIR_ADDR_TEXT + 4 bytes; the length. */
size_t weir_cidr_format(uint8_t *dst, const weir_cidr_t *c);

/* 1 if c contains a.  ::/0 and ::ffff:0:0/96 written as IPv6 hold no IPv4. */
int weir_cidr_contains(const weir_cidr_t *c, const weir_addr_t *a);

/* The client's prefix: the address itself for IPv4, its /64 for IPv6. */
weir_addr_t weir_addr_client_prefix(const weir_addr_t *a);

/*
 * 1 if a key, as a configuration writes it, is the client's address and
 * nothing else ($binary_remote_addr, $remote_addr): it counts by the prefix.
 */
int weir_addr_is_key(weir_str_t s);


#endif /* WEIR_ADDR_H_INCLUDED */
