const MASK = 0xffff_ffff_ffff_ffffn;

/**
 * SipHash-2-4, a keyed hash of 64 bits. Jean-Philippe Aumasson and Daniel J. Bernstein, "SipHash: a fast short-input
 * PRF" (2012), section 2. The kernel half has the same for one word: bpf/siphash.h.
 * @param key 16 bytes
 * @returns 8 bytes, little-endian as the paper has them
 * @throws RangeError where the key has another length
 */
export function siphash(key: Uint8Array, message: Uint8Array): Buffer {
  if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
  const keys = new DataView(key.buffer, key.byteOffset, key.length);
  const [k0, k1] = [keys.getBigUint64(0, true), keys.getBigUint64(8, true)];
  const v: State = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  // What does not fill a word is filled up with zeros, the last byte is the length modulo 256.
  const padded = new Uint8Array(message.length - (message.length % 8) + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length & 0xff;
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = words.getBigUint64(at, true);
    v[3] ^= word;
    rounds(v, 2);
    v[0] ^= word;
  }
  v[2] ^= 0xffn;
  rounds(v, 4);
  const hash = Buffer.alloc(8);
  hash.writeBigUInt64LE(v[0] ^ v[1] ^ v[2] ^ v[3]);
  return hash;
}

type State = [bigint, bigint, bigint, bigint];

function rounds(v: State, count: number): void {
  let [v0, v1, v2, v3] = v;
  for (let round = 0; round < count; round++) {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  }
  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
}

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (64n - bits))) & MASK;
}
