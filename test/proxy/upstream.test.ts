import t from 'tap';
import { boundAddress } from '../../src/proxy/upstream.ts';

t.test('a client that has bound its socket is followed', async (t) => {
  t.equal(boundAddress('10.0.0.7', '10.0.3.5'), '10.0.0.7');
  t.equal(boundAddress('fd00::7', 'fd00:3::5'), 'fd00::7');
  // One that has not comes from where the proxy listens.
  for (const [client, destination] of [
    ['127.0.0.1', '10.0.3.5'],
    ['::1', 'fd00:3::5'],
    ['fe80::1', 'fd00:3::5'],
    ['10.0.0.7', 'fd00:3::5'],
    ['fd00::7', '10.0.3.5'],
  ] as const)
    t.equal(boundAddress(client, destination), undefined, `${client} to ${destination}`);
});
