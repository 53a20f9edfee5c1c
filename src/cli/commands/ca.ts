import type { AuthorityKeyJson } from '../../api/protocol.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';

type Options = Readonly<Record<string, unknown>>;

/** Lines for the file that sshd's TrustedUserCAKeys names; what is said of them is on standard error. */
export async function ca(context: Context): Promise<number> {
  print(context, await context.ask((client) => client.call('ca', {})));
  return EXIT.ok;
}

export async function caRotate(context: Context, { use }: Options): Promise<number> {
  const keys = await context.ask((client) => client.call('ca', { do: use === true ? 'use' : 'prepare' }));
  print(context, keys);
  context.note(
    use === true
      ? 'certificates are signed with this key; the one before can be taken out of TrustedUserCAKeys'
      : 'put both lines where TrustedUserCAKeys points to on every host, then: hopline ca rotate --use',
  );
  return EXIT.ok;
}

function print(context: Context, keys: readonly AuthorityKeyJson[]): void {
  if (context.json) context.printJson(keys);
  else
    for (const { line, fingerprint, use } of keys) {
      context.print(`${line} hopline${use === 'next' ? '-next' : ''}`);
      context.note(`${fingerprint} ${use === 'signs' ? 'signs' : 'is next'}`);
    }
}
