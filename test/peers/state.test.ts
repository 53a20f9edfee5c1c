// What a host keeps of its fleet.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { endpointText } from '../../src/core/address.ts';
import type { Hello } from '../../src/peers/protocol.ts';
import { endpointFrom, FleetState, readToken } from '../../src/peers/state.ts';

const FINGERPRINT = 'ab'.repeat(32);
const hello: Hello = {
  ...{ host: 'bastion2', addresses: ['10.77.0.12'], endpoint: { address: '10.77.0.12', port: 7422 } },
  ...{ authorities: ['SHA256:x'], optionKey: 'k'.repeat(24), members: [] },
};

t.test('an invitation is for one host, once, for an hour; its secret is not kept', async (t) => {
  const directory = join(t.testdir({}), 'fleet');
  const state = new FleetState(directory);
  const { token, expires } = state.invite('bastion2', FINGERPRINT);
  t.ok(Math.abs(expires - Date.now() - 3_600_000) < 5_000);
  const { fingerprint, secret } = readToken(token);
  t.equal(fingerprint, FINGERPRINT);
  const kept = readFileSync(join(directory, 'fleet.json'), 'utf8');
  t.notMatch(kept, secret);
  t.equal(statSync(join(directory, 'fleet.json')).mode & 0o777, 0o600);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  const no = /there is no such invitation/;
  t.throws(() => state.spend('bastion3', secret), no);
  t.throws(
    () => state.spend('bastion2', readToken(token.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A'))).secret),
    no,
  );
  new FleetState(directory).spend('bastion2', secret);
  t.throws(() => new FleetState(directory).spend('bastion2', secret), no, 'it is spent');

  const late = state.invite('bastion2', FINGERPRINT);
  const file = join(directory, 'fleet.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(String(late.expires), String(Date.now() - 1)));
  t.throws(
    () => new FleetState(directory).spend('bastion2', readToken(late.token).secret),
    no,
    'it has ended',
  );
});

t.test('a second invitation takes the place of the first', async (t) => {
  const state = new FleetState(join(t.testdir({}), 'fleet'));
  const first = state.invite('bastion2', FINGERPRINT);
  const second = state.invite('bastion2', FINGERPRINT);
  t.equal(state.invited.length, 1);
  t.throws(() => state.spend('bastion2', readToken(first.token).secret));
  state.spend('bastion2', readToken(second.token).secret);
});

t.test('what is no token', async (t) => {
  for (const text of ['', 'hopline-', `hopline-${'A'.repeat(63)}`, `other-${'A'.repeat(64)}`])
    t.throws(() => readToken(text), { name: 'FleetError' }, text);
});

t.test('what others say of themselves is kept, and who was put out stays out', async (t) => {
  const directory = join(t.testdir({}), 'fleet');
  const state = new FleetState(directory);
  state.learn(hello);
  state.know({ host: 'bastion3', endpoint: null });
  t.match(new FleetState(directory).members, [
    { host: 'bastion2', hello },
    { host: 'bastion3', hello: null },
  ]);
  t.equal(state.remove('bastion2'), true);
  t.equal(state.remove('bastion9'), false);
  state.know({ host: 'bastion2', endpoint: null });
  const again = new FleetState(directory);
  t.match(again.members, [{ host: 'bastion3' }]);
  t.strictSame(again.removed, ['bastion2']);
  again.invite('bastion2', FINGERPRINT);
  t.strictSame(again.removed, [], 'until it is invited again');
});

t.test('in no fleet, in one, and out again', async (t) => {
  const directory = join(t.testdir({}), 'fleet');
  const state = new FleetState(directory);
  t.equal(state.joined, false);
  const { pem, spki } = state.newKey();
  t.equal(spki.length, 91);
  state.adopt({ key: pem, certificate: 'CERT', ca: 'CA' }, [{ host: 'bastion1', endpoint: null }]);
  t.equal(state.joined, true);
  t.equal(state.founded, false);
  t.match(new FleetState(directory).credentials(), { key: pem, certificate: 'CERT', ca: 'CA' });
  t.equal(statSync(join(directory, 'host.key')).mode & 0o777, 0o600);
  t.strictSame(state.optionSecret(), new FleetState(directory).optionSecret());
  state.leave();
  t.equal(state.joined, false);
  t.strictSame(state.members, []);
});

t.test('endpoints as text', async (t) => {
  for (const text of ['10.0.0.5:7422', '[fd00::5]:1']) t.equal(endpointText(endpointFrom(text)), text);
  for (const text of ['bastion2:7422', '10.0.0.5', '10.0.0.5:0', '10.0.0.5:65536', 'fd00::5:1', '[fd00::5]'])
    t.throws(() => endpointFrom(text), { name: 'FleetError' }, text);
});
