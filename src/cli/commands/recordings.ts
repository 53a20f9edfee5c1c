import type { RecordingJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { between, bytes, clock, duration } from '../format.ts';
import { numberOption, sinceOption, textOption } from '../since.ts';
import type { Style } from '../style.ts';
import { type Cell, table } from '../table.ts';

export async function recordings(
  context: Context,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const { style } = context;
  const params = {
    hop: textOption(options.hop),
    login: textOption(options.login),
    user: textOption(options.user),
    target: textOption(options.target),
    since: sinceOption(options.since, style.now),
    kind: textOption(options.kind),
    limit: numberOption(options.limit),
  };
  const found = await context.ask((client) => client.call('recordings', params));
  if (context.json) context.printJson(found);
  else {
    const lines = table(
      ['STARTED', 'RECORDING', 'KIND', 'LASTED', 'SIZE', 'STATE'],
      found.map((recording) => row(recording, style)),
      style,
    );
    context.print(lines.length > 0 ? lines : 'no such recordings');
  }
  return EXIT.ok;
}

function row(recording: RecordingJson, style: Style): (string | Cell)[] {
  const { id, kind, started, ended, bytes: length } = recording;
  return [
    clock(started, style.now),
    { text: id, paint: style.colors.cyan },
    printable(kind),
    ended === null ? '' : duration(between(started, ended)),
    length === null ? '' : bytes(length),
    state(recording, style),
  ];
}

function state({ ended, reason, removed, removal }: RecordingJson, { colors, now }: Style): Cell {
  if (removed !== null)
    return { text: printable(`removed ${clock(removed, now)}: ${removal}`), paint: colors.dim };
  if (reason !== null) return { text: printable(reason), paint: colors.yellow };
  return ended === null ? { text: 'being recorded', paint: colors.green } : { text: 'whole' };
}
