/** What a broker does for the supervisor, as the person whose connection it is. */
import { basename } from 'node:path';
import { Secret } from '../core/secret.ts';
import { signWith } from '../protocols/ssh/keys/public-key.ts';
import type { Question, Questions, SignerAnswer } from '../protocols/ssh/questions.ts';
import { agentSign, identities } from './agent.ts';
import { hostsNames, knownHostsFiles, remember } from './files.ts';
import { KeyFiles } from './key-files.ts';
import { isUserauth } from './userauth.ts';

/** Of the process whose connection it is. */
export interface Person {
  /** Null where it has none on this host: what runs in a container. */
  readonly home: string | null;
  /** SSH_AUTH_SOCK. */
  readonly agent: string | null;
  /** Key files that its arguments name. */
  readonly identities: readonly string[];
}

export type BrokerQuestion = Exclude<Question, 'ssh.own-key' | 'ssh.own-sign' | 'ssh.certify'>;
/** Beside a question's own detail. */
export interface Where {
  readonly address: string;
  /** With `ssh.known-hosts`: DNS is asked as well. */
  readonly sshfp?: { readonly name: string; readonly resolvers: readonly string[] } | null;
}

type Answers = { [Q in BrokerQuestion]: (detail: Questions[Q][0] & Where) => Promise<Questions[Q][1]> };

export function brokerFor(person: Person): Answers {
  const { home, agent } = person;
  const keys = new KeyFiles(person);
  const inAgent = async (key: Buffer): Promise<boolean> =>
    agent !== null && (await identities(agent)).some((each) => each.equals(key));
  const signer = async (key: Buffer): Promise<SignerAnswer> => {
    if (await inAgent(key)) return { name: 'agent', locked: null };
    const file = await keys.find(key);
    if (file === null) return { name: null, locked: null };
    return file.key === null
      ? { name: null, locked: file.path }
      : { name: `key file ${basename(file.path)}`, locked: null };
  };
  return {
    async 'ssh.known-hosts'({ address, sshfp = null }) {
      const dns = sshfp === null ? null : import('./sshfp.ts');
      const [names, files, records = null] = await Promise.all([
        hostsNames(address),
        knownHostsFiles(home),
        ...(dns === null || sshfp === null
          ? []
          : [dns.then((room) => room.sshfpOf(sshfp.name, sshfp.resolvers))]),
      ]);
      return { names, files, sshfp: records };
    },
    'ssh.remember': async ({ line }) => ({ path: await remember(home, line) }),
    'ssh.signer': ({ key }) => signer(bytes(key)),
    async 'ssh.unlock'({ key, passphrase }) {
      const secret = new Secret(bytes(passphrase).toString());
      await keys.unlock(bytes(key), secret);
      secret.clear();
      return signer(bytes(key));
    },
    async 'ssh.sign'({ key, algorithm, data }) {
      const [blob, request] = [bytes(key), bytes(data)];
      if (!isUserauth(request, blob)) throw new Error('only a request to log in is signed');
      if (agent !== null && (await inAgent(blob)))
        return { signature: (await agentSign(agent, blob, algorithm, request)).toString('base64') };
      const file = await keys.find(blob);
      if (file === null || file.key === null) throw new Error('the key is not to be had');
      return { signature: signWith(file.key, algorithm, request).toString('base64') };
    },
  };
}

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
