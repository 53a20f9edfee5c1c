// Every way in which a program may connect by TCP: attributed, by whatever call and socket it is made.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { isHop, reachedWeb } from './assertions.ts';
import {
  FAMILIES,
  type Family,
  IPV4,
  labUp,
  mark,
  notices,
  PYTHON,
  programs,
  rootOf,
  ssh,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';

const DIAL = `${PYTHON} dial.py`;
const dial = (way: string, address: string, port: number, word: string) =>
  `python3 ${programs}/dial.py ${way} ${address} ${port} ${word}`;

t.before(async () => {
  await labUp();
  const to = `${rootOf('bastion1')}/tmp/uring`;
  execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', to, `${programs}/uring.c`]);
  chmodSync(to, 0o755);
});
t.jobs = 4;

interface Way {
  readonly way: string;
  readonly name: string;
  readonly families?: readonly Family[];
  readonly peer?: (family: Family) => string;
  readonly sudo?: boolean;
}
const ways: readonly Way[] = [
  { way: 'plain', name: 'a blocking connect' },
  { way: 'nonblocking', name: 'a non-blocking connect' },
  { way: 'mptcp', name: 'an MPTCP socket' },
  { way: 'fastopen', name: 'TCP fast open' },
  { way: 'device', name: "root's socket, bound to a device", sudo: true },
  { way: 'halfclose', name: 'a request that is closed before the answer' },
  {
    way: 'mapped',
    name: 'an IPv4 address on an IPv6 socket',
    families: [IPV4],
    peer: (family) => `::ffff:${family.address('web1')}`,
  },
];
for (const { way, name, families = FAMILIES, peer, sudo = false } of ways) {
  for (const family of families) {
    t.test(`${name}, ${family.name}`, { buffered: true }, async (t) => {
      const word = mark();
      const address = family.address('web1');
      const command = (sudo ? 'sudo ' : '') + dial(way, address, 80, word);
      const { out, err } = await ssh('alice', 'bastion1', command, { family });
      t.match(out, `peer ${peer?.(family) ?? address} 80\n`, `the program sees the peer it asked for ${err}`);
      t.match(out, 'page 404\n', 'and its answer, whole');
      const chain = ['bash', ...(sudo ? ['sudo'] : []), DIAL];
      const { login, hop } = await reachedWeb(t, { host: 'bastion1', word, family }, chain);
      t.equal(login.hops.length, 1, 'one hop');
      const ended = hop.ended ? hop : (await waitForHop('bastion1', word, (hop) => hop.ended !== null)).hop;
      t.ok((ended.bytesUp ?? 0) > 15 && (ended.bytesDown ?? 0) > 100, 'bytes are counted both ways');
      t.equal(ended.endReason, null);
    });
  }
}

for (const mode of ['plain', 'sqpoll'] as const) {
  for (const family of FAMILIES) {
    // Since Linux 6.6; before, nothing disables it.
    const setting = '/proc/sys/kernel/io_uring_disabled';
    const disabled = existsSync(setting) ? readFileSync(setting, 'utf8').trim() : '0';
    const skip = disabled === '0' ? false : `kernel.io_uring_disabled is ${disabled} on this machine`;
    t.test(`io_uring (${mode}), ${family.name}`, { buffered: true, skip }, async (t) => {
      const word = mark();
      const address = family.address('web1');
      const { out } = await ssh('alice', 'bastion1', `/tmp/uring ${mode} ${address} 80 ${word}`, { family });
      t.equal(out, `peer ${address} 80\npage 404\n`);
      const { login } = await reachedWeb(t, { host: 'bastion1', word, family }, ['bash', 'uring']);
      t.equal(login.hops.length, 1, 'one hop, also where the kernel tries twice');
    });
  }
}

for (const family of FAMILIES) {
  // The kernel lets only root take a socket off its device again, and it can't reach the proxy from there.
  t.test(`a person's socket, bound to a device, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const address = family.address('web1');
    const { out } = await ssh('alice', 'bastion1', dial('device', address, 80, word), { family });
    t.equal(out, 'errno EPERM\n', 'refused');
    const found = await waitForHop('bastion1', word);
    isHop(t, found, { chain: ['bash', DIAL], address, port: 80, outcome: 'deny', mode: 'denied' });
    t.match(found.hop.decision.reason, 'bound to a network device');
  });

  t.test(`the proxy's own port, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { code, out } = await ssh('alice', 'bastion1', dial('plain', family.loopback, 15001, word), {
      family,
    });
    t.equal(code, 1);
    t.equal(out, 'errno EPERM\n', 'refused at once');
    const found = await waitForHop('bastion1', word);
    isHop(t, found, {
      chain: ['bash', DIAL],
      address: family.loopback,
      port: 15001,
      outcome: 'deny',
      mode: 'denied',
    });
    t.match(found.hop.decision.reason, "the proxy's own port");
  });

  t.test(`the proxy's own port, by the address of any, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const any = family.version === '4' ? '0.0.0.0' : '::';
    const { out } = await ssh('alice', 'bastion1', dial('plain', any, 15001, word), { family });
    t.notMatch(out, 'page 404', 'nothing comes of it');
    const found = await waitForHop('bastion1', word);
    t.match(found.hop.decision.outcome, 'deny', 'and it is recorded as refused');
    t.equal(found.hop.destination.port, 15001);
  });

  t.test(`a network namespace of its own, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const url = family.url('web1', 80, word);
    const { code, out } = await ssh('alice', 'bastion1', `: ${word}; unshare -rn curl -sS ${url}`, {
      family,
    });
    t.not(code, 0);
    t.equal(out, '');
    const found = await waitForHop('bastion1', word);
    isHop(t, found, {
      chain: ['bash', 'unshare', 'curl'],
      address: family.address('web1'),
      port: 80,
      outcome: 'deny',
      mode: 'denied',
    });
    t.match(found.hop.decision.reason, 'network namespace');
  });

  t.test(`a destination that is not there, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const address = family.version === '4' ? '10.88.0.1' : 'fd88::1';
    const { code, out } = await ssh('alice', 'bastion1', dial('plain', address, 80, word), { family });
    t.equal(code, 1, 'the program is told');
    t.match(out, /errno E(?:CONNRESET|HOSTUNREACH|NETUNREACH|CONNREFUSED)\n/);
    const found = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
    isHop(t, found, { chain: ['bash', DIAL], address, port: 80, target: null });
    t.match(found.hop.endReason, /unreachable|UNREACH/i, 'and the record says why');
  });

  t.test(`a port on which nobody listens, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const address = family.address('web1');
    const { code, out } = await ssh('alice', 'bastion1', dial('plain', address, 81, word), { family });
    t.equal(code, 1);
    t.match(out, /errno E(?:CONNRESET|CONNREFUSED)\n/);
    const found = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
    isHop(t, found, { chain: ['bash', DIAL], address, port: 81, target: null });
    t.match(found.hop.endReason, /refused/i);
  });
}

interface Odd {
  readonly kind: string;
  readonly detail: RegExp;
  /** Only root may make it, or anybody. */
  readonly sudo?: boolean;
  readonly families?: readonly Family[];
  /** What stops it: the socket is not made, or what it does is told. */
  readonly refused: boolean;
}
const odd: readonly Odd[] = [
  { kind: 'udplite', detail: /UDP-Lite/, refused: true },
  { kind: 'ping', detail: /ping/, refused: true },
  { kind: 'sctp', detail: /SCTP/, refused: true },
  { kind: 'dccp', detail: /DCCP/, refused: true },
  { kind: 'raw', detail: /raw/, sudo: true, refused: true },
  { kind: 'packet', detail: /AF_PACKET/, sudo: true, families: [IPV4], refused: false },
  { kind: 'vsock', detail: /AF_VSOCK/, families: [IPV4], refused: false },
];

/** Why this kernel can not make such a socket at all; false where it can. */
function missing(kind: string, address: string): string | false {
  const said = execFileSync('python3', [`${programs}/odd.py`, kind, address], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return (
    /refused E(?:PROTONOSUPPORT|SOCKTNOSUPPORT|AFNOSUPPORT)/.test(said) &&
    `this kernel has no ${kind}: ${said.trim()}`
  );
}

for (const { kind, detail, sudo = false, families = FAMILIES, refused } of odd) {
  for (const family of families) {
    // To loopback, outside of any lab: whether the kernel has the protocol is all that is asked.
    const skip = kind === 'packet' || kind === 'vsock' ? false : missing(kind, family.loopback);
    t.test(`a socket of another kind: ${kind}, ${family.name}`, { buffered: true, skip }, async (t) => {
      const word = mark();
      const program = `python3 ${programs}/odd.py ${kind} ${family.address('web1')} ${word}`;
      const { out, err } = await ssh('alice', 'bastion1', sudo ? `sudo ${program}` : program, { family });
      if (/E(?:PROTONOSUPPORT|SOCKTNOSUPPORT|AFNOSUPPORT)/.test(out)) {
        t.comment(`this kernel has no ${kind}: ${out.trim()}`);
        return;
      }
      if (refused) t.equal(out, 'refused EPERM\n', `not made ${err}`);
      const login = await waitForLogin('bastion1', word);
      t.equal(login.identity?.name, 'alice');
      const notice = await until(
        async () =>
          (await notices('bastion1')).find((one) => one.login === login.id && detail.test(one.detail)) ??
          null,
        `a notice of ${kind} in ${login.id}`,
      );
      t.equal(notice.kind, 'refused');
      t.match(notice.detail, `${PYTHON} odd.py`, 'the chain is told');
    });
  }
}

// Only root can, and no hook sees it: what is left is to tell that it happened.
for (const family of FAMILIES) {
  t.test(`a connection made by hand, frame by frame, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    // Another than that of the same by the other family, which runs beside it.
    const port = 20_000 + 2 * (Date.now() % 5000) + (family.version === '4' ? 0 : 1);
    const ends = `${family.address('web1')} ${word} ${family.address('bastion1')} ${port}`;
    const { out } = await ssh('alice', 'bastion1', `sudo python3 ${programs}/odd.py forged ${ends}`, {
      family,
    });
    t.equal(out, 'made\nsent\n');
    const told = await until(
      async () =>
        (await notices('bastion1', ['--kind', 'tripwire'])).find(({ detail }) =>
          detail.includes(`port ${port} `),
        ) ?? null,
      `a notice of the tripwire about port ${port}`,
    );
    const [from, to] = [family.address('bastion1'), family.address('web1')];
    t.equal(told.detail, `tcp from ${from} to ${to} port ${port} left by eth0 and no known flow explains it`);
    t.equal(told.login, null, 'nobody is blamed for what nobody saw begin');
    const login = await waitForLogin('bastion1', word);
    const refused = (await notices('bastion1')).filter((one) => one.login === login.id);
    t.ok(
      refused.some(({ detail }) => /AF_PACKET/.test(detail)),
      'the socket is told under its login',
    );
  });
}
