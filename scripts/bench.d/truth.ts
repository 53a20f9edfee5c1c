/**
 * What the attribution load really does, and how the record is judged by it. A hop's destination tells its truth:
 * the last two bytes of the address are the login's number, the network is the way, the port is how deep the program is
 * and whether it had been executed.
 */
import type { Lab } from './lab.ts';

export interface PlannedLogin {
  readonly number: number;
  readonly user: string;
  readonly uid: number;
  /** Letters as link.c reads them. */
  readonly plan: string;
  readonly real: boolean;
}

export interface RecordedHop {
  readonly login: string | null;
  readonly user: string | null;
  readonly kind: string | null;
  readonly address: string;
  readonly port: number;
  readonly chain: readonly string[];
  /** argv and number of image of the process that it is recorded under. */
  readonly argv: readonly string[];
  readonly image: number | null;
  readonly pid: number | null;
}

const NAMES = ['alpha', 'beta', 'gamma', 'delta'];
const ECHO = 7000;
const FORKED = 32;
const PLANS = [
  'd',
  'i',
  'dki',
  'fi',
  'kfd',
  'xi',
  'dfik',
  'ffi',
  'fxki',
  'ixfdk',
  'fkfi',
  'xfifd',
  'fdfkfi',
  'kik',
];

export function plan(index: number): string {
  return PLANS[index % PLANS.length] ?? 'd';
}

/** Destinations, as `network.number:port`, one for each hop; several hops may share one. */
export function expectedHops({ number, plan }: PlannedLogin): string[] {
  const hops: string[] = [];
  let depth = 0;
  for (const step of plan) {
    if (step === 'd') hops.push(`98.${number}:${ECHO + depth}`);
    if (step === 'i') hops.push(`99.${number}:${ECHO + depth}`);
    if (step === 'k') hops.push(`${98 + (number % 2)}.${number}:${ECHO + FORKED + depth}`);
    if (step === 'f') hops.push(`98.${number}:${ECHO + depth}`);
    if (step === 'f' || step === 'x') depth++;
  }
  return hops;
}

export async function recordedHops(lab: Lab): Promise<RecordedHop[]> {
  const rows = await lab.query<Record<string, string & number>>(
    'bastion1',
    `SELECT h.login, h.address, h.port, h.chain, l.kind, coalesce((SELECT user FROM login_identities i
      WHERE i.login = l.id AND user IS NOT NULL ORDER BY seq DESC LIMIT 1), l.user) user, p.argv, p.image, p.pid
      FROM hops h LEFT JOIN logins l ON l.id = h.login LEFT JOIN processes p ON p.id = h.process
      WHERE h.address LIKE '10.98.%' OR h.address LIKE '10.99.%' ORDER BY h.seq`,
  );
  const list = (text: string | null | undefined) => (text ? (JSON.parse(text) as string[]) : []);
  return rows
    .map((row) => ({
      login: row.login ?? null,
      user: row.user ?? null,
      kind: row.kind ?? null,
      address: row.address ?? '',
      port: Number(row.port),
      chain: list(row.chain),
      argv: list(row.argv),
      image: row.image ?? null,
      pid: row.pid ?? null,
    }))
    .filter(({ address }) => numberOf(address) >= 256);
}

export interface Verdict {
  readonly wrong: number;
  readonly unattributed: number;
  /** Hops that the record has of those that were expected. */
  readonly seen: number;
  readonly examples: readonly string[];
}

export function judge(logins: readonly PlannedLogin[], hops: readonly RecordedHop[]): Verdict {
  const byNumber = new Map(logins.map((login) => [login.number, login]));
  const loginOf = new Map<number, string>();
  const numberOfLogin = new Map<string, number>();
  const left = new Map<string, number>();
  for (const login of logins) for (const hop of expectedHops(login)) left.set(hop, (left.get(hop) ?? 0) + 1);
  const examples: string[] = [];
  let wrong = 0;
  let unattributed = 0;
  let seen = 0;
  for (const hop of hops) {
    const number = numberOf(hop.address);
    const truth = byNumber.get(number);
    const key = `${hop.address.split('.')[1]}.${number}:${hop.port}`;
    const rest = left.get(key) ?? 0;
    if (rest > 0) seen++;
    left.set(key, rest - 1);
    if (hop.login === null || hop.kind === 'unattended') {
      unattributed++;
      if (examples.length < 5) examples.push(`unattributed: ${describe(hop)}`);
      continue;
    }
    loginOf.set(number, loginOf.get(number) ?? hop.login);
    numberOfLogin.set(hop.login, numberOfLogin.get(hop.login) ?? number);
    const fault =
      truth === undefined || rest <= 0
        ? 'never made'
        : loginOf.get(number) !== hop.login || numberOfLogin.get(hop.login) !== number
          ? 'in the wrong login'
          : faultOf(hop, truth);
    if (fault === null) continue;
    wrong++;
    if (examples.length < 5) examples.push(`${fault}: ${describe(hop)}`);
  }
  return { wrong, unattributed, seen, examples };
}

/** @returns what is wrong with the record of a hop, or null */
function faultOf(hop: RecordedHop, truth: PlannedLogin): string | null {
  const forked = hop.port >= ECHO + FORKED;
  const depth = hop.port - ECHO - (forked ? FORKED : 0);
  const names = Array.from({ length: depth + 1 }, (_, level) => NAMES[level % NAMES.length] ?? '');
  // sshd gives a command to the person's shell, which then becomes it.
  const chain = hop.chain[0] === 'bash' && truth.real ? hop.chain.slice(1) : hop.chain;
  if (hop.user !== truth.user) return `user ${hop.user} for ${truth.user}`;
  if (hop.argv[1] !== String(truth.number)) return 'under the wrong process';
  if (hop.argv[2]?.length !== depth + 1) return 'under the wrong program of its login';
  if ((hop.image === 0) !== forked) return forked ? 'under the parent of the fork' : 'under a fork';
  if (chain.join(' ') !== names.join(' ')) return `chain for ${names.join(' › ')}`;
  return null;
}

function describe(hop: RecordedHop): string {
  return `${hop.address}:${hop.port} login ${hop.login} user ${hop.user} pid ${hop.pid} ${hop.chain.join(' › ')} [${hop.argv.slice(1).join(' ')}]`;
}

function numberOf(address: string): number {
  const [, , high = 0, low = 0] = address.split('.').map(Number);
  return high * 256 + low;
}
