/** What a worker's SSH room asks: of Hopline's own key, and of the person whose connection it is. */
import { record, text } from '../core/fields.ts';
import type { Id } from '../core/types.ts';
import type { Brokers } from './brokers.ts';
import type { OpenHops } from './open-hops.ts';
import { personOf } from './person.ts';
import type { SshHostKey } from './ssh-host-key.ts';

export interface SshQuestionsOptions {
  readonly open: OpenHops;
  readonly hostKey: SshHostKey;
  readonly brokers: Brokers;
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
  readonly #options: SshQuestionsOptions;

  constructor(options: SshQuestionsOptions) {
    this.#options = options;
  }

  /** @param detail JSON, of a worker: it is checked. @returns JSON. @throws Error where there is no answer */
  async answer(hop: Id, question: string, detail: string): Promise<string> {
    const { hostKey } = this.#options;
    const given = record(JSON.parse(detail));
    if (given === null) throw new Error('a question without its detail');
    if (question === 'ssh.own-key') return JSON.stringify({ key: hostKey.publicKey.toString('base64') });
    if (question === 'ssh.own-sign') {
      const [data] = fields(given, ['data']);
      const signature = hostKey.sign(Buffer.from(data ?? '', 'base64')).toString('base64');
      return JSON.stringify({ signature });
    }
    const names = Object.hasOwn(OF_PERSONS, question) ? OF_PERSONS[question] : undefined;
    if (names === undefined) throw new Error(`no question ${question}`);
    const values = fields(given, names);
    return JSON.stringify(
      await this.#ofPerson(hop, question, Object.fromEntries(names.map((name, at) => [name, values[at]]))),
    );
  }

  async #ofPerson(id: Id, question: string, detail: Record<string, unknown>): Promise<unknown> {
    const { open, brokers, hostKey } = this.#options;
    const hop = open.get(id)?.hop;
    const person = hop?.image ? personOf(hop.image) : null;
    if (hop === undefined || person === null) throw new Error('the process whose connection it is has ended');
    const { address } = hop.destination;
    const found = await brokers.ask(person, question, { ...detail, address });
    if (question !== 'ssh.known-hosts') return found;
    const known = found as { names: string[]; files: { path: string; text: string }[] };
    // Hopline's own line is for everything, and would make each host's key another than the known one.
    const own = hostKey.line;
    const files = known.files.map(({ path, text }) => ({
      path,
      text: text.includes(own)
        ? text
            .split('\n')
            .map((line) => (line.includes(own) ? '' : line))
            .join('\n')
        : text,
    }));
    return { names: [...(hop.name === null ? [] : [hop.name]), ...known.names], files };
  }
}

function fields(given: Record<string, unknown>, names: readonly string[]): string[] {
  return names.map((name) => {
    const value = given[name];
    if (!text(value, FIELD_LIMIT)) throw new Error(`a question without ${name}`);
    return value;
  });
}
