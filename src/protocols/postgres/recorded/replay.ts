/** Reads the records of a recording of the kind `rows`; records.ts says what they are. */
import { record } from '../../../core/fields.ts';
import type { Micros } from '../../../core/types.ts';
import { DamagedError, type RecordingRecord } from '../../../recording/reader.ts';
import type { Replayed, Replayer } from '../../../recording/replay.ts';
import { Backend, type Format } from '../messages.ts';
import { clientEncoding, type Encoding, UTF8 } from '../text.ts';
import { Kept, type ResultShape } from './records.ts';
import { binaryText, isNumeric } from './values.ts';

const HEADER = 5;
const COUNT = 2;
const LENGTH = 4;
/** Of one row: what a reader holds. What is longer is shown as far as it goes. */
const MOST = 1 << 20;

interface Result {
  readonly shape: ResultShape;
  readonly encoding: Encoding;
  /** The beginning of the message that is under way, and how much of it has come. */
  parts: Buffer[];
  kept: number;
  come: number;
  /** With its type byte; 0 until the header is whole. */
  size: number;
  at: Micros;
}

/** Portals may give their rows by turns: each has its own message under way. */
const MOST_RESULTS = 1000;

export class RowReplayer implements Replayer {
  readonly #results = new Map<number, Result>();

  *push({ type, at, bytes }: RecordingRecord): Generator<Replayed, void> {
    if (bytes.length < 4) throw new DamagedError('a record of rows without its action');
    const action = bytes.readUInt32BE(0);
    const body = bytes.subarray(4);
    if (type === Kept.result) yield this.#begin(action, at, body);
    else if (type === Kept.rows) yield* this.#rows(action, at, body);
    else if (type === Kept.end) {
      const result = this.#results.get(action);
      this.#results.delete(action);
      if (result !== undefined) yield* rest(action, result);
      yield { type: 'end', action, at, rows: body.length >= 4 ? body.readUInt32BE(0) : 0 };
    } else throw new DamagedError(`a record of rows of the unknown type ${type}`);
  }

  *rest(): Generator<Replayed, void> {
    for (const [action, result] of this.#results) yield* rest(action, result);
    this.#results.clear();
  }

  #begin(action: number, at: Micros, body: Buffer): Replayed {
    const shape = shapeOf(body);
    if (this.#results.size >= MOST_RESULTS) throw new DamagedError('too many results at a time');
    const encoding = clientEncoding(shape.encoding);
    this.#results.set(action, { shape, encoding, parts: [], kept: 0, come: 0, size: 0, at });
    const columns = shape.columns?.map(([name, type]) => ({ name, type, numeric: isNumeric(type) })) ?? null;
    return { type: 'result', action, at, limit: shape.limit, form: shape.form, columns };
  }

  *#rows(action: number, at: Micros, body: Buffer): Generator<Replayed, void> {
    let result = this.#results.get(action);
    if (result === undefined) {
      result = { shape: UNKNOWN, encoding: UTF8, parts: [], kept: 0, come: 0, size: 0, at };
      this.#results.set(action, result);
    }
    let from = 0;
    while (from < body.length) {
      if (result.come === 0) result.at = at;
      from += take(result, body.subarray(from));
      if (result.size > 0 && result.come === result.size) yield whole(action, result);
    }
  }
}

const UNKNOWN: ResultShape = { limit: 'all', form: 'rows', encoding: 'UTF8', columns: null, copy: null };

/** Takes what belongs to the message that is under way. @returns how many bytes */
function take(result: Result, bytes: Buffer): number {
  const wanted = result.size === 0 ? HEADER - result.come : result.size - result.come;
  const taken = Math.min(wanted, bytes.length);
  const room = Math.min(taken, MOST - result.kept);
  if (room > 0) result.parts.push(bytes.subarray(0, room));
  result.kept += Math.max(0, room);
  result.come += taken;
  if (result.size === 0 && result.come === HEADER) {
    const header = Buffer.concat(result.parts);
    result.parts = [header];
    const length = header.readInt32BE(1);
    if (length < LENGTH) throw new DamagedError(`a row of ${length} bytes`);
    result.size = 1 + length;
  }
  return taken;
}

function* rest(action: number, result: Result): Generator<Replayed, void> {
  if (result.come > 0) yield whole(action, result);
}

/** The message that is under way, as far as it goes. */
function whole(action: number, result: Result): Replayed {
  const message = Buffer.concat(result.parts);
  const { at, size, shape, encoding } = result;
  const missing = size === 0 ? 1 : size - message.length;
  result.parts = [];
  result.kept = result.come = result.size = 0;
  const { values, cut } = valuesOf(message, missing, shape, encoding);
  return { type: 'row', action, at, values, cut };
}

interface Values {
  readonly values: (string | null)[];
  readonly cut: boolean;
}

/** @param missing bytes of the message that are not there */
function valuesOf(message: Buffer, missing: number, shape: ResultShape, encoding: Encoding): Values {
  const cut = missing > 0;
  const body = message.subarray(HEADER);
  switch (message[0]) {
    case Backend.DataRow:
      return dataRow(body, cut, shape, encoding);
    case Backend.CopyData:
      return { values: [copyText(body, shape.copy, encoding)], cut };
    case Backend.FunctionCallResponse: {
      const value = body.subarray(LENGTH);
      const none = body.length >= LENGTH && body.readInt32BE(0) < 0;
      return { values: [none ? null : `\\x${value.toString('hex')}`], cut };
    }
    default:
      throw new DamagedError(`a row that is a message of type ${message[0]}`);
  }
}

/** As decodeDataRow, of which it says the same where nothing is missing; and of the rest as much as there is. */
function dataRow(body: Buffer, missing: boolean, { columns }: ResultShape, encoding: Encoding): Values {
  const values: (string | null)[] = [];
  if (body.length < COUNT) return { values, cut: true };
  const count = body.readUInt16BE(0);
  const known = columns?.length === count ? columns : null;
  let at = COUNT;
  while (values.length < count) {
    if (at + LENGTH > body.length) return { values, cut: true };
    const length = body.readInt32BE(at);
    at += LENGTH;
    if (length < 0) {
      values.push(null);
      continue;
    }
    const value = body.subarray(at, at + length);
    values.push(valueText(value, known?.[values.length] ?? null, encoding));
    if (value.length < length) return { values, cut: true };
    at += length;
  }
  return { values, cut: missing };
}

function valueText(
  value: Buffer,
  column: NonNullable<ResultShape['columns']>[number] | null,
  encoding: Encoding,
): string {
  // In which format it is, nobody has said.
  if (column === null) return `\\x${value.toString('hex')}`;
  const [, typeOid, format] = column;
  return format === 0 ? encoding.show(value) : binaryText(value, typeOid, encoding);
}

function copyText(line: Buffer, format: Format | null, encoding: Encoding): string {
  return format === 0 ? encoding.show(line).replace(/\r?\n$/, '') : `\\x${line.toString('hex')}`;
}

function shapeOf(body: Buffer): ResultShape {
  let value: Record<string, unknown> | null = null;
  try {
    value = record(JSON.parse(body.toString('utf8')));
  } catch {}
  if (value === null) throw new DamagedError('a result without its shape');
  const { limit, form, encoding, columns, copy } = value;
  const known = Array.isArray(columns) && columns.every(isColumn);
  return {
    limit: typeof limit === 'number' ? limit : 'all',
    form: form === 'copy' || form === 'value' ? form : 'rows',
    encoding: typeof encoding === 'string' ? encoding : 'UTF8',
    columns: known ? columns : null,
    copy: copy === 0 || copy === 1 ? copy : null,
  };
}

function isColumn(value: unknown): value is readonly [string, number, Format] {
  return (
    Array.isArray(value) &&
    typeof value[0] === 'string' &&
    typeof value[1] === 'number' &&
    (value[2] === 0 || value[2] === 1)
  );
}
