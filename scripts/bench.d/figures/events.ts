/** Programs executed at a high rate: is each of them in the record? */
import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, type Bench, type Figure, type Result } from '../figure.ts';
import { LOAD } from '../lab.ts';
import { median } from '../numbers.ts';

const WANTED = 10_000;

export const events: Figure = {
  name: 'events',
  what: `${WANTED} exec/s: lost, unreported, and what the machine can do`,
  async run(bench) {
    const { quick, progress } = bench;
    const seconds = quick ? 5 : 60;
    const burst = quick ? 2 : 4;
    progress('as fast as it goes, with and without, in turn');
    const rates = { direct: [] as number[], hopline: [] as number[] };
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      rates.direct.push((await execute(bench, 'alice@db1', 0, burst * 5000, 'x')).rate);
      rates.hopline.push((await execute(bench, 'alice@bastion1', 0, burst * 5000, 'x')).rate);
    }
    const direct = median(rates.direct);
    const hopline = median(rates.hopline);

    const marker = `events-${process.pid}`;
    const rate = Math.min(WANTED, Math.floor(hopline));
    progress(`${rate} exec/s for ${seconds} s`);
    const before = await losses(bench);
    const { executed, rate: reached } = await execute(bench, 'alice@bastion1', rate, rate * seconds, marker);
    const recorded = await settled(bench, marker, executed);
    const lost = (await losses(bench)) - before;
    const unreported = executed - recorded - lost;
    const detail = `${executed} executed at ${Math.round(reached)}/s (of ${WANTED}/s asked for), ${recorded} recorded, ${lost} counted as lost by the kernel half`;
    const zero = (what: string, value: number): Result => absolute(what, value, 'execs', 0, detail);
    return [
      zero('lost', executed - recorded),
      zero('neither recorded nor reported as lost', Math.max(0, unreported)),
      {
        what: 'rate reached',
        value: reached,
        unit: 'exec/s',
        target: { limit: WANTED * 0.99, sense: 'at least' },
        direct,
        hopline,
        ratio: hopline / direct,
        detail: `for ${seconds} s; direct and with hopline: as fast as it goes, ${rates.direct.length} bursts of ${burst * 5000} in turn, on a host that nothing follows and on the bastion; a static program that only exits, from two processes`,
      },
    ];
  },
};

async function execute(
  { lab }: Bench,
  login: string,
  rate: number,
  count: number,
  marker: string,
): Promise<{ executed: number; rate: number }> {
  const { stdout } = await lab.ssh(
    login,
    [`${LOAD}/spawn`, `${rate}`, `${count}`, `${LOAD}/nothing`, marker],
    { timeoutMs: 300_000 },
  );
  const [executed = 0, ns = 1] = stdout.trim().split(' ').map(Number);
  return { executed, rate: (executed * 1e9) / ns };
}

async function losses({ lab }: Bench): Promise<number> {
  using client = await lab.client('bastion1');
  const { kernel } = await client.call('status', {});
  return Number(kernel.eventsLost);
}

/** Waits until the store holds all, or holds no more than a while ago. */
async function settled({ lab }: Bench, marker: string, wanted: number): Promise<number> {
  let last = -1;
  for (let tries = 0; tries < 60; tries++) {
    const [row] = await lab.query<{ n: number }>(
      'bastion1',
      "SELECT count(*) n FROM processes WHERE argv LIKE ? AND exe LIKE '%/nothing'",
      `%nothing","${marker}"%`,
    );
    const count = row?.n ?? 0;
    if (count >= wanted || count === last) return count;
    last = count;
    await sleep(1000);
  }
  return last;
}
