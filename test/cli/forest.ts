import {
  type ForestJson,
  handoffJson,
  hopJson,
  loginJson,
  processJson,
  type TreeLoginJson,
} from '../../src/api/json.ts';
import type { TreeStyle } from '../../src/cli/render-tree.ts';
import { styleFor } from '../../src/cli/style.ts';
import type { Handoff, Hop, Login, Process } from '../../src/core/types.ts';
import { allow, hop, id, login, process, T0 } from '../store/seed.ts';

export const SECOND = 1_000_000;

export function tree(
  base: Login,
  processes: readonly Process[],
  hops: readonly Hop[] = [],
  handoffs: readonly Handoff[] = [],
): TreeLoginJson {
  return {
    ...loginJson(base),
    processes: processes.map(processJson),
    hops: hops.map(hopJson),
    recordings: [],
    handoffs: handoffs.map(handoffJson),
  };
}

export const forest = (...logins: TreeLoginJson[]): ForestJson => ({
  ...{ logins, unattributed: [], omitted: 0, parts: [], absent: [] },
});

export function style(
  over: Partial<TreeStyle> & { color?: boolean; ascii?: boolean; columns?: number | null } = {},
): TreeStyle {
  const { color = false, ascii = false, columns = null, full = false } = over;
  const made = styleFor({
    tty: color || columns !== null,
    columns: columns ?? 200,
    color,
    ascii,
    env: { TERM: 'xterm', LANG: 'C.UTF-8' },
    now: new Date((T0 + 600 * SECOND) / 1000),
  });
  return { ...made, full };
}

/** The nested login of the design's own example. */
export function example(): TreeLoginJson {
  const alice = login({
    tty: 'pts/3',
    identity: {
      name: 'alice',
      groups: [],
      verified: true,
      evidence: { method: 'publickey', fingerprint: 'SHA256:abcdef', source: 'pam' },
    },
    ended: T0 + 103 * SECOND,
  });
  const processes = [
    process({ id: 1, argv: ['-bash'] }),
    process({ id: 2, parent: 1, image: 0 }),
    process({ id: 3, parent: 2, argv: ['/bin/bash', './report.sh'] }),
    process({
      id: 4,
      parent: 3,
      exe: '/usr/bin/psql',
      argv: ['psql', '-h', 'orders-db'],
      exited: T0,
      exitCode: 2,
    }),
    process({ id: 5, parent: 3, exe: '/usr/bin/curl', argv: ['curl', 'http://vault/'] }),
    process({ id: 6, parent: 1, exe: '/home/alice/nc', argv: ['vim'] }),
    process({ id: 7, parent: 1, exe: '/usr/bin/tmux', argv: ['tmux', 'attach'] }),
  ];
  const hops = [
    hop({
      process: 4,
      ended: T0 + 5 * SECOND + 800_000,
      bytesUp: 1234,
      bytesDown: 8000,
    }),
    hop({
      id: id(6),
      process: 5,
      target: 'vault',
      protocol: 'tcp',
      destination: { address: '2001:db8::7', port: 443 },
      ended: T0 + 6 * SECOND,
      mode: 'denied',
      decision: { ...allow, outcome: 'deny', reason: 'denied by policy "no-vault": ask the security team' },
    }),
  ];
  const handoffs: Handoff[] = [
    {
      id: 1,
      kind: 'tmux',
      login: alice.id,
      process: 7,
      toLogin: id(-50),
      toPid: 99,
      via: '/tmp/tmux-0/default',
      at: T0,
    },
    {
      id: 2,
      kind: 'loopback',
      login: id(-60),
      process: 1000,
      toLogin: alice.id,
      toPid: 4000,
      via: '127.0.0.1:8080',
      at: T0,
    },
  ];
  return tree(alice, processes, hops, handoffs);
}
