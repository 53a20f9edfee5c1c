/** Messages by hand, through the room, by somebody for whom something is masked. */
import t, { type Test } from 'tap';
import { MaskKey } from '../../../../src/masking/key.ts';
import { bind, execute, parse, query } from '../../../../src/protocols/postgres/encode-frontend.ts';
import { PROTOCOL_3_0 } from '../../../../src/protocols/postgres/startup.ts';
import type { Writer } from '../../../../src/protocols/postgres/writer.ts';
import { until } from '../../../until.ts';
import { startServer } from '../local-server.ts';
import { openRaw, type Raw } from '../raw.ts';
import { rig } from '../rig.ts';
import { leaked, maskingOf, SCHEMA } from './setting.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(SCHEMA);
const key = new MaskKey(Buffer.from('0123456789abcdef'));

export const CARDS = 'select card from customers order by id';
export const ITEMS = 'select item from orders order by id';

export interface Attack extends Raw {
  /** Sends, and waits until the answer to a query behind it has come, or the connection has ended. */
  sees(write: (out: Writer) => void): Promise<string>;
}

export async function opened(t: Test, first: ((out: Writer) => void) | null = null): Promise<Attack> {
  const made = await rig(t, server);
  made.masking = maskingOf(key);
  const chunks: Buffer[] = [];
  const raw = openRaw(made.port, PROTOCOL_3_0, [{ name: 'database', value: 'postgres' }]);
  if (first !== null) raw.send(first);
  raw.socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
  t.teardown(() => raw.socket.destroy());
  if (first === null) {
    await raw.until('ReadyForQuery');
    chunks.splice(0);
  }
  const seen = (): Buffer => Buffer.concat(chunks.splice(0));
  let nth = 0;
  const sees = async (write: (out: Writer) => void): Promise<string> => {
    const mark = `the-end-${nth++}`;
    raw.send(write);
    raw.send((out) => query(out, `select '${mark}'`));
    let all = Buffer.alloc(0);
    await until(
      () => {
        all = Buffer.concat([all, seen()]);
        return all.includes(mark) || raw.socket.destroyed;
      },
      `${mark} in ${all.toString('latin1')}`,
      8000,
    );
    return all.toString('latin1');
  };
  return { ...raw, sees };
}

export function batch(out: Writer, sql: string, name = ''): void {
  parse(out, name, sql);
  bind(out, { portal: name, statement: name });
  execute(out, name);
}

export const masked = (t: Test, seen: string): void => {
  t.equal(leaked(Buffer.from(seen, 'latin1')), null);
};
