/** Files of the PAM hook between the spool and the record. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Notice } from '../../src/core/types.ts';
import { PamSessions } from '../../src/daemon/pam.ts';
import type { StoreRecorder } from '../../src/daemon/store-recorder.ts';

function sessions(dir: string) {
  const notices: Omit<Notice, 'id'>[] = [];
  const errors: string[] = [];
  const pam = new PamSessions({
    dir,
    record: { notice: (notice: Omit<Notice, 'id'>) => notices.push(notice) } as unknown as StoreRecorder,
    onEvents: () => {},
    onError: ({ message }) => errors.push(message),
    now: () => 5,
  });
  return { pam, notices, errors };
}

t.test('a file stays until its event is in the store', async (t) => {
  const dir = t.testdir({ one: '1\0open_session\0sshd\0alice\0\0\x007\x000\x000\0\0\0' });
  const { pam, notices } = sessions(dir);
  t.match(pam.drain(), [{ user: 'alice' }]);
  t.same(pam.drain(), []);
  t.ok(existsSync(join(dir, 'one')));
  pam.committed();
  t.notOk(existsSync(join(dir, 'one')));
  t.same(notices, []);
});

t.test('each file that is none is in the record, by name', async (t) => {
  const dir = t.testdir({ torn: '1\0open_session', empty: '' });
  const { pam, notices } = sessions(dir);
  t.same(pam.drain(), []);
  t.match(
    notices.toSorted((a, b) => (a.detail < b.detail ? -1 : 1)),
    [
      {
        kind: 'loss',
        count: 1,
        at: 5,
        detail: /moved to bad\/empty \(.+\): whose session it was is not known/,
      },
      { kind: 'loss', detail: /bad\/torn/ },
    ],
  );
  t.same(pam.drain(), []);
  t.equal(notices.length, 2);
});

t.test('a directory that is removed is told once, and is no end', async (t) => {
  const dir = join(t.testdir(), 'pam');
  const { pam, errors } = sessions(dir);
  t.same([pam.drain(), pam.drain()], [[], []]);
  t.match(errors, [/ENOENT/]);
  t.equal(errors.length, 1);
  pam.start();
  pam.drain();
  rmSync(dir, { recursive: true });
  writeFileSync(dir, '');
  pam.drain();
  t.equal(errors.at(-1)?.includes('ENOTDIR'), true, 'and again after it was well');
  pam[Symbol.dispose]();
});
