/** SELECT, INSERT, UPDATE, DELETE and MERGE made up at random, and texts that differ from a given one in what must not matter. */
import { scanSync } from 'libpg-query';
import type { Random } from '../../../core/random.ts';

const INTEGERS = [
  '0',
  '1',
  '7',
  '42',
  '123456789',
  '2147483647',
  '99999999999',
  '1_000',
  '0x1F',
  '0b1',
  '00',
];
const DECIMALS = ['1.5', '.5', '5.', '1e10', '1.5E-3', '1e+2', '123456789012345678901234567890.1'];
const STRINGS = [
  "''",
  "'x'",
  "'it''s'",
  "'-- no comment'",
  "'/* nor this'",
  "'; drop table t; --'",
  "'back\\slash'",
  "'{i}'",
  "'?'",
  "'role'",
  "'null'",
  "'line\nbreak'",
  "'ünï😀'",
  '$$dollar$$',
  "$a$it's $$ in$a$",
  "$ü$x'$ü$",
  "E'a\\'b'",
  "e'\\\\'",
  "U&'d\\0061t'",
  "n'x'",
  "b'01'",
  "X'1f'",
];
const SPACES = [' ', '  ', '\n', '\t', '\r\n', ' /* c */ ', '/* a /* b */ ; */', ' -- x\n', '--\n', '\f'];
const NAMES = ['a', 'b', 'Total', 'users', '"Q q"', 'ünï', 's.t', '"x""y"', 'name$1', '_x', 'U&"\\0061"'];
const OPERATORS = ['=', '<>', '<', '>=', '+', '-', '*', '/', '||', '~', '@>', '->>', '!~*', '?', 'and', 'or'];

export class RandomSql {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  literal(): string {
    const { pick } = this.#bound();
    switch (this.#random.below(8)) {
      case 0:
      case 1:
      case 2:
        return pick(INTEGERS);
      case 3:
        return pick(DECIMALS);
      case 4:
        return pick(['null', 'true', 'false', '$1', '-5', '- 5', '+1']);
      default:
        return pick(STRINGS);
    }
  }

  expression(depth: number): string {
    const { pick } = this.#bound();
    const below = () => this.expression(depth - 1);
    if (depth <= 0) return this.#random.below(2) === 0 ? this.literal() : pick(NAMES);
    switch (this.#random.below(14)) {
      case 0:
        return `(${below()})`;
      case 1:
        return `${pick(['f', 'lower', 's.g', 'float', 'set_config', 'ts_rewrite'])}(${below()}, ${below()})`;
      case 2:
        return `${below()} in (${below()}, ${below()})`;
      case 3:
        return `exists (${this.select(depth - 1)})`;
      case 4:
        return `case when ${below()} then ${below()} else ${below()} end`;
      case 5:
        return `${below()} between ${below()} and ${below()}`;
      case 6:
        return `${below()}::${pick(['int', 'text', 'float(3)', 'numeric(10, 2)', 'varchar(7)', 's.t'])}`;
      case 7:
        return `${pick(['interval', 'date', 'timestamp(3)', 'time'])} ${pick(STRINGS)}`;
      case 8:
        return `not ${below()}`;
      case 9:
        return `${below()} is ${pick(['null', 'not null', 'true', 'not distinct from 1'])}`;
      case 10:
        return `array[${below()}, ${below()}]`;
      default:
        return `${below()} ${pick(OPERATORS)} ${below()}`;
    }
  }

  select(depth: number): string {
    const { pick, maybe } = this.#bound();
    const from = depth > 1 && this.#random.below(4) === 0 ? `(${this.select(depth - 1)}) q` : pick(NAMES);
    const query =
      `select ${this.expression(depth)}, ${pick(['*', 'count(*)', 'a', this.literal()])} from ${from}` +
      maybe(` join ${pick(NAMES)} z on ${this.expression(depth - 1)}`) +
      maybe(` where ${this.expression(depth)}`) +
      maybe(` group by ${pick(['1', 'a', 'a, b'])} having ${this.expression(1)}`) +
      maybe(` order by ${pick(['1', 'a desc'])}`) +
      maybe(` limit ${pick(['1', 'all', 'null', '$1', '5 + 5'])}`);
    return depth > 1 && this.#random.below(5) === 0
      ? `with ${pick(['x', 'a', 'users'])} as (${this.select(depth - 1)}) ${query}`
      : query;
  }

  statement(): string {
    const { pick, maybe } = this.#bound();
    const depth = this.#random.below(4);
    switch (this.#random.below(8)) {
      case 0:
        return `insert into ${pick(NAMES)} (a, b) values (${this.expression(depth)}, ${this.literal()})${maybe(', (1, default)')}${maybe(' returning *')}`;
      case 1:
        return `insert into ${pick(NAMES)} ${this.select(depth)}${maybe(' on conflict (a) do update set a = excluded.a where ')}${''}`;
      case 2:
        return `update ${pick(NAMES)} set a = ${this.expression(depth)}${maybe(` where ${this.expression(depth)}`)}`;
      case 3:
        return `delete from ${pick(NAMES)}${maybe(` where ${this.expression(depth)}`)}`;
      case 4:
        return `merge into a using ${pick(NAMES)} on ${this.expression(1)} when matched then update set a = ${this.expression(1)}`;
      case 5:
        return `${this.statement()}; ${this.statement()}`;
      default:
        return this.select(depth);
    }
  }

  /** The same tokens with other literals, white space, comments and case. */
  variant(sql: string): string {
    const tokens = this.#tokens(sql);
    if (tokens === null) return sql;
    let text = '';
    let end = 0;
    for (const { name, raw, before } of tokens) {
      const apart = before !== '' || end === 0;
      // A line break between two literals makes them one; between others it is as good as any space.
      text += apart || this.#random.below(6) === 0 ? this.#random.pick(SPACES) : '';
      text += this.#other(name, raw);
      end += 1;
    }
    return text;
  }

  /** Tokens lost, doubled, swapped and put in: mostly no SQL any more. */
  broken(sql: string): string {
    const tokens = (this.#tokens(sql) ?? sql.split(/\b/).map((raw) => ({ raw, name: '', before: '' }))).map(
      ({ raw, before }) => before + raw,
    );
    for (let times = 1 + this.#random.below(3); times > 0 && tokens.length > 0; times--) {
      const at = this.#random.below(tokens.length);
      const what = this.#random.below(5);
      if (what === 0) tokens.splice(at, 1);
      else if (what === 1) tokens.splice(at, 0, tokens[at] ?? '');
      else if (what === 2) tokens.splice(at, 0, ` ${this.literal()} `);
      else if (what === 3)
        tokens.splice(at, 1, ` ${this.#random.pick(['(', ')', ';', "'", '"', '$$', '/*', 'set', ','])} `);
      else tokens.push(...tokens.splice(at, 1));
    }
    return tokens.join('');
  }

  /** By PostgreSQL's own scanner, comments left out; null where it refuses the text. */
  #tokens(sql: string): { readonly name: string; readonly raw: string; readonly before: string }[] | null {
    const bytes = Buffer.from(sql);
    try {
      let last = 0;
      return scanSync(sql)
        .tokens.filter(({ tokenName }) => !/COMMENT/.test(tokenName))
        .map(({ start, end, tokenName }) => {
          const before = bytes.toString('utf8', last, start);
          last = end;
          return { name: tokenName, raw: bytes.toString('utf8', start, end), before };
        });
    } catch {
      return null;
    }
  }

  #other(name: string, raw: string): string {
    if (this.#random.below(3) === 0) return raw;
    if (name === 'ICONST') return this.#random.pick(INTEGERS.slice(0, 6));
    if (name === 'FCONST') return this.#random.pick(DECIMALS);
    if (name === 'SCONST') return this.#random.pick(STRINGS.slice(0, 16));
    return /^[a-z_]+$/i.test(raw)
      ? [...raw]
          .map((char) => (this.#random.below(2) === 0 ? char.toUpperCase() : char.toLowerCase()))
          .join('')
      : raw;
  }

  #bound() {
    return {
      pick: (from: readonly string[]): string => this.#random.pick(from),
      maybe: (text: string): string => (this.#random.below(2) === 0 ? text : ''),
    };
  }
}
