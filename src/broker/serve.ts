/** What a broker does for the supervisor, as the person whose connection it is. */
import { basename } from 'node:path';
import { parsePrivateKey } from '../protocols/ssh/keys/private-key.ts';
import { blobOf, signWith } from '../protocols/ssh/keys/public-key.ts';
import type { Question, Questions } from '../protocols/ssh/questions.ts';
import { agentSign, identities } from './agent.ts';
import { hostsNames, keyFiles, knownHostsFiles, remember } from './files.ts';
import { isUserauth } from './userauth.ts';

/** Of the process whose connection it is. */
export interface Person {
  readonly home: string;
  /** SSH_AUTH_SOCK. */
  readonly agent: string | null;
  /** Key files that its arguments name. */
  readonly identities: readonly string[];
}

export type BrokerQuestion = Exclude<Question, 'ssh.own-key' | 'ssh.own-sign'>;
/** Beside a question's own detail. */
export interface Where {
  readonly address: string;
}

type Answers = { [Q in BrokerQuestion]: (detail: Questions[Q][0] & Where) => Promise<Questions[Q][1]> };

export function brokerFor(person: Person): Answers {
  const { home, agent } = person;
  return {
    'ssh.known-hosts': async ({ address }) => ({
      names: await hostsNames(address),
      files: await knownHostsFiles(home),
    }),
    'ssh.remember': async ({ line }) => ({ path: await remember(home, line) }),
    async 'ssh.signer'({ key }) {
      const blob = Buffer.from(key, 'base64');
      if (agent !== null && (await identities(agent)).some((each) => each.equals(blob)))
        return { name: 'agent' };
      const file = await keyFile(person, blob);
      return { name: file === null ? null : `key file ${basename(file.path)}` };
    },
    async 'ssh.sign'({ key, algorithm, data }) {
      const [blob, bytes] = [Buffer.from(key, 'base64'), Buffer.from(data, 'base64')];
      if (!isUserauth(bytes, blob)) throw new Error('only a request to log in is signed');
      if (agent !== null && (await identities(agent)).some((each) => each.equals(blob)))
        return { signature: (await agentSign(agent, blob, algorithm, bytes)).toString('base64') };
      const file = await keyFile(person, blob);
      if (file === null) throw new Error('the key is not to be had');
      return { signature: signWith(parsePrivateKey(file.text), algorithm, bytes).toString('base64') };
    },
  };
}

/** The file with the private half, unencrypted. */
async function keyFile({ home, identities: named }: Person, blob: Buffer) {
  for await (const file of keyFiles(home, named)) {
    if (file.publicKey !== null && !file.publicKey.equals(blob)) continue;
    try {
      if (blobOf(parsePrivateKey(file.text)).equals(blob)) return file;
    } catch {
      // Encrypted, or of a kind that is not known: not to be had here.
    }
  }
  return null;
}
