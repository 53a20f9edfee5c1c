/** Where recordings lie, and what the store knows of them: as they are made, after a crash, when they are old. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { id, T0 } from '../store/seed.ts';
import { until } from '../until.ts';
import { recordings } from './recordings.ts';

const segment = (text: string) => {
  const bytes = Buffer.from(text);
  return { at: T0, codec: 0, raw: bytes.length, bytes } as const;
};
const DAY = 86_400_000_000;

t.test('a recording: its file for the owner alone, its rows in the store', async (t) => {
  const directory = join(t.testdir(), 'recordings');
  using made = recordings({ directory });
  const { archive, hop, reader, record } = made;
  const one = await archive.open({ hop }, 'rows');
  t.match(reader.recordings(), [
    { id: `${hop}-1`, hop, kind: 'rows', ended: null, bytes: null, sha256: null },
  ]);
  const [{ file = '' } = {}] = reader.recordings();
  t.equal(file, `2026-09-21/${hop}-1.rec`);
  const path = join(directory, file);
  t.equal(statSync(path).mode & 0o777, 0o600);
  for (const each of [directory, join(directory, '2026-09-21')]) t.equal(statSync(each).mode & 0o777, 0o700);
  await one.segment(segment('abc'));
  const two = await archive.open({ hop }, 'terminal');
  made.clock.now += 5;
  await one.end(null);
  await two.end('cut at 5 bytes after 1 rows');
  record.flush();
  const bytes = readFileSync(path);
  t.match(reader.recording(`${hop.slice(0, 10).toLowerCase()}-1`), {
    ended: T0 + 5,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    reason: null,
    removed: null,
  });
  t.match(reader.recording(`${hop}-2`), { kind: 'terminal', reason: 'cut at 5 bytes after 1 rows' });
  t.match(reader.notices({ kind: 'recording' }), [
    { detail: `recording ${hop}-2 ended before its hop: cut at 5 bytes after 1 rows` },
  ]);
  t.throws(() => reader.recording('nope-1'), { code: 'not_found' });
  t.throws(() => reader.recording(`${hop}-3`), { code: 'not_found' });
  t.same(made.errors, []);
});

t.test('filters', async (t) => {
  using made = recordings({ directory: join(t.testdir(), 'r') });
  const { archive, hop, reader, clock } = made;
  for (const kind of ['rows', 'terminal', 'rows']) {
    await (await archive.open({ hop }, kind)).end(null);
    clock.now += 10;
  }
  made.record.flush();
  const ids = (filter: Parameters<typeof reader.recordings>[0]) =>
    reader.recordings(filter).map(({ id }) => id);
  t.same(ids({}), [`${hop}-3`, `${hop}-2`, `${hop}-1`]);
  t.same(ids({ kind: 'terminal' }), [`${hop}-2`]);
  t.same(ids({ since: T0 + 10 }), [`${hop}-3`, `${hop}-2`]);
  t.same(ids({ hop, limit: 1 }), [`${hop}-3`]);
  t.same(ids({ target: 'orders-db', login: id(0) }).length, 3);
  t.same(ids({ target: 'other' }), []);
});

t.test('what a daemon that was killed left is ended by the next', async (t) => {
  const directory = join(t.testdir(), 'recordings');
  using made = recordings({ directory });
  const { archive, hop, reader, record } = made;
  const opened = [];
  for (let n = 0; n < 5; n++) {
    const one = await archive.open({ hop }, 'rows');
    await one.segment(segment('x'.repeat(100)));
    await one.segment(segment('y'.repeat(100)));
    opened.push(one);
  }
  const path = (n: number) => join(directory, `2026-09-21/${hop}-${n}.rec`);
  const whole = statSync(path(1)).size;
  truncateSync(path(2), whole - 30);
  writeFileSync(
    path(3),
    Buffer.concat([readFileSync(path(3)), Buffer.from('not a segment, and longer than one')]),
  );
  const bytes = readFileSync(path(4));
  bytes[60] = (bytes[60] as number) ^ 1;
  writeFileSync(path(4), bytes);
  mkdirSync(join(directory, 'aside'));
  spawnSync('mv', [path(5), join(directory, 'aside')]);
  const next = made.begin();
  const stop = next.begin();
  await until(() => reader.unendedRecordings(0).length === 0, 'their ends');
  await stop();
  record.flush();
  t.match(
    reader
      .recordings()
      .reverse()
      .map(({ bytes: length, reason, ended }) => [length, reason, ended]),
    [
      [whole, 'the daemon ended first', T0],
      [whole - 132, 'the daemon ended first, 102 bytes into a segment', T0],
      [whole, /^the daemon ended first, and the file is damaged: at byte \d+ there is no segment 3$/, T0],
      [8, /segment 0 at byte 8 is not what was written/, T0],
      [0, 'the daemon ended before there was a file', T0],
    ],
  );
  const [first] = reader.recordings().reverse();
  t.equal(
    first?.sha256,
    createHash('sha256')
      .update(readFileSync(path(1)))
      .digest('hex'),
  );
  t.same(reader.unendedRecordings(0), []);
  t.equal(reader.meta('recordings-ended-through'), '5');
  t.same(made.errors, []);
});

t.test('what is old is removed, and that stays on record', async (t) => {
  const directory = join(t.testdir(), 'recordings');
  using made = recordings({ directory, keepDays: 30 });
  const { archive, hop, reader, record, clock, settings } = made;
  const prune = async () => {
    await archive.prune();
    return reader
      .recordings()
      .reverse()
      .map(({ removed, removal }) => (removed === null ? null : removal));
  };
  const session = await archive.open({ hop }, 'terminal');
  await (await archive.open({ hop }, 'rows')).end(null);
  clock.now += 10 * DAY;
  await (await archive.open({ hop }, 'rows')).end(null);
  record.flush();
  t.same(await prune(), [null, null, null]);
  clock.now += 21 * DAY;
  t.same(await prune(), [null, 'kept for 30 days', null], 'not what is being written');
  t.same(readdirSync(directory).sort(), ['2026-09-21', '2026-10-01']);
  t.equal(reader.meta('recordings-removed-through'), null, 'it is still before the open one');
  await session.end(null);
  record.flush();
  t.same(await prune(), ['kept for 30 days', 'kept for 30 days', null]);
  t.same(readdirSync(directory), ['2026-10-01'], 'a day without recordings is gone');
  t.equal(reader.meta('recordings-removed-through'), '2');
  clock.now += 400 * DAY;
  settings.keepDays = null;
  t.same((await prune())[2], null, 'for ever');
  settings.keepDays = 1;
  t.same((await prune())[2], 'kept for 1 day');
  t.same(readdirSync(directory), []);
  t.same(made.errors, []);
});

t.test('a file that is gone already, and more than are looked at in one go', async (t) => {
  const directory = join(t.testdir(), 'recordings');
  using made = recordings({ directory, keepDays: 1 });
  const { archive, hop, reader, record, clock } = made;
  for (let n = 0; n < 250; n++) await (await archive.open({ hop }, 'rows')).end(null);
  record.flush();
  spawnSync('rm', [join(directory, `2026-09-21/${hop}-7.rec`)]);
  clock.now += 2 * DAY;
  await archive.prune();
  t.equal(reader.recordings().filter(({ removed }) => removed !== null).length, 250);
  t.equal(reader.meta('recordings-removed-through'), '250');
  t.notOk(existsSync(join(directory, '2026-09-21')));
});

t.test('where no file can be made, that is a record', async (t) => {
  const directory = join(t.testdir({ file: '' }), 'file');
  using made = recordings({ directory });
  await t.rejects(made.archive.open({ hop: made.hop }, 'rows'), /not a directory/);
  made.record.flush();
  t.match(made.reader.recordings(), [{ ended: T0, bytes: 0, reason: /could not be written: ENOTDIR/ }]);
  t.match(made.reader.notices({ kind: 'recording' }), [{ detail: /; its hop ends$/ }]);
});

const rootOnly = process.getuid?.() === 0 ? {} : { skip: 'mounting a small file system needs root' };

t.test('a full disk: everything before it is there, and what is missing is a record', rootOnly, async (t) => {
  const script = join(import.meta.dirname, 'full-recordings.ts');
  const small = t.testdir();
  for (const [onFailure, then] of [
    ['end', 'its hop ends'],
    ['continue', 'its hop goes on unrecorded'],
  ] as const) {
    const run = spawnSync(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        `mount -t tmpfs -o size=1m none "$1" && exec "$2" --disable-warning=ExperimentalWarning "$3" "$1" ${onFailure}`,
        'sh',
        small,
        process.execPath,
        script,
      ],
      { encoding: 'utf8' },
    );
    t.equal(run.stderr, '');
    const { notice, ...said } = JSON.parse(run.stdout);
    t.same(said, {
      failure: 'the disk is full',
      several: true,
      segments: 1,
      whole: true,
      reason: 'could not be written: the disk is full',
      again: null,
    });
    t.match(notice, new RegExp(`^recording \\w+-1 could not be written: the disk is full; ${then}$`));
  }
});
