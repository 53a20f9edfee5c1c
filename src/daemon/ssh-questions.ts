/** What a worker's SSH room asks: of Hopline's own key, and of the person whose connection it is. */
import { SshCa } from '../authority/ssh-ca.ts';
import type { TargetCertificates } from '../core/credentials.ts';
import { record, text } from '../core/fields.ts';
import type { Id } from '../core/types.ts';
import { Brokers } from './brokers.ts';
import type { OpenHops } from './open-hops.ts';
import { SshHostKey } from './ssh-host-key.ts';
import { sshPersonOf } from './ssh-person.ts';

export interface SshQuestionsOptions {
  readonly open: OpenHops;
  /** This host, as the record has it. */
  readonly host: string;
  /** As they are configured now. */
  certificates(): TargetCertificates;
  /** Resolvers to ask for the keys of a target's host; null: DNS is not asked. */
  sshfp(target: string | null): readonly string[] | null;
  /** Path of broker.ts. */
  readonly brokerEntry: string;
  /** Directories: of the daemon's state, and where what is for everybody to read is put. */
  readonly state: string;
  readonly run: string;
}

/** What a broker answers, with the fields that each question may have. */
const OF_PERSONS: Readonly<Record<string, readonly string[]>> = {
  'ssh.known-hosts': [],
  'ssh.remember': ['line'],
  'ssh.signer': ['key'],
  'ssh.unlock': ['key', 'passphrase'],
  'ssh.sign': ['key', 'algorithm', 'data'],
};
const FIELD_LIMIT = 256 * 1024;

export class SshQuestions {
  readonly authority: SshCa;
  readonly #options: SshQuestionsOptions;
  readonly #hostKey: SshHostKey;
  readonly #brokers: Brokers;

  /** @throws Error where the host key is none */
  constructor(options: SshQuestionsOptions) {
    const { brokerEntry, state, run } = options;
    this.#options = options;
    this.authority = new SshCa(state);
    this.#hostKey = new SshHostKey(state, run);
    this.#brokers = new Brokers({ entry: brokerEntry, asOthers: process.getuid?.() === 0 });
  }

  stop(): void {
    this.#brokers.stop();
  }

  /** @param detail JSON, of a worker: it is checked. @returns JSON. @throws Error where there is no answer */
  async answer(hop: Id, question: string, detail: string): Promise<string> {
    const hostKey = this.#hostKey;
    const given = record(JSON.parse(detail));
    if (given === null) throw new Error('a question without its detail');
    if (question === 'ssh.own-key') {
      const certifies = this.#certifiable(hop) !== null;
      return JSON.stringify({ key: hostKey.publicKey.toString('base64'), certifies });
    }
    if (question === 'ssh.own-sign') {
      const [data] = fields(given, ['data']);
      const signature = hostKey.sign(Buffer.from(data ?? '', 'base64')).toString('base64');
      return JSON.stringify({ signature });
    }
    if (question === 'ssh.certify') {
      const [account = '', key = ''] = fields(given, ['account', 'key']);
      return JSON.stringify(this.#certify(hop, account, Buffer.from(key, 'base64')));
    }
    const names = Object.hasOwn(OF_PERSONS, question) ? OF_PERSONS[question] : undefined;
    if (names === undefined) throw new Error(`no question ${question}`);
    const values = fields(given, names);
    return JSON.stringify(
      await this.#ofPerson(hop, question, Object.fromEntries(names.map((name, at) => [name, values[at]]))),
    );
  }

  /** @param account at the host, whom the client asks for */
  #certify(id: Id, account: string, key: Buffer): { certificate: string | null; serial: string } {
    const able = this.#certifiable(id);
    if (able === null || (account !== able.user && !able.accounts.includes(account)))
      return { certificate: null, serial: '' };
    const { host } = this.#options;
    const made = this.authority.certify(key, account, { identity: able.identity, host, hop: id });
    return { certificate: made.certificate.toString('base64'), serial: `${made.serial}` };
  }

  /** Whom a hop's person may be at the host by a certificate: themselves, and these; null: nobody. */
  #certifiable(id: Id) {
    const { hop, root = null } = this.#options.open.get(id) ?? {};
    const target = hop?.target ?? null;
    const all = this.#options.certificates();
    const accounts = target !== null && Object.hasOwn(all, target) ? all[target] : undefined;
    const person = root?.identity ?? null;
    // Of what nobody vouches for nobody is told the next host.
    if (accounts === undefined || root?.kind === 'unattended' || person?.verified !== true) return null;
    return { user: root?.user, identity: person.name, accounts };
  }

  async #ofPerson(id: Id, question: string, detail: Record<string, unknown>): Promise<unknown> {
    const hop = this.#options.open.get(id)?.hop;
    const person = hop?.image ? sshPersonOf(hop.image) : null;
    if (hop === undefined || person === null) throw new Error('the process whose connection it is has ended');
    const { address } = hop.destination;
    const resolvers = question === 'ssh.known-hosts' ? this.#options.sshfp(hop.target) : null;
    const sshfp = resolvers === null || hop.name === null ? null : { name: hop.name, resolvers };
    const found = await this.#brokers.ask(person, question, { ...detail, address, sshfp });
    if (question !== 'ssh.known-hosts') return found;
    const known = found as { names: string[]; files: unknown; sshfp: unknown };
    const names = [...(hop.name === null ? [] : [hop.name]), ...known.names];
    return { names, files: known.files, sshfp: known.sshfp ?? null };
  }
}

function fields(given: Record<string, unknown>, names: readonly string[]): string[] {
  return names.map((name) => {
    const value = given[name];
    if (!text(value, FIELD_LIMIT)) throw new Error(`a question without ${name}`);
    return value;
  });
}
