"""Random sets of Cedar policies, each as Weir has it, and Cedar's decisions.

usage: cedar.py SEED SETS DIR

Writes DIR/bundle/N.policy, DIR/requests (JSON lines for weirctl eval) and
DIR/expected (JSON lines: what is expected of each), and prints, as JSON, how
often each thing came up.

A policy of Cedar that errs is skipped; here an attribute that is absent is
unknown, a deny that is unknown denies, and && and || are Kleene's.  So Cedar
is asked for each atom, too, and of a policy that errs the truth is computed
from these.  Only those may differ: Cedar's answer holds for all others.
"""

import json
import os
import re
import sys

import cedarpy

from cedar_expr import (
    atom, atoms, cedar, conjunction, expr, GROUPS, guarded, INTS, IPS,
    ISSUER, maybe, METHODS, Names, NEAR, negation, NETS, PATHS, R, risky,
    ROLES, SCHEMA, some, sure, tail, TEXTS, TIMES, truth, USERS, weir)


# --- policies

class Policy:
    """One policy: its scope, and clauses (when, expression)."""

    def __init__(self, names, permit, mode, roles):
        self.permit = permit
        self.clauses = []
        self.aim = {}                   # what a request needs to be in scope
        self.ops = []                   # of the scope
        self.weir = []                  # statements

        if mode == 'plain':
            self.scope = ['principal', 'action', 'resource']
            self.say('scope', None, 'who anyone;')
            return

        self.scope = [self.principal(roles), self.action(), None]
        self.scope[2] = self.resource()

        for _ in range(R.choice([0, 1, 1, 2])):
            leaf = sure if mode != 'free' else \
                lambda n: risky(n) if maybe(0.4) else sure(n)
            self.clause(maybe(0.75), expr(names, R.randint(0, 2), leaf))
        if mode == 'last' and maybe(0.6):
            self.clause(maybe(0.6), tail(names, R.randint(0, 2)))

        # networks and hours, as scopes of ours

        if maybe(0.12):
            nets = some(NETS, 2)
            self.first('from', '(%s)' % ' || '.join(
                'context.ip.isInRange(ip("%s"))' % n for n in nets),
                'from %s;' % ', '.join(nets))
        if maybe(0.08):
            a, b = R.choice([(8, 18), (0, 8), (8, 24)])
            self.first('window', '(context.time.toTime() >= duration("%dh")'
                       ' && context.time.toTime() < duration("%dh"))' % (a, b),
                       'during %s;' % names.define(
                           'window', 'mon-sun %02d:00-%02d:00 UTC' % (a, b)))

    def clause(self, when, e, as_weir=None):
        self.clauses.append((when, e))
        self.weir.append('%s %s;' % ('if' if when else 'unless', weir(e))
                         if as_weir is None else as_weir)

    def first(self, op, of_cedar, of_weir):
        self.clauses.insert(0, (True, atom(op, of_cedar, '-')))
        self.weir.append(of_weir)

    def say(self, op, of_cedar, of_weir, **aim):
        self.ops.append(op)
        self.weir.append(of_weir)
        self.aim.update(aim)
        return of_cedar

    def principal(self, roles):
        kind = R.randrange(12)
        t, id_ = user = R.choice(USERS)
        role = R.choice(roles)

        if kind in (0, 1):
            return self.say('scope ==', 'principal == %s::"%s"' % user,
                            'who subject %s issuer %s;' % (id_, ISSUER[t]),
                            user=user)
        if kind in (2, 3, 4):
            return self.say('scope in role', 'principal in Role::"%s"' % role,
                            'who role %s;' % role, role=role)
        if kind == 5:
            return self.say('scope is', 'principal is ' + t,
                            'who issuer %s;' % ISSUER[t], user=user)
        if kind == 6:
            return self.say('scope is in', 'principal is %s in Role::"%s"'
                            % (t, role), 'who role %s; if has identity.issuer'
                            ' && identity.issuer == "%s";' % (role, ISSUER[t]),
                            user=user, role=role)
        if kind == 7:
            some_ = some(roles, 2)
            self.clause(True, atom('in [roles]', 'principal in [%s]'
                        % ', '.join('Role::"%s"' % r for r in some_), '-'),
                        'who %s;' % ', '.join('role ' + r for r in some_))
            self.aim['role'] = some_[0]
            return 'principal'
        return self.say('scope', 'principal', 'who anyone;')

    def action(self):
        kind = R.randrange(6)
        m = R.choice(METHODS)

        if kind == 0:
            self.what, self.aim['method'] = m, m
            self.ops.append('action ==')
            return 'action == Action::"%s"' % m
        if kind in (1, 2):
            ms = some(METHODS, 4)
            self.what, self.aim['method'] = ', '.join(ms), R.choice(ms)
            self.ops.append('action in list')
            return 'action in [%s]' % ', '.join('Action::"%s"' % x
                                                for x in ms)
        if kind == 3:
            g = R.choice(list(GROUPS))
            self.what = ', '.join(GROUPS[g])
            self.aim['method'] = R.choice(GROUPS[g])
            self.ops.append('action in group')
            return 'action in Action::"%s"' % g
        self.what = '*'
        return 'action'

    def resource(self):
        kind = R.randrange(8)
        p = R.choice(PATHS)

        if kind == 0:
            self.aim['path'] = p
            return self.say('resource ==', 'resource == Path::"%s"' % p,
                            'what %s %s;' % (self.what, p))
        if kind in (1, 2, 3):
            self.aim['path'] = p
            return self.say('resource in', 'resource in Path::"%s"' % p,
                            'what %s %s/**;' % (self.what, p.rstrip('/')))
        if kind == 4:
            a = R.choice(TEXTS[:5])
            self.clause(True, atom('capture', 'resource has first', '-'),
                        'what %s /{first}/**;' % self.what)
            self.clause(True, guarded(
                atom('== capture', '%s == resource.first' % a[0],
                     '%s == path.first' % a[1]), a))
            return 'resource'
        if self.what != '*' or maybe(0.3):
            self.weir.append('what %s /**;' % self.what)
        return 'resource'

    def cedar_text(self):
        clauses = ''.join('\n    %s { %s }' % ('when' if when else 'unless',
                                               cedar(e))
                          for when, e in self.clauses)
        return '%s (%s)%s;' % ('permit' if self.permit else 'forbid',
                               ', '.join(self.scope), clauses)

    def scope_text(self):
        return 'permit (%s);' % ', '.join(self.scope)

    def truth(self, in_scope, known):
        if not in_scope:
            return False
        return conjunction(truth(e, known) if when
                           else negation(truth(e, known))
                           for when, e in self.clauses)

    def weir_text(self, name):
        return '%s %s {\n    %s\n}\n' % ('permit' if self.permit else 'deny',
                                        name, '\n    '.join(self.weir))


class Set:
    """A set of policies, the roles that it has, and what is asked of it."""

    def __init__(self, i):
        self.name = 's%d' % i
        self.mode = R.choices(['sure', 'last', 'free'], [55, 27, 18])[0]
        self.names = Names()

        # a role includes later ones only

        self.includes = {r: [x for x in ROLES[j + 1:] if maybe(0.3)]
                         for j, r in enumerate(ROLES)}
        n = R.choice([1, 2, 3, 4, 5, 5])
        self.policies = [Policy(self.names, j == 0 and maybe(0.9)
                                or maybe(0.7), self.mode, ROLES)
                         for j in range(n)]

        # what is allowed otherwise shows that an erring forbid denies

        if self.mode != 'sure' and maybe(0.3):
            self.policies.append(Policy(self.names, True, 'plain', ROLES))

        self.requests = []
        for user in R.sample(USERS, R.randint(2, len(USERS))):
            self.request(user)

    def cedar_text(self):
        return '\n'.join(p.cedar_text() for p in self.policies) + '\n'

    def weir_text(self):
        out = ['language 1;\npolicy %s;\n' % self.name, SCHEMA]
        out += [x + '\n' for x in self.names.head]
        for r in ROLES:
            more = self.includes[r]
            out.append('role %s { when has claim.roles && "%s" in claim.roles;'
                       '%s }\n' % (r, r, ' includes %s;' % ', '.join(more)
                                   if more else ''))
        out += [p.weir_text('p%d' % j) for j, p in enumerate(self.policies)]
        return ''.join(out)

    # Near what a policy asks for: its words, its networks, its scope.

    def word(self):
        return R.choice(self.names.words)

    def words(self):
        return R.sample(self.names.words, R.randint(0, 4))

    def claims(self, aim):
        c = {'t': self.word(), 'u': self.word(),
             'https://x.test/y': self.word(), 'p': {'q': self.word()},
             'n': R.choice(INTS), 'k': R.choice(INTS), 's': self.words(),
             'r': self.words(), 'b': maybe(0.6), 'c': maybe(0.6)}

        roles = [r for r in ROLES if maybe(0.2)]
        if 'role' in aim and aim['role'] not in roles:
            roles.append(aim['role'])
        if roles or maybe(0.7):
            c['roles'] = roles
        if 'path' in aim and maybe(0.5):
            c['t'] = aim['path'].split('/')[1]
        for name, value in (('o', self.word()), ('on', R.choice(INTS)),
                            ('os', self.words()), ('ob', maybe(0.6)),
                            ('mt', self.word()),
                            ('mw', R.choice([self.word(), 7])),
                            ('mn', R.choice([R.choice(INTS), 'x'])),
                            ('ms', R.choice([self.words(), 'a'])),
                            ('mb', R.choice([True, False, 'x']))):
            if maybe(0.7):
                c[name] = value
        if maybe(0.5):
            c['p']['o'] = self.word()
        return c

    def request(self, user):
        aim = R.choice(self.policies).aim if maybe(0.75) else {}
        taken = [r['user'] for r in self.requests]
        if 'user' in aim and aim['user'] not in taken:
            user = aim['user']
        if user in taken:
            return

        path = aim.get('path') or R.choice(PATHS)
        if maybe(0.2):
            path = path.rstrip('/') + R.choice(['/a', '/b', '/c', 'b'])
        if path[0] != '/':
            path = '/' + path
        nets = re.findall(r'ip\("([0-9a-f:.]+)', self.cedar_text())
        nets += [ip for word, ips in NEAR.items() if word in self.cedar_text()
                 for ip in ips]
        ip = R.choice(nets) if nets and maybe(0.5) else R.choice(IPS)
        if ip.endswith('::') and maybe(0.5):
            ip += '1'
        times = re.findall(r'datetime\("([^"]+)', self.cedar_text())
        self.requests.append({
            'user': user, 'path': path, 'ip': ip,
            'method': aim.get('method') or R.choice(METHODS),
            'time': R.choice(times) if times and maybe(0.4)
            else R.choice(TIMES),
            'claims': self.claims(aim),
            'context': {k: self.word() for k in ('h', 'q', 'sni')
                        if maybe(0.6)}})

    def weir_requests(self):
        for r in self.requests:
            c = r['context']
            line = {'policy': self.name, 'method': r['method'],
                    'path': r['path'], 'source': r['ip'], 'time': r['time'],
                    'identity': {'kind': 'jwt', 'issuer': ISSUER[r['user'][0]],
                                 'subject': r['user'][1]},
                    'claims': r['claims']}
            if 'h' in c:
                line['headers'] = {'x-h': c['h']}
            if 'q' in c:
                line['query'] = {'q': c['q']}
            if 'sni' in c:
                line['tls'] = {'sni': c['sni']}
            yield line

    def cedar_requests(self):
        for r in self.requests:
            context = {k: {'__extn': {'fn': fn, 'arg': r[k]}}
                       for k, fn in (('ip', 'ip'), ('time', 'datetime'))}
            context.update(r['context'])
            yield {'principal': {'type': r['user'][0], 'id': r['user'][1]},
                   'action': {'type': 'Action', 'id': r['method']},
                   'resource': {'type': 'Path', 'id': r['path']},
                   'context': context}

    def entities(self):
        def uid(t, i):
            return {'type': t, 'id': i}

        out = [{'uid': uid('Role', r), 'attrs': {},
                'parents': [uid('Role', x) for x in self.includes[r]]}
               for r in ROLES]
        out += [{'uid': uid('Action', m), 'attrs': {},
                 'parents': [uid('Action', g) for g in GROUPS
                             if m in GROUPS[g]]} for m in METHODS]
        for r in self.requests:
            attrs = {k: v for k, v in r['claims'].items() if k != 'roles'}
            out.append({'uid': uid(*r['user']), 'attrs': attrs,
                        'parents': [uid('Role', x)
                                    for x in r['claims'].get('roles', [])]})
        for path in {r['path'] for r in self.requests}:
            parts = path.strip('/').split('/')
            above = ['/'] + ['/' + '/'.join(parts[:n])
                             for n in range(1, len(parts))]
            out.append({'uid': uid('Path', path),
                        'attrs': {'first': parts[0]} if parts[0] else {},
                        'parents': [uid('Path', x) for x in above
                                    if x != path]})
        return out


# --- decisions

def erring(result):
    return [int(re.search(r'`policy(\d+)`', e).group(1))
            for e in result.diagnostics.errors]


def ask(policies, requests, entities):
    return cedarpy.is_authorized_batch(
        requests, cedarpy.PolicySet.from_str('\n'.join(policies)), entities)


def decide(s, counts):
    """What is expected of each request: a dict each."""
    requests = list(s.cedar_requests())
    entities = cedarpy.Entities.from_json_str(json.dumps(s.entities()))
    decided = ask([s.cedar_text()], requests, entities)

    # each atom and each scope as a policy of its own

    every = {a[2]: a[1] for p in s.policies for _, e in p.clauses
             for a in atoms(e)}
    single = ['permit (principal, action, resource) when { %s };' % a
              for a in every]
    values = ask(single + [p.scope_text() for p in s.policies], requests,
                 entities)

    for op in [op for p in s.policies for op in p.ops]:
        count(counts['operators'], op, 'asked')

    for one, all_ in zip(decided, values):
        true = {int(x[len('policy'):]) for x in all_.diagnostics.reasons}
        unknown = set(erring(all_))
        known = {}
        for i, (a, op) in enumerate(every.items()):
            known[a] = True if i in true else None if i in unknown else False
            count(counts['operators'], op, {True: 'true', False: 'false',
                                            None: 'erring'}[known[a]])

        errs = set(erring(one))
        cedar_allows = one.allowed
        allows = one.allowed
        why = 'cedar'

        for i in sorted(errs):
            p = s.policies[i]
            v = p.truth(len(every) + i in true, known)
            kind = 'permit' if p.permit else 'forbid'
            count(counts['erring'], kind, s.mode)
            if v is not None:
                count(counts['erring'], kind + ' known', s.mode)
            if p.permit and v and not one.diagnostics.reasons:
                allows = True
        for i in errs:
            p = s.policies[i]
            if not p.permit and p.truth(len(every) + i in true, known) \
                    is not False:
                allows, why = False, 'forbid errs'

        counts['allow' if allows else 'deny'] += 1
        counts['other than cedar'] += allows != cedar_allows
        yield {'verdict': 'permit' if allows else 'deny', 'why': why,
               'cedar': one.decision.name,
               'errors': list(one.diagnostics.errors)}


def count(where, a, b):
    where.setdefault(a, {}).setdefault(b, 0)
    where[a][b] += 1


def main():
    seed, n, where = sys.argv[1:]
    R.seed(int(seed))
    counts = {'sets': 0, 'allow': 0, 'deny': 0, 'other than cedar': 0,
              'policies': 0, 'operators': {}, 'erring': {}}

    os.mkdir(where + '/bundle')

    def write(name, mode='w'):
        return open('%s/%s' % (where, name), mode, encoding='utf-8')

    with write('requests') as requests, write('expected') as expected:
        for i in range(int(n)):
            s = Set(i)
            counts['sets'] += 1
            counts['policies'] += len(s.policies)
            with write('bundle/%s.policy' % s.name) as f:
                f.write(s.weir_text())
            with write('%s.cedar' % s.name) as f:
                f.write(s.cedar_text() + '\n' + json.dumps(s.entities()))
            for line, e in zip(s.weir_requests(), decide(s, counts)):
                requests.write(json.dumps(line) + '\n')
                e['set'] = s.name
                expected.write(json.dumps(e) + '\n')

    print(json.dumps(counts))


if __name__ == '__main__':
    main()
