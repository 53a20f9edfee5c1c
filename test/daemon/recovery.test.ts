/** What a daemon that starts again takes up of the run before, and what it has to admit. */
import t from 'tap';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import type { Notice } from '../../src/core/types.ts';
import { beginRecord, bootId, endRecovery, type Recovering } from '../../src/daemon/recovery.ts';
import { HlLoss } from '../../src/kernel/layouts.generated.ts';
import { hop, id, login, T0, temporaryStore } from '../store/seed.ts';

t.test(
  'direct hops of what lives are open again, with what closes them; the others have ended',
  async (t) => {
    using s = temporaryStore();
    const { writer, reader } = s.store;
    const source = { address: '10.77.0.11', port: 40_001 };
    writer.batch(() => {
      writer.insertLogin(login());
      writer.insertLogin(login({ id: id(1) }));
      writer.insertHop(hop({ id: id(10), mode: 'direct', source }));
      writer.insertHop(hop({ id: id(11), mode: 'direct', transport: 'udp', source: null }));
      writer.insertHop(hop({ id: id(12), mode: 'inspect' }));
      writer.insertHop(hop({ id: id(13), mode: 'direct', login: id(1), source }));
      writer.insertHop(hop({ id: id(14), mode: 'direct', login: null, source }));
      writer.insertHop(hop({ id: id(15), mode: 'direct', source, ended: T0 + 9 }));
    });
    const opened: HopDraft[] = [];
    const ended: string[] = [];
    const resumed: [string, string][] = [];
    endRecovery({
      store: s.store,
      attribution: {
        roots: { get: (login: string) => (login === id(0) ? {} : undefined) },
        flows: { resume: (hop: string, transport: string) => resumed.push([hop, transport]) },
      },
      record: { hopEnd: (hop: string) => ended.push(hop), loginEnd: () => {}, flush: () => true },
      listeners: [{ inherited: true }],
      now: () => T0,
      opened: (hop: HopDraft) => opened.push(hop),
    } as unknown as Recovering);
    t.match(opened, [
      { id: id(10), source, image: null, destination: { port: 5432 } },
      { id: id(11), source: null },
    ]);
    t.same(ended, [id(12), id(13), id(14)]);
    t.same(
      resumed,
      [
        [id(10), 'tcp'],
        [id(11), 'udp'],
      ],
      'a datagram flow may have to end with its process',
    );
    t.equal(reader.unendedHops().length, 5);
  },
);

t.test('a gap says what of it the kernel kept', async (t) => {
  const told = (lost: bigint, continued = true) => {
    const notices: Omit<Notice, 'id'>[] = [];
    const losses = [0n, 0n, 0n, 0n, 0n];
    losses[HlLoss.LOSS_EVENT] = lost;
    beginRecord(
      {
        store: { previous: { unclean: true, boot: bootId(), lastWrite: T0 } },
        kernel: { continued, maps: { events: { pending: () => 8 }, losses: () => losses } },
        record: { notice: (notice: Omit<Notice, 'id'>) => notices.push(notice) },
        policy: { snapshot: { version: 'v1' } },
        now: () => T0 + 2_000_000,
      } as unknown as Recovering,
      [4n],
    );
    t.match(notices, [{ kind: 'gap' }, { kind: 'start' }]);
    return notices[0]?.detail;
  };
  t.match(
    told(4n),
    /away for 2\.0 s; the kernel kept its programs meanwhile, and all of its events \(8 bytes/,
  );
  t.match(told(11n), /and its events until there was no more room: 7 did not fit \(8 bytes/);
  t.match(told(0n, false), /what happened meanwhile was not seen/);
});
