import t from 'tap';
import { WireError, wireString } from '../../src/core/ssh-wire.ts';
import { parseSshKey, type SshKey } from '../../src/identity/ssh-key.ts';
import { blobOf, certify, newKey, printOf, publicKey } from './keys.ts';

const TYPES: readonly [string, string | undefined, string][] = [
  ['ed25519', undefined, 'ssh-ed25519'],
  ['rsa', '2048', 'ssh-rsa'],
  ['ecdsa', '256', 'ecdsa-sha2-nistp256'],
  ['ecdsa', '384', 'ecdsa-sha2-nistp384'],
  ['ecdsa', '521', 'ecdsa-sha2-nistp521'],
];

t.test('keys and certificates of ssh-keygen, of each type', async (t) => {
  const directory = t.testdir();
  const ca = newKey(directory, 'ca', 'ed25519');
  for (const [type, bits, name] of TYPES) {
    const key = newKey(directory, name, type, bits);
    t.strictSame(parseSshKey(blobOf(publicKey(`${key}.pub`))), {
      type: name,
      fingerprint: printOf(`${key}.pub`),
      certificate: null,
    });
    const certificate = certify(
      ca,
      key,
      'alice@example.com',
      '-n',
      'alice,ops',
      '-z',
      '18446744073709551615',
    );
    t.strictSame(parseSshKey(blobOf(publicKey(certificate))), {
      type: `${name}-cert-v01@openssh.com`,
      fingerprint: printOf(`${key}.pub`),
      certificate: {
        serial: '18446744073709551615',
        keyId: 'alice@example.com',
        principals: ['alice', 'ops'],
        ca: printOf(`${ca}.pub`),
      },
    });
  }
});

t.test('key ids and principals as they come', async (t) => {
  const directory = t.testdir();
  const ca = newKey(directory, 'ca', 'rsa', '2048');
  const key = newKey(directory, 'key', 'ed25519');
  const read = (...args: [string, ...string[]]) =>
    parseSshKey(blobOf(publicKey(certify(ca, key, ...args)))).certificate;
  t.match(read('none'), { keyId: 'none', principals: [], serial: '0' });
  t.match(read('jörg "x"\n- y', '-O', 'force-command=/bin/true'), { keyId: 'jörg "x"\n- y' });
  const many = Array.from({ length: 256 }, (_, n) => `p${n}`);
  t.equal(read('many', '-n', many.join(','))?.principals.length, 256);
  t.throws(() => parseSshKey(blobOf(publicKey(certify(ca, key, 'host', '-h')))), /not for users/);
});

t.test('cut and lengthened at every byte', async (t) => {
  const whole = certificateBlob(t.testdir());
  for (let length = 0; length < whole.length; length++) {
    t.throws(() => parseSshKey(whole.subarray(0, length)), WireError);
  }
  t.throws(() => parseSshKey(Buffer.concat([whole, Buffer.alloc(1)])), /bytes after the end/);
});

t.test('every bit flipped: refused, or read as exactly what the bytes then say', async (t) => {
  const whole = certificateBlob(t.testdir());
  const before = parseSshKey(whole);
  const tally = { refused: 0, read: 0 };
  for (let at = 0; at < whole.length * 8; at++) {
    const bytes = Buffer.from(whole);
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
    const after = outcome(bytes);
    if (after === null) tally.refused += 1;
    else {
      tally.read += 1;
      if (after.type !== before.type) t.fail(`the type became ${after.type}`);
      const kept = [
        after.fingerprint === before.fingerprint,
        after.certificate?.ca === before.certificate?.ca,
      ];
      if (!kept[0] && !kept[1]) t.fail(`bit ${at} changed both the key and the CA`);
    }
  }
  t.ok(tally.refused > 100, `${tally.refused} refused`);
  t.ok(tally.read > 100, `${tally.read} read`);
});

t.test('lengths and counts that lie', async (t) => {
  const ed25519 = (...fields: Buffer[]) =>
    Buffer.concat([Buffer.from('ssh-ed25519'), ...fields].map(wireString));
  const cases: readonly [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a length of 4 GiB', Buffer.from('ffffffff00', 'hex')],
    ['no key', ed25519()],
    ['two keys', ed25519(Buffer.alloc(32), Buffer.alloc(32))],
    ['an unknown type', wireString(Buffer.from('ssh-future'))],
    [
      'a type that every object has',
      Buffer.concat([wireString(Buffer.from('constructor')), wireString(Buffer.alloc(1))]),
    ],
    ['a type that is not UTF-8', wireString(Buffer.from([0xff]))],
    ['a blob past the limit', ed25519(Buffer.alloc(300_000))],
    [
      '257 principals',
      certificateWith(Buffer.concat(Array.from({ length: 257 }, () => wireString(Buffer.from('p'))))),
    ],
    ['a principal longer than its list', certificateWith(Buffer.from('0000000570', 'hex'))],
  ];
  for (const [what, blob] of cases) t.throws(() => parseSshKey(blob), WireError, what);
  t.equal(parseSshKey(certificateWith(wireString(Buffer.from('p')))).certificate?.principals[0], 'p');
});

t.test('random bytes never do anything but be refused', async (t) => {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  for (let round = 0; round < 5_000; round++) {
    const bytes = Buffer.from(Array.from({ length: next() % 200 }, () => next() & 255));
    const typed =
      round % 2 === 0
        ? bytes
        : Buffer.concat([wireString(Buffer.from('ssh-rsa-cert-v01@openssh.com')), bytes]);
    outcome(typed);
  }
  t.pass('5,000 rounds');
});

/** The key, or null where it is refused as it should be; anything else that is thrown fails the test. */
function outcome(bytes: Buffer): SshKey | null {
  try {
    return parseSshKey(bytes);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function certificateBlob(directory: string): Buffer {
  const ca = newKey(directory, 'ca', 'ed25519');
  const key = newKey(directory, 'key', 'ed25519');
  return blobOf(publicKey(certify(ca, key, 'alice@example.com', '-n', 'alice', '-z', '7')));
}

function certificateWith(principals: Buffer): Buffer {
  const uint = (bytes: number, value: number) =>
    Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex');
  const text = (value: string) => wireString(Buffer.from(value));
  const head = [text('ssh-ed25519-cert-v01@openssh.com'), text('nonce'), wireString(Buffer.alloc(32))];
  const body = [uint(8, 1), uint(4, 1), text('id'), wireString(principals), uint(8, 0), uint(8, 0)];
  return Buffer.concat([...head, ...body, text(''), text(''), text(''), text('ca'), text('signature')]);
}
