/** Reads the records of a recording of the kind `terminal`; records.ts says what they are. */
import { count, record, text } from '../../../core/fields.ts';
import type { Micros } from '../../../core/types.ts';
import { DamagedError, type RecordingRecord } from '../../../recording/reader.ts';
import type { Replayed, ReplayedTerminal, Replayer } from '../../../recording/replay.ts';
import { type Binary, Kept } from './records.ts';

const MOST_TEXT = 1 << 20;

export class TerminalReplayer implements Replayer {
  *push({ type, at, bytes }: RecordingRecord): Generator<Replayed, void> {
    if (bytes.length < 4) throw new DamagedError('a record of a terminal without its action');
    const action = bytes.readUInt32BE(0);
    yield read(type, action, at, bytes.subarray(4));
  }

  *rest(): Generator<Replayed, void> {}
}

function read(type: number, action: number, at: Micros, body: Buffer): Replayed {
  const number = (from: number): number => {
    if (body.length < from + 4) throw new DamagedError('a record of a terminal that is too short');
    return body.readUInt32BE(from);
  };
  switch (type) {
    case Kept.begin:
      return { type: 'terminal', action, at, ...beginOf(body) };
    case Kept.input:
      return { type: 'input', action, at, bytes: body };
    case Kept.stdout:
      return { type: 'stdout', action, at, bytes: body };
    case Kept.stderr:
      return { type: 'stderr', action, at, bytes: body };
    case Kept.withheld:
      return { type: 'withheld', action, at, count: number(0) };
    case Kept.resize:
      return { type: 'resize', action, at, columns: number(0), rows: number(4) };
    case Kept.binary:
      return { type: 'binary', action, at, ...binaryOf(body) };
    case Kept.end:
      return { type: 'closed', action, at };
    default:
      throw new DamagedError(`a record of a terminal of the unknown type ${type}`);
  }
}

function beginOf(body: Buffer): Pick<ReplayedTerminal, 'terminal' | 'command'> {
  const begin = parsed(body);
  const terminal = record(begin?.terminal ?? null);
  const command = begin?.command ?? null;
  if (begin === null || (command !== null && !text(command, MOST_TEXT)))
    throw new DamagedError('a terminal without its description');
  if (terminal === null) return { terminal: null, command };
  const { term, columns, rows } = terminal;
  if (!text(term, MOST_TEXT) || !count(columns) || !count(rows))
    throw new DamagedError('a terminal without its size');
  return { terminal: { term, columns, rows }, command };
}

function binaryOf(body: Buffer): Binary {
  const { stream, kept, sum } = parsed(body) ?? {};
  if ((stream !== 'stdout' && stream !== 'stderr') || !count(kept))
    throw new DamagedError('a stream that is no text, without its name or length');
  if (sum === null) return { stream, kept, sum };
  const all = record(sum);
  if (all === null || !count(all.bytes) || !text(all.sha256, 64))
    throw new DamagedError('a stream that is no text, without its sum');
  return { stream, kept, sum: { bytes: all.bytes, sha256: all.sha256 } };
}

function parsed(body: Buffer): Record<string, unknown> | null {
  try {
    return record(JSON.parse(body.toString('utf8')));
  } catch {
    return null;
  }
}
