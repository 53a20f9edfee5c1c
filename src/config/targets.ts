/** targets.yaml: each target by itself, then all of them together. */
import { z } from 'zod';
import type {
  CredentialSettings,
  TargetCertificates,
  TargetCredentials,
  VaultServer,
} from '../core/credentials.ts';
import type { Target } from '../core/target.ts';
import { DETECTOR_NAMES } from '../masking/detectors/names.ts';
import { credential, vault } from './credential-shape.ts';
import { type Reading, targetCredentials, type Vaults, vaultServer } from './credentials.ts';
import { name, RESERVED_TARGETS } from './names.ts';
import { pem } from './pem.ts';
import { type Detail, type Problem, problem } from './problem.ts';
import { dotted, fit, fitKey } from './shape.ts';
import { didYouMean } from './similar.ts';
import { port, prefix, refuse, section, text } from './values.ts';
import type { YamlFile } from './yaml.ts';

type Path = readonly PropertyKey[];

const mapping = z.preprocess((value) => value ?? {}, z.record(z.string(), z.unknown())).prefault({});
const file = section({ vaults: mapping, targets: mapping });

/** Names hold no dot here; a column of such a name is reached by `*`. */
const COLUMN = /^[^.\s]+\.[^.\s]+\.[^.\s]+$/;

const shape = section({
  addresses: z.array(prefix).min(1),
  ports: z.array(port).min(1),
  protocol: text(/^[a-z][a-z0-9-]*$/, 'the name of a protocol, such as postgres, ssh or tcp', 32).default(
    'tcp',
  ),
  mode: z.enum(['inspect', 'direct']).optional(),
  transport: z.enum(['tcp', 'udp']).default('tcp'),
  tags: z.array(name).default([]),
  tls: section({
    mode: z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full']).default('prefer'),
    ca: z.string().startsWith('/', 'an absolute path of a file in PEM').optional(),
    name: z.string().min(1).max(253).optional(),
  })
    .prefault({})
    .transform(({ mode, ca, name }, ctx) => ({ mode, ca: authorities(ca, ctx), serverName: name ?? null })),
  columns: z
    .record(text(COLUMN, 'schema.table.column, each a name or a pattern with *', 300), z.array(name).min(1))
    .default({})
    .transform((columns) => Object.entries(columns).map(([pattern, tags]) => ({ pattern, tags }))),
  detect: section({
    detectors: z.array(z.enum(DETECTOR_NAMES)).default([]),
    patterns: z.record(name, z.string().min(1).max(1000)).default({}),
  })
    .prefault({})
    .transform(({ detectors, patterns }) => ({
      detectors,
      patterns: Object.entries(patterns).map(([name, pattern]) => ({ name, pattern })),
    })),
  credential: credential.optional(),
  certificate: z
    .union([
      z.literal(true).transform(() => []),
      section({ accounts: z.array(text(/^[^\s:]+$/, 'an account of the host', 64)).min(1) }).transform(
        ({ accounts }) => accounts,
      ),
    ])
    .optional(),
  sshfp: z.boolean().default(false),
}).transform((target, ctx) => {
  if (target.sshfp && target.protocol !== 'ssh')
    return refuse(ctx, 'SSHFP records are of hosts that are reached by SSH', {
      expected: 'protocol: ssh',
      hint: 'write protocol: ssh, or leave sshfp out',
    });
  if (target.certificate !== undefined && target.protocol !== 'ssh')
    return refuse(ctx, 'certificates are issued for SSH', {
      expected: 'protocol: ssh',
      hint: 'write protocol: ssh, or leave certificate out',
    });
  if (target.transport === 'tcp') return { ...target, mode: target.mode ?? ('inspect' as const) };
  if (target.mode === 'inspect') {
    return refuse(ctx, 'UDP cannot be inspected', {
      expected: 'mode: direct',
      hint: 'write mode: direct, or leave mode out',
    });
  }
  if (target.ports.includes(443)) {
    return refuse(ctx, 'UDP port 443 is QUIC, which carries HTTPS past every inspection', {
      hint: 'if that is meant, allow it in hopline.yaml: udp: {allow: [{to: …, port: 443, quic: true}]}',
    });
  }
  return { ...target, mode: 'direct' as const };
});

function authorities(path: string | undefined, ctx: z.RefinementCtx): string | null {
  if (path === undefined) return null;
  const text = pem(path);
  return typeof text === 'string' ? text : refuse(ctx, text.message, { expected: text.expected ?? '' });
}

export interface TargetsResult {
  readonly targets: readonly Target[];
  readonly credentials: TargetCredentials;
  readonly certificates: TargetCertificates;
  /** Names of targets whose hosts' keys may be known by DNS. */
  readonly sshfp: readonly string[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** @param protocols names of the protocol rooms, where the caller knows them */
export function readTargets(yaml: YamlFile, protocols?: readonly string[]): TargetsResult {
  const problems: Problem[] = [...yaml.problems];
  const warnings: Problem[] = [];
  const targets: Target[] = [];
  const credentials: Record<string, readonly CredentialSettings[]> = {};
  const certificates: Record<string, readonly string[]> = {};
  const sshfp: string[] = [];
  const whole = problems.length > 0 ? null : fit(file, yaml.value, yaml, [], problems);
  const reading = { yaml, problems, warnings };
  const vaults = readVaults(whole?.vaults ?? {}, reading);
  for (const [key, value] of Object.entries(whole?.targets ?? {})) {
    const at = ['targets', key];
    const called = fitKey(name, key, yaml, at, problems);
    const fitting = fit(shape, value, yaml, at, problems);
    if (fitting === null) continue;
    const { credential: written, certificate, sshfp: fromDns, ...target } = fitting;
    if (called !== null && fromDns) sshfp.push(called);
    if (called !== null) targets.push({ name: called, ...target });
    if (called !== null && certificate !== undefined) certificates[called] = certificate;
    if (called !== null && written !== undefined)
      credentials[called] = targetCredentials({ name: called, ...target }, written, vaults, reading, at);
    if (protocols !== undefined && !protocols.includes(target.protocol)) {
      const detail: Detail = {
        message: 'no protocol of this name is known: it will be forwarded as tcp',
        got: target.protocol,
        expected: `one of ${protocols.join(', ')}`,
        hint: didYouMean(target.protocol, protocols),
      };
      warnings.push(problem(yaml.file, yaml.at([...at, 'protocol']), dotted([...at, 'protocol']), detail));
    }
  }
  checkNames(targets, yaml, problems);
  checkOverlap(targets, yaml, problems);
  return { targets, credentials, certificates, sshfp, problems, warnings };
}

function readVaults(written: Readonly<Record<string, unknown>>, reading: Reading): Vaults {
  const { yaml, problems } = reading;
  const vaults = new Map<string, VaultServer | null>();
  for (const [key, value] of Object.entries(written)) {
    const at = ['vaults', key];
    const called = fitKey(name, key, yaml, at, problems);
    const fitting = fit(vault, value, yaml, at, problems);
    if (called !== null) vaults.set(called, fitting === null ? null : vaultServer(fitting, reading, at));
  }
  return vaults;
}

function checkNames(targets: readonly Target[], yaml: YamlFile, problems: Problem[]): void {
  const seen = new Map<string, string>();
  const refuseAt = (path: Path, detail: Detail) =>
    problems.push(problem(yaml.file, yaml.keyAt(path), dotted(path), detail));
  for (const { name: called, tags } of targets) {
    const path = ['targets', called];
    if (RESERVED_TARGETS.includes(called.toLowerCase())) {
      refuseAt(path, {
        message: `"${called}" is the name of what no target lists`,
        hint: 'give the target another name',
      });
    }
    const other = seen.get(called.toLowerCase());
    if (other !== undefined) {
      const line = yaml.keyAt(['targets', other]).line;
      refuseAt(path, {
        message: `differs from "${other}" (line ${line}) only in case`,
        hint: 'rename one of them',
      });
    }
    seen.set(called.toLowerCase(), called);
    for (const [index, tag] of tags.entries()) {
      const place = [...path, 'tags', index];
      if (RESERVED_TARGETS.includes(tag.toLowerCase())) {
        refuseAt(place, { message: `"${tag}" tags what no target lists`, hint: 'use another tag' });
      }
      if (tags.indexOf(tag) !== index)
        refuseAt(place, { message: `"${tag}" stands here twice`, hint: 'remove one' });
    }
  }
}

/** Nested prefixes are meant (the longest wins); the same prefix and port twice has no answer. */
function checkOverlap(targets: readonly Target[], yaml: YamlFile, problems: Problem[]): void {
  const owners = new Map<string, { target: string; path: Path }>();
  for (const { name: called, addresses, ports, transport } of targets) {
    for (const [index, prefixText] of addresses.entries()) {
      for (const [nth, number] of ports.entries()) {
        const repeated =
          addresses.indexOf(prefixText) !== index
            ? 'addresses'
            : ports.indexOf(number) !== nth
              ? 'ports'
              : null;
        const path = ['targets', called, repeated ?? 'addresses', repeated === 'ports' ? nth : index];
        const key = `${transport} ${prefixText} ${number}`;
        const owner = owners.get(key);
        owners.set(key, owner ?? { target: called, path });
        if (owner === undefined || alreadySaid(problems, yaml.at(path), dotted(path))) continue;
        const detail =
          owner.target === called
            ? { message: 'stands here twice', hint: 'remove one' }
            : {
                message: `${prefixText} port ${number}/${transport} belongs to "${owner.target}" already (line ${yaml.at(owner.path).line})`,
                expected: 'each prefix and port in one target',
                hint: 'take it out of one of the two, or give one a longer prefix',
              };
        problems.push(problem(yaml.file, yaml.at(path), dotted(path), detail));
      }
    }
  }
}

function alreadySaid(
  problems: readonly Problem[],
  at: { line: number; column: number },
  path: string,
): boolean {
  return problems.some((item) => item.line === at.line && item.column === at.column && item.path === path);
}
