/**
 * What a COPY … TO STDOUT writes, by its statement (PostgreSQL 18 manual, COPY; ProcessCopyOptions in copy.c). What is
 * refused here is not always wrong, only nothing whose bytes could be told apart with certainty.
 */
import { isAscii } from 'node:buffer';
import type { CopyStmt, DefElem, Node } from '@pgsql/types';
import { as, tagOf, text, texts } from '../sql/nodes.ts';
import { copyEncoding, encodingName, LEAST_TRAIL } from './encodings.ts';
import { CR, LF } from './marks.ts';
import { textNullProblem } from './text-null.ts';

/** Characters are one byte of ASCII. */
export interface CopyFormat {
  readonly format: 'text' | 'csv' | 'binary';
  readonly delimiter: number;
  /** What stands for NULL; ASCII. */
  readonly nullText: Buffer;
  /** The first line has the columns' names. */
  readonly header: boolean;
  readonly quote: number;
  readonly escape: number;
  /** Columns whose values are always in quotes. */
  readonly forceQuote: 'all' | readonly string[];
  /** PostgreSQL's name for it. Of the binary format: always the client's own, whatever ENCODING says. */
  readonly encoding: string;
  /** The statement itself says the encoding, so that it is this one whatever the session's is by then. */
  readonly pinned: boolean;
}

export type CopyOut =
  | { readonly outcome: 'copy'; readonly copy: CopyFormat }
  | { readonly outcome: 'unmaskable'; readonly reason: string };

class Unmaskable extends Error {
  override readonly name = 'Unmaskable';
}

function refuse(reason: string): never {
  throw new Unmaskable(reason);
}

/**
 * @param statement raw parse tree
 * @param clientEncoding the session's, which holds where the statement names none
 */
export function copyOut(statement: CopyStmt, clientEncoding: string): CopyOut {
  try {
    if (statement.is_from === true) refuse('it copies from the client');
    if (statement.filename !== undefined) refuse('what it copies goes to the server’s machine');
    return { outcome: 'copy', copy: checked(read(statement.options ?? []), clientEncoding) };
  } catch (error) {
    if (error instanceof Unmaskable)
      return { outcome: 'unmaskable', reason: `COPY cannot be masked: ${error.message}` };
    throw error;
  }
}

interface Options {
  format?: string;
  delimiter?: string;
  null?: string;
  header?: boolean;
  quote?: string;
  escape?: string;
  force_quote?: 'all' | readonly string[];
  encoding?: string;
}

function read(elements: readonly Node[]): Options {
  const options: Options = {};
  const seen = new Set<string>();
  for (const element of elements) {
    const option = as(element, 'DefElem') ?? {};
    const name = option.defname ?? '';
    if (seen.has(name)) refuse(`the option ${name} is there twice`);
    seen.add(name);
    switch (name) {
      case 'format':
      case 'delimiter':
      case 'null':
      case 'quote':
      case 'escape':
      case 'encoding':
        options[name] = stringOf(option);
        break;
      case 'header':
        options.header = headerOf(option);
        break;
      case 'force_quote':
        options.force_quote = columnsOf(option);
        break;
      // Nothing that is copied out is another for them.
      case 'freeze':
      case 'log_verbosity':
        break;
      default:
        refuse(`the option ${name} is not known`);
    }
  }
  return options;
}

/** defGetString: numbers and `*` are their text. */
function stringOf({ defname, arg }: DefElem): string {
  switch (tagOf(arg)) {
    case 'String':
      return text(arg) ?? '';
    case 'Integer':
      return String(as(arg, 'Integer')?.ival ?? 0);
    case 'Float':
      return as(arg, 'Float')?.fval ?? '';
    case 'Boolean':
      return String(as(arg, 'Boolean')?.boolval ?? false);
    case 'A_Star':
      return '*';
    default:
      return refuse(`the option ${defname} has no text`);
  }
}

/** defGetCopyHeaderChoice. */
function headerOf(option: DefElem): boolean {
  if (option.arg === undefined) return true;
  const value = stringOf(option).toLowerCase();
  const [yes, no] =
    tagOf(option.arg) === 'Integer'
      ? [['1'], ['0']]
      : [
          ['true', 'on'],
          ['false', 'off'],
        ];
  return yes.includes(value) || (!no.includes(value) && refuse('HEADER is neither true nor false'));
}

function columnsOf({ arg }: DefElem): 'all' | readonly string[] {
  if (tagOf(arg) === 'A_Star') return 'all';
  const list = as(arg, 'List');
  return list === null ? refuse('FORCE_QUOTE has no list of columns') : texts(list.items);
}

function checked(options: Options, client: string): CopyFormat {
  const { format = 'text', encoding = client } = options;
  if (format !== 'text' && format !== 'csv' && format !== 'binary')
    refuse(`the format ${format} is not known`);
  if (format === 'binary') {
    for (const name of ['delimiter', 'null', 'header', 'quote', 'escape', 'force_quote'] as const)
      if (options[name] !== undefined && options[name] !== false)
        refuse(`${name} has no meaning in the binary format`);
  }
  if (format === 'text') {
    for (const name of ['quote', 'escape', 'force_quote'] as const)
      if (options[name] !== undefined) refuse(`${name} has no meaning in the text format`);
  }
  const csv = format === 'csv';
  const delimiter = character('the delimiter', options.delimiter ?? (csv ? ',' : '\t'));
  const quote = character('the quote', options.quote ?? '"');
  const escaping = character('the escape', options.escape ?? String.fromCharCode(quote));
  const known = encodingName(encoding);
  if (known === null) refuse(`the encoding ${encoding} is not known`);
  const copy: CopyFormat = {
    format,
    delimiter,
    nullText: nullOf(options.null ?? (csv ? '' : '\\N')),
    header: options.header ?? false,
    quote,
    escape: escaping,
    forceQuote: options.force_quote ?? [],
    // Send functions of types convert to the client's encoding: they know of no other.
    encoding:
      format === 'binary' ? (encodingName(client) ?? refuse(`the encoding ${client} is not known`)) : known,
    pinned: format === 'binary' || options.encoding !== undefined,
  };
  const problem = format === 'binary' ? null : format === 'csv' ? csvProblem(copy) : textProblem(copy);
  return problem === null ? copy : refuse(problem);
}

/** Anything but ASCII would be another byte in another encoding. */
function character(what: string, value: string): number {
  const code = value.length === 1 ? value.charCodeAt(0) : 0;
  if (code === 0 || code > 0x7f || code === CR || code === LF)
    refuse(`${what} is not one character of ASCII, line ends left out`);
  return code;
}

function nullOf(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (!isAscii(bytes) || bytes.includes(0) || bytes.includes(CR) || bytes.includes(LF))
    refuse('NULL has other characters than ASCII, or a line end');
  // Alone in a line, where there is one column.
  if (value === '\\.') refuse('NULL is the mark for the end of the data');
  return bytes;
}

function csvProblem({ delimiter, nullText, quote, escape: escaping, encoding }: CopyFormat): string | null {
  if (delimiter === quote) return 'the delimiter is the quote';
  if (nullText.includes(delimiter) || nullText.includes(quote))
    return 'NULL has the delimiter or the quote in it';
  if (copyEncoding(encoding).characterLength !== null && (quote >= LEAST_TRAIL || escaping >= LEAST_TRAIL))
    return `in ${encoding} a byte of a character may look like the quote or the escape`;
  return null;
}

function textProblem({ delimiter, nullText }: CopyFormat): string | null {
  if (/[\\.a-z0-9]/.test(String.fromCharCode(delimiter))) return 'the delimiter may be part of an escape';
  if (nullText.includes(delimiter)) return 'NULL has the delimiter in it';
  return textNullProblem(nullText, delimiter);
}
