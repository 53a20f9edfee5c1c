/** Kernel maps without room: refused and told, never somebody else's. */
import t, { type Test } from 'tap';
import { entries, Filled } from './maps.ts';
import {
  ask,
  hops,
  labDown,
  labUp,
  loginOf,
  notices,
  rootOnly,
  Shell,
  ssh,
  status,
  until,
} from './support.ts';

const WEB = 'curl -s -m 8 http://10.77.0.30/';
/** struct hl_flow_key and hl_key, abi.h. */
const FLOW_KEY = 24;
const PROCESS_KEY = 16;
const ROOT_KEY = 8;

/** A client's end on documentation addresses (RFC 3849), which no socket here has. */
function flowKey(n: number): Uint8Array {
  const key = Buffer.alloc(FLOW_KEY);
  key.set([0x20, 0x01, 0x0d, 0xb8], 0);
  key.writeUInt32BE(n, 8);
  key.writeUInt16LE(9, 16);
  return key;
}

/** A pid beyond the largest that Linux gives out (PID_MAX_LIMIT, 4 Mi). */
function processKey(n: number): Uint8Array {
  const key = Buffer.alloc(PROCESS_KEY);
  key.writeUInt32LE(0x40000000 + n, 0);
  key.writeBigUInt64LE(1n, 8);
  return key;
}

async function losses(pattern: RegExp): Promise<number> {
  const told = (await notices('loss')).filter(({ detail }) => pattern.test(detail));
  return told.reduce((sum, { count }) => sum + count, 0);
}

async function works(t: Test, shell: Shell, login: string): Promise<void> {
  const since = new Date().toISOString();
  t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ }, 'it works again');
  const [hop] = await until('its hop', async () => {
    const found = await hops({ since, login });
    return found.length > 0 ? found : null;
  });
  t.equal(hop?.chain.at(-1), 'curl');
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(() => labUp({ daemon: true }));
  t.teardown(labDown);

  t.test('no room for flows: intercepted connections are refused', { timeout: 90_000 }, async (t) => {
    const [alice, bob] = [new Shell('alice@bastion1'), new Shell('bob@bastion1')];
    const login = await loginOf(alice);
    await loginOf(bob);
    await works(t, alice, login);
    const since = new Date().toISOString();
    const filled = new Filled('flows', flowKey);
    t.teardown(() => filled.free());
    t.ok(filled.count > 60_000, `${filled.count} entries were free`);
    for (const shell of [alice, bob, alice]) {
      const { code, out } = await shell.run(WEB);
      t.not(code, 0, 'the client sees an error');
      t.equal(out, '');
    }
    await until('a loss of 3', async () => (await losses(/no room for a flow record/)) >= 3);
    const passed = (await hops({ since })).filter(({ decision }) => decision.outcome === 'allow');
    t.same(passed, [], 'nothing is recorded as let through');
    filled.free();
    await works(t, alice, login);
    alice.close();
    bob.close();
  });

  t.test('no room for processes: what they do is nobody’s, and refused', { timeout: 120_000 }, async (t) => {
    const [alice, bob] = [new Shell('alice@bastion1'), new Shell('bob@bastion1')];
    const login = await loginOf(alice);
    await loginOf(bob);
    const roots = entries('roots', ROOT_KEY);
    const since = new Date().toISOString();
    const filled = new Filled('lineage', processKey);
    t.teardown(() => filled.free());
    t.ok(filled.count > 200_000, `${filled.count} entries were free`);
    // Programs that end free their own entries: what was free again is taken at once.
    const again = new Filled('lineage', (n) => processKey(0x10000000 + n));
    t.teardown(() => again.free());
    const outcomes = [];
    for (const shell of [alice, bob, alice, bob]) outcomes.push(await shell.run(WEB));
    const made = await hops({ since });
    t.ok(
      outcomes.some(({ code }) => code !== 0),
      'a connection of a process that is not known is refused',
    );
    for (const hop of made) {
      if (hop.decision.outcome !== 'allow') continue;
      t.not(hop.login, null, 'what is let through is somebody’s');
      t.equal(hop.chain.at(-1), 'curl');
    }
    t.equal(
      outcomes.filter(({ code }) => code === 0).length,
      made.filter(({ decision }) => decision.outcome === 'allow').length,
      'the record agrees with what the clients saw',
    );
    for (let n = 0; n < 50; n++) await alice.run('/bin/true');
    await until('a loss of processes', async () => (await losses(/processes could not be remembered/)) > 0);
    filled.free();
    again.free();
    await works(t, alice, login);
    t.match(await ssh('alice@bastion1', WEB), { code: 0, out: /hello from web1/ }, 'a new login too');
    await until('no root left over', () => entries('roots', ROOT_KEY) <= roots + 3).catch(() => {});
    const now = entries('roots', ROOT_KEY);
    t.ok(now <= roots + 3, `roots did not leak: ${now} now, ${roots} before`);
    alice.close();
    bob.close();
  });

  t.test(
    'no room for logins: a new login is nobody’s, and the old ones go on',
    { timeout: 90_000 },
    async (t) => {
      const alice = new Shell('alice@bastion1');
      const login = await loginOf(alice);
      const since = new Date().toISOString();
      const filled = new Filled('roots', (n) =>
        Buffer.from(BigUint64Array.of((1n << 63n) + BigInt(n)).buffer),
      );
      t.teardown(() => filled.free());
      const { code, out } = await ssh('bob@bastion1', WEB);
      t.not(code, 0, 'refused');
      t.equal(out, '');
      await works(t, alice, login);
      const made = await hops({ since });
      t.same(
        [...new Set(made.filter(({ decision }) => decision.outcome === 'allow').map((hop) => hop.login))],
        [login],
      );
      await until('a loss of logins', async () => (await losses(/logins could not be remembered/)) > 0);
      filled.free();
      t.match(await ssh('bob@bastion1', WEB), { code: 0, out: /hello from web1/ }, 'the next login is known');
      t.equal((await status()).mode, 'enforce');
      const { logins } = await ask('tree', { all: true });
      t.ok(logins.some(({ user, hops }) => user === 'bob' && hops.length === 1));
      alice.close();
    },
  );
}
