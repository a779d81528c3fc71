"""Random conditions, as Cedar and as Weir spell them.

Their atoms are what both languages have; the truth of one is Kleene's.
"""

import json
import random

R = random.Random()                     # seeded by who draws

METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']
GROUPS = {'read': ['GET', 'HEAD'], 'write': ['DELETE', 'POST', 'PUT']}
PATHS = ['/', '/a', '/b', '/a/b', '/a/c', '/b/a', '/a/b/c', '/ab']
ROLES = ['r1', 'r2', 'r3', 'r4']
USERS = [('User', 'ann'), ('User', 'bob'), ('User', 'cy'),
         ('Partner', 'ann'), ('Partner', 'dan')]
ISSUER = {'User': 'corp', 'Partner': 'partner'}
WORDS = ['a', 'b', 'ab', 'abc', 'ba', '', 'a*b', 'a"b', 'a\\b', '\u00e9', 'A',
         'ann', 'bob', 'a b']
NETS = ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.0/24', '10.1.2.3/32',
        '10.128.0.0/9', '192.168.7.128/25', '0.0.0.0/0', '2001:db8::/32',
        '2001:db8:1::/48', '2001:db8:1::7/128', '::/0', 'fe80::/10']
IPS = ['10.1.2.3', '10.1.2.4', '10.1.3.0', '10.127.255.255', '10.128.0.0',
       '11.0.0.0', '9.255.255.255', '192.168.7.127', '192.168.7.128',
       '127.0.0.1', '224.0.0.1', '2001:db8::1', '2001:db8:1::7',
       '2001:db8:1::8', '2001:db9::', '::1', 'fe80::1', 'ff02::1']
NEAR = {'isLoopback': ['127.0.0.1', '127.255.255.255', '::1', '128.0.0.0'],
        'isMulticast': ['224.0.0.0', '239.255.255.255', 'ff02::1',
                        '240.0.0.0']}
TIMES = ['2026-01-05T07:59:59Z', '2026-01-05T08:00:00Z',
         '2026-01-05T08:00:01Z', '2026-01-05T17:59:59Z',
         '2026-01-05T18:00:00Z', '2026-02-01T00:00:00Z',
         '2025-12-31T23:59:59Z']
BIG = 2 ** 63 - 1
INTS = [-1, 0, 1, 2, 7, 8, BIG - 1, BIG, -BIG, -BIG - 1]

# Attributes by type: Cedar's name, Weir's, and for an optional one the
# question whether it is there.

TEXTS = [('principal.t', 'claim.t', None), ('principal.u', 'claim.u', None),
         ('principal["https://x.test/y"]', 'claim["https://x.test/y"]', None),
         ('principal.p.q', 'claim.p.q', None),
         ('principal.o', 'claim.o', 'principal has o'),
         ('principal.p.o', 'claim.p.o', 'principal has p.o'),
         ('context.h', 'header("X-H")', 'context has h'),
         ('context.q', 'query("q")', 'context has q'),
         ('context.sni', 'tls.sni', 'context has sni')]
NUMBERS = [('principal.n', 'claim.n', None), ('principal.k', 'claim.k', None),
           ('principal.on', 'claim.on', 'principal has on')]
SETS = [('principal.s', 'claim.s', None), ('principal.r', 'claim.r', None),
        ('principal.os', 'claim.os', 'principal has os')]
BOOLS = [('principal.b', 'claim.b', None), ('principal.c', 'claim.c', None),
         ('principal.ob', 'claim.ob', 'principal has ob')]

SCHEMA = '''schema from corp, partner {
    claim roles optional set<string>;
    claim t string; claim u string; claim "https://x.test/y" string;
    claim p.q string; claim o optional string; claim p.o optional string;
    claim n int; claim k int; claim on optional int;
    claim s set<string>; claim r set<string>; claim os optional set<string>;
    claim b bool; claim c bool; claim ob optional bool;
    claim mt string; claim mw string; claim mn int; claim ms set<string>;
    claim mb bool;
}
'''


def maybe(p):
    return R.random() < p


def some(of, most):
    return sorted(R.sample(of, R.randint(1, min(most, len(of)))))


def text(s):
    """A string, spelt as both languages do."""
    return json.dumps(s, ensure_ascii=False)


def texts(words):
    return '[' + ', '.join(text(w) for w in words) + ']'


# --- expressions: ('atom', operator, cedar, weir), ('and' | 'or', [...]),
#     ('not', e), ('if', condition, then, otherwise)

def atom(op, cedar, weir):
    return ('atom', op, cedar, weir)


def cedar(e):
    if e[0] == 'atom':
        return e[2]
    if e[0] == 'not':
        return '!(%s)' % cedar(e[1])
    if e[0] == 'if':
        return '(if %s then %s else %s)' % tuple(cedar(x) for x in e[1:])
    return '(%s)' % {'and': ' && ', 'or': ' || '}[e[0]].join(map(cedar, e[1]))


def weir(e):
    if e[0] == 'atom':
        return e[3]
    if e[0] == 'not':
        return '!(%s)' % weir(e[1])
    if e[0] == 'if':
        a, b, c = (weir(x) for x in e[1:])
        return '((%s) && (%s) || !(%s) && (%s))' % (a, b, a, c)
    return '(%s)' % {'and': ' && ', 'or': ' || '}[e[0]].join(map(weir, e[1]))


def atoms(e):
    if e[0] == 'atom':
        return [e]
    below = e[1] if e[0] in ('and', 'or') else e[1:]
    return [a for x in below for a in atoms(x)]


def negation(v):
    return None if v is None else not v


def conjunction(values):
    values = list(values)
    return (False if False in values else None if None in values else True)


def truth(e, known):
    """Kleene's truth of an expression, None for unknown."""
    if e[0] == 'atom':
        return known[e[2]]
    if e[0] == 'not':
        return negation(truth(e[1], known))
    if e[0] == 'if':
        a, b, c = (truth(x, known) for x in e[1:])
        return negation(conjunction([negation(conjunction([a, b])),
                                     negation(conjunction([negation(a), c]))]))
    values = [truth(x, known) for x in e[1]]
    if e[0] == 'and':
        return conjunction(values)
    return negation(conjunction(map(negation, values)))


def guarded(e, *attrs):
    """Asks first whether the optional ones are there."""
    has = [atom('has', a[2], 'has ' + a[1]) for a in attrs if a[2]]
    return ('and', has + [e]) if has else e


# --- atoms

class Names:
    """What a set of policies names, beside its rules."""

    def __init__(self):
        self.head = []
        self.wide = 0                   # operators of two claims: dear
        self.words = R.sample(WORDS, 6)
        self.n = 0

    def define(self, what, items):
        self.n += 1
        name = '%s%d' % (what[0], self.n)
        self.head.append('%s %s %s;' % (what, name, items))
        return name

    def strings(self, words):
        """A list or a set of these words."""
        if words and maybe(0.3):
            kind = 'string ' + ', '.join(text(w) for w in words)
            return self.define('set', kind)
        return texts(words)

    def list(self):
        return [] if maybe(0.06) else some(self.words, 4)


def glob(word):
    """A pattern that is near a word: Cedar's spelling and Weir's."""
    parts = [c for c in word]
    for _ in range(R.randint(0, 2)):
        i = R.randint(0, len(parts))
        parts[i:i + R.randint(0, 2)] = [None]

    # our globs know a backslash before a star only

    c = w = ''
    for part in parts:
        if part == '\\':
            continue
        if part is None or part == '*':
            c += '*' if part is None else '\\*'
            w += '*' if part is None else '\\*'
        else:
            c += text(part)[1:-1]
            w += part
    return '"%s"' % c, text(w)


def text_atom(names):
    a = R.choice(TEXTS)
    c, w = a[0], a[1]
    word = text(R.choice(names.words))
    kind = R.randrange(6)

    if kind == 0:
        op = R.choice(['==', '!='])
        return guarded(atom(op, '%s %s %s' % (c, op, word),
                            '%s %s %s' % (w, op, word)), a)
    if kind == 1:
        op = R.choice(['==', '!='])
        b = R.choice(TEXTS)
        return guarded(atom(op + ' attr', '%s %s %s' % (c, op, b[0]),
                            '%s %s %s' % (w, op, b[1])), a, b)
    if kind in (2, 3):
        words = names.list()
        return guarded(atom('list.contains', '%s.contains(%s)'
                            % (texts(words), c),
                            '%s in %s' % (w, names.strings(words))), a)
    g = glob(R.choice(names.words))
    return guarded(atom('like', '%s like %s' % (c, g[0]),
                        '%s like %s' % (w, g[1])), a)


def number_atom(names):
    a = R.choice(NUMBERS)
    op = R.choice(['==', '!=', '<', '<=', '>', '>='])
    if maybe(0.25):
        b = R.choice(NUMBERS)
        return guarded(atom(op + ' int', '%s %s %s' % (a[0], op, b[0]),
                            '%s %s %s' % (a[1], op, b[1])), a, b)
    n = R.choice(INTS)
    return guarded(atom(op + ' int', '%s %s %d' % (a[0], op, n),
                        '%s %s %d' % (a[1], op, n)), a)


def set_atom(names, a=None):
    if a is None:
        a = R.choice(SETS)
    c, w = a[0], a[1]
    words = names.list()
    items = texts(words)
    kind = R.choice([0, 1, 2, 3, 4, 5] + [6, 6, 7, 8, 9] * (a in SETS))

    if kind == 0:
        word = text(R.choice(names.words))
        return guarded(atom('contains', '%s.contains(%s)' % (c, word),
                            '%s in %s' % (word, w)), a)
    if kind == 1:
        return guarded(atom('containsAny', '%s.containsAny(%s)' % (c, items),
                            '%s any in %s' % (w, names.strings(words))), a)
    if kind == 2:
        return guarded(atom('list.containsAny', '%s.containsAny(%s)'
                            % (items, c), '%s any in %s'
                            % (names.strings(words), w)), a)
    if kind == 3:
        each = ['%s in %s' % (text(x), w) for x in words]
        if not words or maybe(0.3):
            each = ['%s all in %s' % (names.strings(words), w)]
        return guarded(atom('containsAll', '%s.containsAll(%s)' % (c, items),
                            '(%s)' % ' && '.join(each)), a)
    if kind == 4:
        return guarded(atom('list.containsAll', '%s.containsAll(%s)'
                            % (items, c), '%s all in %s'
                            % (w, names.strings(words))), a)
    if kind == 5:
        return guarded(atom('isEmpty', '%s.isEmpty()' % c,
                            '%s all in []' % w), a)
    if kind == 6:
        op = R.choice(['==', '!='])
        both = '(%s all in %s && %s all in %s)' % (w, items, items, w)
        return guarded(atom(op + ' set', '%s %s %s' % (c, op, items),
                            both if op == '==' else '!' + both), a)
    if kind == 7:
        b = R.choice(TEXTS)
        return guarded(atom('contains attr', '%s.contains(%s)' % (c, b[0]),
                            '%s in %s' % (b[1], w)), a, b)

    b = R.choice(SETS)
    if names.wide >= 3 or b == a:
        return set_atom(names)
    names.wide += 1
    if kind == 8:
        return guarded(atom('containsAny attr', '%s.containsAny(%s)'
                            % (c, b[0]), '%s any in %s' % (w, b[1])), a, b)
    return guarded(atom('containsAll attr', '%s.containsAll(%s)' % (c, b[0]),
                        '%s all in %s' % (b[1], w)), a, b)


def bool_atom(names):
    a = R.choice(BOOLS)
    kind = R.randrange(3)

    if kind == 0:
        return guarded(atom('bool', a[0], a[1]), a)
    if kind == 1:
        op, v = R.choice(['==', '!=']), R.choice(['true', 'false'])
        return guarded(atom(op + ' bool', '%s %s %s' % (a[0], op, v),
                            '%s %s %s' % (a[1], op, v)), a)
    a = R.choice([x for of in (TEXTS, NUMBERS, SETS, BOOLS) for x in of
                  if x[2]])
    return atom('has', a[2], 'has ' + a[1])


def net_atom(names):
    kind = R.randrange(6)

    if kind == 0:
        name, list_ = R.choice([
            ('isLoopback', '[127.0.0.0/8, ::1]'), ('isIpv4', '0.0.0.0/0'),
            ('isIpv6', '::/0'), ('isMulticast', '[224.0.0.0/4, ff00::/8]')])
        return atom(name, 'context.ip.%s()' % name, 'source.ip in ' + list_)
    if kind == 1:
        ip, op = R.choice(IPS), R.choice(['==', '!='])
        return atom(op + ' ip', 'context.ip %s ip("%s")' % (op, ip),
                    'source.ip %s %s' % (op, ip))
    if kind == 2:
        nets = some(NETS, 3)
        return atom('isInRange', '(%s)' % ' || '.join(
            'context.ip.isInRange(ip("%s"))' % n for n in nets),
            'source.ip in ' + names.define('set', 'cidr ' + ', '.join(nets)))
    net = R.choice(NETS)
    return atom('isInRange', 'context.ip.isInRange(ip("%s"))' % net,
                'source.ip in ' + net)


def time_atom(names):
    op = R.choice(['==', '!=', '<', '<=', '>', '>='])
    at = R.choice(TIMES)
    return atom(op + ' datetime', 'context.time %s datetime("%s")' % (op, at),
                'request.time %s %s' % (op, at))


def entity_atom(names):
    kind = R.randrange(5)

    if kind == 0:
        op, m = R.choice(['==', '!=']), R.choice(METHODS)
        return atom(op + ' action', 'action %s Action::"%s"' % (op, m),
                    'request.method %s "%s"' % (op, m))
    if kind == 1:
        t, id_ = R.choice(USERS)
        return atom('== principal', 'principal == %s::"%s"' % (t, id_),
                    '(has identity.subject && has identity.issuer'
                    ' && identity.subject == "%s" && identity.issuer == "%s")'
                    % (id_, ISSUER[t]))
    if kind == 2:
        t = R.choice(list(ISSUER))
        return atom('is', 'principal is ' + t, '(has identity.issuer'
                    ' && identity.issuer == "%s")' % ISSUER[t])
    if kind == 3:
        p = R.choice(PATHS)
        return atom('== resource', 'resource == Path::"%s"' % p,
                    'request.path == "%s"' % p)
    p = R.choice(PATHS[1:])
    return atom('in resource', 'resource in Path::"%s"' % p,
                '(request.path == "%s" || request.path like "%s/*")' % (p, p))


def sure(names):
    """An atom that never errs."""
    return R.choice([text_atom, text_atom, number_atom, set_atom, set_atom,
                     bool_atom, net_atom, net_atom, time_atom, entity_atom])(
                         names)


def risky(names):
    """An atom of a claim that often is not there, or of another type."""
    kind = R.randrange(5)

    if kind == 0:
        word, op = text(R.choice(names.words)), R.choice(['==', '!='])
        return atom(op, 'principal.mt %s %s' % (op, word),
                    'claim.mt %s %s' % (op, word))
    if kind == 1:
        g = glob(R.choice(names.words))
        return atom('like', 'principal.mw like ' + g[0],
                    'claim.mw like ' + g[1])
    if kind == 2:
        op, n = R.choice(['<', '<=', '>', '>=']), R.choice(INTS)
        return atom(op + ' int', 'principal.mn %s %d' % (op, n),
                    'claim.mn %s %d' % (op, n))
    if kind == 3:
        return set_atom(names, ('principal.ms', 'claim.ms', None))
    return atom('bool', 'principal.mb', 'claim.mb')


def expr(names, deep, leaf):
    if deep == 0 or maybe(0.4):
        return leaf(names)

    kind = R.randrange(7)
    if kind == 0:
        return ('not', expr(names, deep - 1, leaf))
    if kind == 1:
        return ('if', expr(names, deep - 1, leaf),
                expr(names, deep - 1, leaf), expr(names, deep - 1, leaf))
    return ('or' if kind < 5 else 'and',
            [expr(names, deep - 1, leaf) for _ in range(R.randint(2, 3))])


def tail(names, deep):
    """Where only what Cedar looks at last may err: there both agree."""
    if deep == 0 or maybe(0.3):
        return risky(names)

    kind = R.randrange(4)
    if kind == 0:
        return ('not', tail(names, deep - 1))
    if kind == 1:
        a, b = tail(names, deep - 1), sure(names)
        return ('if', sure(names)) + ((a, b) if maybe(0.5) else (b, a))
    return ('and' if kind == 2 else 'or', [sure(names), tail(names, deep - 1)])
