/** What policy is not asked about. */
import { join } from 'node:path';
import t from 'tap';
import type { Image, Omitted } from '../../src/attribution/image.ts';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import { decideConnect, PolicyLoader } from '../../src/daemon/policy-state.ts';
import { hop } from '../store/seed.ts';

t.test('a chain of more programs than have their names in it is judged by nobody', async (t) => {
  const policies = { 'a.cedar': '@id("all") permit (principal, action, resource);' };
  const decide = (mode: string, omitted: Omitted | null) => {
    const dir = t.testdir({ 'hopline.yaml': `mode: ${mode}\n`, 'targets.yaml': 'targets: {}\n', policies });
    const state = new PolicyLoader(join(dir, 'hopline.yaml'), ['tcp']).load();
    const image = { parent: { parent: null, omitted }, omitted: null } as unknown as Image;
    return decideConnect(state, { ...hop(), image } as unknown as HopDraft, null);
  };
  const names = new Set(['claude']);
  t.match(decide('enforce', null), { outcome: 'allow', policies: ['all'] });
  t.match(decide('enforce', { count: 9, names, named: true }), { outcome: 'allow' });
  const unnamed = { count: 900, names, named: false };
  t.match(decide('enforce', unnamed), { outcome: 'deny', observed: false, reason: /name them all/ });
  t.match(decide('observe', unnamed), { outcome: 'deny', observed: true });
});
