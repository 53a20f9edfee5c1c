/** `hopline play` of a connection over SSH: drawn, as lines, searched, as asciicast. */
import t, { type Test } from 'tap';
import type { ActionJson } from '../../src/api/json.ts';
import { Cast } from '../../src/cli/play/cast.ts';
import { Search } from '../../src/cli/play/search.ts';
import { TerminalView } from '../../src/cli/play/terminal.ts';
import { styleFor } from '../../src/cli/style.ts';
import type { Replayed } from '../../src/recording/replay.ts';

const T0 = 1_790_000_000_000_000;
const ESC = '\u001b';
const style = styleFor({ tty: false, columns: undefined, color: false, ascii: true, env: {} });
const SHELL: Replayed[] = [
  { type: 'terminal', action: 1, at: T0, terminal: { term: 'xterm', columns: 90, rows: 25 }, command: null },
  {
    type: 'stdout',
    action: 1,
    at: T0 + 1000,
    bytes: Buffer.from(`${ESC}]0;title\u0007${ESC}[32m$ ${ESC}[0m`),
  },
  { type: 'input', action: 1, at: T0 + 500_000, bytes: Buffer.from('ls\r') },
  { type: 'stdout', action: 1, at: T0 + 500_000, bytes: Buffer.from('ls\r\n1%\r50%\r100%\r\nf\u00fcr') },
  { type: 'resize', action: 1, at: T0 + 600_000, columns: 100, rows: 30 },
  { type: 'withheld', action: 1, at: T0 + 700_000, count: 8 },
  {
    type: 'stdout',
    action: 1,
    at: T0 + 2_500_000,
    bytes: Buffer.from('\r\n\u2026 caf\u00e9').subarray(0, -1),
  },
  { type: 'stdout', action: 1, at: T0 + 2_500_001, bytes: Buffer.from('\u00e9').subarray(1) },
  { type: 'closed', action: 1, at: T0 + 3_000_000 },
];
const COMMAND: Replayed[] = [
  { type: 'terminal', action: 2, at: T0 + 1, terminal: null, command: 'make' },
  { type: 'stderr', action: 2, at: T0 + 2, bytes: Buffer.from(`warning: ${ESC}[31mold${ESC}[0m\n`) },
  { type: 'closed', action: 2, at: T0 + 3 },
];
const SUM = { bytes: 5_000_000, sha256: 'ab'.repeat(32) };
const BINARY: Replayed[] = [
  { type: 'terminal', action: 3, at: T0 + 1, terminal: null, command: 'cat disk' },
  { type: 'stdout', action: 3, at: T0 + 2, bytes: Buffer.from('\u007fELF\0\n') },
  { type: 'binary', action: 3, at: T0 + 3, stream: 'stdout', kept: 1_048_576, sum: null },
  { type: 'binary', action: 3, at: T0 + 4, stream: 'stdout', kept: 1_048_576, sum: SUM },
  { type: 'closed', action: 3, at: T0 + 5 },
];

function view(t: Test, events: readonly Replayed[], drawn: boolean): { lines: string[]; written: string } {
  const lines: string[] = [];
  let written = '';
  const draw = (text: string) => {
    written += text;
  };
  const write = drawn ? draw : null;
  const shown = new TerminalView({ style, write, print: (more) => void lines.push(...more) });
  for (const event of events)
    if (event.type !== 'result' && event.type !== 'row' && event.type !== 'end') shown.take(event);
    else t.fail(event.type);
  shown.end();
  return { lines, written };
}

t.test('in a pipe: lines, and what happened beside them', async (t) => {
  t.same(view(t, [...SHELL, ...COMMAND], false).lines, [
    '  terminal of 90 by 25:',
    '  $ ls',
    '  100%',
    '  (the terminal is 100 by 30)',
    '  (8 bytes of input are not kept)',
    '  f\u00fcr',
    '  \u2026 caf\u00e9',
    '  no terminal:',
    '  ! warning: old',
  ]);
});

t.test('what is no text: so much is kept, and what all of it was', async (t) => {
  const sum = `  (stdout: 5000000 bytes in all, SHA-256 ${SUM.sha256})`;
  const said = ['  no terminal:', '  ELF', '  (stdout is no text: 1 MB of it are kept)', sum];
  t.same(view(t, BINARY, false).lines, said);
  const drawn = view(t, BINARY, true);
  t.same(drawn.lines, [said[0], sum]);
  t.match(drawn.written, /ELF[\s\S]*\r\n$/, 'the terminal is put back before it is told');
  const lines: string[] = [];
  const cast = new Cast(3, (line) => lines.push(line));
  for (const event of BINARY) cast.take(event);
  t.same(
    lines
      .slice(2)
      .map((line) => JSON.parse(line))
      .map(([, code, data]) => [code, data]),
    [
      ['m', 'stdout is no text, and kept no more'],
      ['m', `stdout: 5000000 bytes, SHA-256 ${SUM.sha256}`],
    ],
  );
});

t.test('on a terminal: drawn, without what is none of a drawing, and put back', async (t) => {
  const { written } = view(t, SHELL, true);
  t.match(written, /^\S\[32m\$ \S\[0mls\r\n1%\r50%\r100%\r\n/u);
  t.notMatch(written, /title/);
  t.ok(written.endsWith(`${ESC}[?1049l\r\n`));
});

t.test('a search finds lines as they were shown', async (t) => {
  const hits = (wanted: string) => {
    const search = new Search(wanted);
    return [...SHELL, ...COMMAND].flatMap((event) => [...search.take(event)]);
  };
  t.same(hits('CAF\u00c9'), [{ action: 1, at: T0 + 2_500_000, line: '\u2026 caf\u00e9' }]);
  t.same(hits('warning: old'), [{ action: 2, at: T0 + 2, line: 'warning: old' }]);
  t.same(hits('title'), []);
  t.same(hits('50%'), [{ action: 1, at: T0 + 500_000, line: '50%' }]);
});

t.test('asciicast v3', async (t) => {
  const lines: string[] = [];
  const cast = new Cast(1, (line) => lines.push(line));
  for (const event of [...SHELL, ...COMMAND]) cast.take(event);
  cast.end({
    at: new Date(T0 / 1000).toISOString(),
    result: { exitStatus: 3, milliseconds: 3100 },
  } as unknown as ActionJson);
  const [header, ...events] = lines.map((line) => JSON.parse(line));
  t.same(header, {
    version: 3,
    term: { cols: 90, rows: 25, type: 'xterm' },
    timestamp: 1_790_000_000,
  });
  t.same(
    events.map(([, code, data]) => [code, data]),
    [
      ['o', `${ESC}]0;title\u0007${ESC}[32m$ ${ESC}[0m`],
      ['i', 'ls\r'],
      ['o', 'ls\r\n1%\r50%\r100%\r\nf\u00fcr'],
      ['r', '100x30'],
      ['m', '8 bytes of input are not kept'],
      ['o', '\r\n\u2026 caf'],
      ['o', '\u00e9'],
      ['x', '3'],
    ],
  );
  t.equal(
    events.reduce((sum, [seconds]) => sum + seconds, 0).toFixed(6),
    '3.100000',
    'intervals add up to how long it took',
  );
});
