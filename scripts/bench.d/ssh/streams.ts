/** A large file over SSH: one command, scp, and four at once. */
import { HEAD } from '../../../src/protocols/ssh/recorded/command.ts';
import { cpuOf } from '../cpu.ts';
import { type Bench, type Result, ratio } from '../figure.ts';
import { LOAD } from '../lab.ts';
import { median, pairs } from '../numbers.ts';
import { DIRECT, FILE, INSPECTED, LOGIN, TEXT } from './far.ts';
import { inStore } from './record.ts';

const CIPHERS = [
  { name: 'chacha20-poly1305@openssh.com', short: 'chacha20', limit: 0.8 },
  { name: 'aes128-gcm@openssh.com', short: 'aes128-gcm', limit: 0.5 },
] as const;
type Cipher = (typeof CIPHERS)[number];

const AT_ONCE = 4;

export interface Load {
  readonly bytes: number;
  readonly hash: string;
}

export async function streams(bench: Bench, load: Load): Promise<Result[]> {
  await warm(bench, load);
  const results: Result[] = [];
  for (const cipher of CIPHERS) for (const what of WHAT) results.push(await one(bench, load, cipher, what));
  results.push(...(await atOnce(bench, load)));
  return results;
}

/**
 * The lab's disk is memory, and what of it a virtual machine has not used yet costs more when it is first written
 * (measured: 1.8 ms a MB in place of 0.4) than all else that is done with a recording. A host that has run for a while
 * has used all of it.
 */
async function warm({ lab, quick, progress }: Bench, { bytes }: Load): Promise<void> {
  const file = '/var/lib/hopline/warm';
  const most = bytes * (roundsOf(quick) + 1);
  progress('memory for the recordings');
  await lab.exec('bastion1', ['sh', '-c', `head -c ${most} /dev/zero >${file}; rm ${file}`]);
}

const roundsOf = (quick: boolean): number => (quick ? 2 : 3);

/** Runs the two in turn. @returns seconds of each */
async function alternate({ lab }: Bench, rounds: number, command: (to: string) => string[]) {
  const words = [`${LOAD}/alternate`, `${rounds}`, ...command(DIRECT), '--', ...command(INSPECTED)];
  const { stdout } = await lab.ssh(LOGIN, words, { timeoutMs: 900_000 });
  return pairs(stdout, 1e6);
}

/** By each cipher: what is recorded of it, and how it is told. */
const WHAT = [
  { name: 'exec', file: FILE, kind: 'exec', kept: 'its first MB and its SHA-256 recorded' },
  { name: 'exec of text', file: TEXT, kind: 'exec', kept: 'all of it recorded' },
  { name: 'scp', file: FILE, kind: 'transfer', kept: 'with its SHA-256 in the record' },
] as const;

async function one(
  bench: Bench,
  load: Load,
  cipher: Cipher,
  { name, file, kind, kept }: (typeof WHAT)[number],
): Promise<Result> {
  const { bytes, hash } = load;
  const rounds = roundsOf(bench.quick);
  bench.progress(`${name}, ${cipher.short}`);
  const options = ['-q', '-o', `Ciphers=${cipher.name}`];
  const command = (to: string) =>
    kind === 'exec'
      ? ['ssh', ...options, to, 'cat', file]
      : ['scp', ...options, `${to}:${file}`, '/tmp/bench-copy'];
  // With the first of each, which are not measured.
  const connections = rounds + 1;
  const expected = {
    connections,
    kind,
    recorded: kind === 'transfer' ? null : file === FILE ? HEAD : bytes / 10,
    ...(file === FILE ? { hash } : {}),
  };
  const pids = bench.lab.daemonPids('bastion1');
  const before = cpuOf(pids);
  const { first, second } = await inStore(bench.lab, expected, () => alternate(bench, rounds, command));
  const cpu = (cpuOf(pids) - before) / ((connections * bytes) / 1e6);
  const rate = (seconds: readonly number[]) => bytes / 1e6 / median(seconds);
  const what = file === FILE ? 'that do not compress' : 'of text';
  const detail = `MB/s; ${bytes / 1e6} MB ${what} from one host to the bastion, ${kept}; ${rounds} of each in turn, median, login included; Hopline's processes used ${(cpu * 1e3).toFixed(1)} ms of processors a MB`;
  return ratio(`${name}, ${cipher.short}`, '× direct', rate(first), rate(second), cipher.limit, detail);
}

/** As {@link one}'s exec with OpenSSH's own cipher. */
async function atOnce(bench: Bench, { bytes }: Load): Promise<Result[]> {
  const { lab, quick, progress } = bench;
  const rounds = roundsOf(quick);
  const each = bytes / AT_ONCE;
  progress(`${AT_ONCE} streams at once`);
  const script = [
    '#!/bin/sh',
    'for i in $(seq "$1"); do ssh -q "$2" head -c "$3" "$4" >/dev/null & all="$all $!"; done',
    'for one in $all; do wait "$one" || exit 1; done',
  ].join('\n');
  await lab.exec('bastion1', ['sh', '-c', 'cat >/tmp/at-once; chmod 755 /tmp/at-once'], { input: script });
  const run = (streams: number, size: number) =>
    inStore(lab, { connections: (rounds + 1) * streams, kind: 'exec', recorded: HEAD }, () =>
      alternate(bench, rounds, (to) => ['/tmp/at-once', `${streams}`, to, `${size}`, FILE]),
    );
  const alone = await run(1, bytes);
  using client = await lab.client('bastion1');
  const workers = (await client.call('status', {})).workers.flatMap(({ pid }) => pid ?? []);
  const before = workers.map((pid) => cpuOf([pid]));
  const together = await run(AT_ONCE, each);
  const used = workers.map((pid, at) => cpuOf([pid]) - (before[at] ?? 0));
  const rate = (seconds: readonly number[]) => bytes / 1e6 / median(seconds);
  const detail = `MB/s in sum; ${AT_ONCE} of ${each / 1e6} MB beside one of ${bytes / 1e6} MB, chacha20, ${rounds} of each in turn, median; direct ${rate(alone.first).toFixed(0)} MB/s by one and ${rate(together.first).toFixed(0)} by ${AT_ONCE}; the ${workers.length} workers used ${used.map((s) => s.toFixed(1)).join(' and ')} s of processors, which ssh and sshd need as well`;
  const what = `${AT_ONCE} at once: in sum`;
  return [
    // Not slower: how much faster depends on the processors that clients and servers on the same machine leave.
    ratio(what, '× one', rate(alone.second), rate(together.second), 1, detail),
    ratio(what, '× direct', rate(together.first), rate(together.second), null, detail),
  ];
}
