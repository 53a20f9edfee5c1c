import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { maskKey } from '../../src/daemon/mask-key.ts';

t.test('made once, for nobody else to read', async (t) => {
  const directory = t.testdir({});
  const key = maskKey(directory);
  t.equal(Buffer.from(key, 'base64').length, 32);
  t.equal(maskKey(directory), key);
  const path = join(directory, 'keys/mask.key');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(readFileSync(path).toString('base64'), key);
  t.not(maskKey(t.testdir({ other: {} })), key);
});

t.test('a damaged one is not used, nor replaced', async (t) => {
  const directory = t.testdir({ keys: { 'mask.key': 'short' } });
  chmodSync(join(directory, 'keys/mask.key'), 0o600);
  t.throws(() => maskKey(directory), /5 bytes where 32 are right/);
  writeFileSync(join(directory, 'keys/mask.key'), Buffer.alloc(32));
  t.equal(maskKey(directory), Buffer.alloc(32).toString('base64'));
});
