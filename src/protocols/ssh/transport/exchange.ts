/**
 * The methods of key exchange: RFC 8731 (curve25519), draft-ietf-sshm-mlkem-hybrid-kex (mlkem768x25519), RFC 5656 (ECDH),
 * RFC 4253 section 8 and RFC 8268 (Diffie-Hellman).
 */
import {
  createDiffieHellmanGroup,
  createECDH,
  createHash,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { mpint, wireString } from '../../../core/ssh-wire.ts';
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';

/** One exchange, of either side. */
export interface Exchange {
  readonly hash: string;
  /** The client's half, Q_C or e, as it is sent and hashed: the content of a `string`. */
  init(): Buffer;
  /** The server's: takes the client's half. */
  reply(init: Buffer): Shared & { readonly reply: Buffer };
  /** The client's: takes the server's half. */
  finish(reply: Buffer): Shared;
}

export interface Shared {
  /** K as it is hashed: with its length. */
  readonly secret: Buffer;
}

/** @throws SshError for a method that is not known */
export function exchangeFor(method: string): Exchange {
  switch (method) {
    case 'mlkem768x25519-sha256':
      return hybrid();
    case 'curve25519-sha256':
    case 'curve25519-sha256@libssh.org':
      return curve25519();
    case 'ecdh-sha2-nistp256':
      return ecdh('prime256v1', 'sha256');
    case 'ecdh-sha2-nistp384':
      return ecdh('secp384r1', 'sha384');
    case 'ecdh-sha2-nistp521':
      return ecdh('secp521r1', 'sha512');
    case 'diffie-hellman-group16-sha512':
      return group('modp16', 'sha512');
    case 'diffie-hellman-group18-sha512':
      return group('modp18', 'sha512');
    case 'diffie-hellman-group14-sha256':
      return group('modp14', 'sha256');
    case 'diffie-hellman-group14-sha1':
      return group('modp14', 'sha1');
    case 'diffie-hellman-group1-sha1':
      return group('modp2', 'sha1');
    default:
      throw new SshError(Disconnect.KEY_EXCHANGE_FAILED, `no key exchange method ${method}`);
  }
}

const asMpint = (secret: Buffer): Shared => ({ secret: wireString(mpint(secret)) });

/** Two equal halves whose order does not matter. */
function symmetric(hash: string, half: Buffer, agree: (theirs: Buffer) => Buffer): Exchange {
  return {
    hash,
    init: () => half,
    reply: (init) => ({ reply: half, ...asMpint(agree(init)) }),
    finish: (reply) => asMpint(agree(reply)),
  };
}

const X25519_LENGTH = 32;
const ALL_ZERO = Buffer.alloc(X25519_LENGTH);

interface X25519 {
  readonly half: Buffer;
  agree(theirs: Buffer): Buffer;
}

function x25519(): X25519 {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    half: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'),
    agree(theirs) {
      if (theirs.length !== X25519_LENGTH) throw bad('a half of the key exchange that has not 32 bytes');
      const jwk = { kty: 'OKP', crv: 'X25519', x: theirs.toString('base64url') };
      const shared = refuseErrors(() =>
        diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }),
      );
      // RFC 8731 section 3: a point of small order, by which the peer would choose the secret alone.
      if (shared.equals(ALL_ZERO)) throw bad('a half of the key exchange that gives no secret');
      return shared;
    },
  };
}

function curve25519(): Exchange {
  const { half, agree } = x25519();
  return symmetric('sha256', half, agree);
}

const MLKEM_PUBLIC = 1184;
const MLKEM_CIPHERTEXT = 1088;

function hybrid(): Exchange {
  const hash = 'sha256';
  const classic = x25519();
  const combined = (first: Buffer, second: Buffer): Shared => ({
    secret: wireString(createHash(hash).update(first).update(second).digest()),
  });
  let pair: { publicKey: KeyObject; privateKey: KeyObject } | null = null;
  return {
    hash,
    init() {
      pair = generateKeyPairSync('ml-kem-768');
      return Buffer.concat([pair.publicKey.export({ format: 'raw-public' }) as Buffer, classic.half]);
    },
    reply(init) {
      if (init.length !== MLKEM_PUBLIC + X25519_LENGTH) throw bad('a C_INIT of another length');
      const key = refuseErrors(() =>
        createPublicKey({ key: spki(init.subarray(0, MLKEM_PUBLIC)), format: 'der', type: 'spki' }),
      );
      const { sharedKey, ciphertext } = refuseErrors(() => encapsulate(key));
      const shared = combined(sharedKey, classic.agree(init.subarray(MLKEM_PUBLIC)));
      return { reply: Buffer.concat([ciphertext, classic.half]), ...shared };
    },
    finish(reply) {
      if (pair === null || reply.length !== MLKEM_CIPHERTEXT + X25519_LENGTH)
        throw bad('an S_REPLY of another length');
      const { privateKey } = pair;
      const sharedKey = refuseErrors(() => decapsulate(privateKey, reply.subarray(0, MLKEM_CIPHERTEXT)));
      return combined(sharedKey, classic.agree(reply.subarray(MLKEM_CIPHERTEXT)));
    },
  };
}

/** SubjectPublicKeyInfo of id-alg-ml-kem-768 (RFC 9935 section 3), up to the key. */
const SPKI_MLKEM768 = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');

function spki(raw: Buffer): Buffer {
  return Buffer.concat([SPKI_MLKEM768, raw]);
}

function ecdh(curve: string, hash: string): Exchange {
  const own = createECDH(curve);
  return symmetric(hash, own.generateKeys(), (theirs) => refuseErrors(() => own.computeSecret(theirs)));
}

/** The halves are `mpint`s, whose content is what `string` has. */
function group(name: string, hash: string): Exchange {
  const own = createDiffieHellmanGroup(name);
  return symmetric(hash, mpint(own.generateKeys()), (theirs) =>
    refuseErrors(() => own.computeSecret(theirs[0] === 0 ? theirs.subarray(1) : theirs)),
  );
}

function refuseErrors<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw error instanceof SshError ? error : bad(error instanceof Error ? error.message : String(error));
  }
}

function bad(what: string): SshError {
  return new SshError(Disconnect.KEY_EXCHANGE_FAILED, `the key exchange failed: ${what}`);
}
