/** What the room needs of outside, asked of the supervisor: a worker opens no file and holds no key. */
import { generateKeyPairSync } from 'node:crypto';
import type { Session } from '../room.ts';
import type { Held } from './authentication/upstream-auth.ts';
import { blobOf, keyType, signWith } from './keys/public-key.ts';
import type { Outside } from './outside.ts';
import type { Question, Questions } from './questions.ts';

export function outsideOf(session: Session): Outside {
  const ask = <Q extends Question>(question: Q, detail: Questions[Q][0]): Promise<Questions[Q][1]> =>
    session.ask(question, detail) as Promise<Questions[Q][1]>;
  let known: Promise<Questions['ssh.known-hosts'][1]> | null = null;
  const knownHosts = () => {
    known ??= ask('ssh.known-hosts', {});
    return known;
  };
  let certifies = true;
  /** For a key that was never anywhere else, and is forgotten with the connection. */
  const certified = async (account: string): Promise<Held[]> => {
    if (!certifies) return [];
    const { privateKey } = generateKeyPairSync('ed25519');
    const { certificate, serial } = await ask('ssh.certify', { account, key: text(blobOf(privateKey)) });
    if (certificate === null) return [];
    const sign = async (algorithm: string, data: Buffer): Promise<Buffer> =>
      signWith(privateKey, algorithm, data);
    return [{ type: 'key', signer: { name: `certificate ${serial}`, publicKey: bytes(certificate), sign } }];
  };
  return {
    async ownHostKeys() {
      const { key, ...own } = await ask('ssh.own-key', {});
      certifies = own.certifies;
      const sign = async (_: string, data: Buffer): Promise<Buffer> =>
        bytes((await ask('ssh.own-sign', { data: text(data) })).signature);
      const publicKey = bytes(key);
      return [{ algorithms: [keyType(publicKey)], publicKey, sign }];
    },
    hostKeys: {
      names: async () => (await knownHosts()).names,
      files: async () => (await knownHosts()).files,
      sshfp: async () => (await knownHosts()).sshfp,
      remember: async (line) => (await ask('ssh.remember', { line })).path,
    },
    auth: {
      async held(user) {
        const { credential } = session;
        if (credential === null) return { account: user, held: await certified(user) };
        const { user: account, password, source } = await credential.ask(user);
        const refused = (): void => credential.refused();
        const login: Held = { type: 'password', name: source, password, refused };
        return { account, held: [login, ...(await certified(account))] };
      },
      async signer(publicKey, passphrase) {
        const key = text(publicKey);
        let found = await ask('ssh.signer', { key });
        for (let tries = 0; found.name === null && found.locked !== null && tries < MOST_TRIES; tries += 1) {
          const given = await passphrase(found.locked);
          // As ssh: an empty one is no attempt, and leads to the next key.
          if (given === null || given.length === 0) return null;
          found = await ask('ssh.unlock', { key, passphrase: text(given) });
        }
        const { name } = found;
        if (name === null) return null;
        const sign = async (algorithm: string, data: Buffer): Promise<Buffer> =>
          bytes((await ask('ssh.sign', { key, algorithm, data: text(data) })).signature);
        return { publicKey, name, sign };
      },
    },
  };
}

/** ssh's NumberOfPasswordPrompts. */
const MOST_TRIES = 3;

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const text = (buffer: Buffer): string => buffer.toString('base64');
