import { z } from 'zod';
import { ControlError, MAX_RECORDING_BYTES, type Method, type Params } from './protocol.ts';

const text = z.string().min(1).max(4096);
const time = z.iso.datetime({ offset: true });
const limit = z.int().min(1).max(100_000);
const number = z.int().min(1);
/** What a worker is told of it, and writes to a client. */
const REASON = 1000;
const nothing = z.strictObject({});

const SCHEMAS: { readonly [M in Method]: z.ZodType<Params[M]> } = {
  status: nothing,
  logins: z.strictObject({ all: z.boolean(), user: text, limit }).partial(),
  tree: z.strictObject({ login: text, all: z.boolean(), limit, local: z.boolean() }).partial(),
  hops: z
    .strictObject({
      hop: text,
      login: text,
      user: text,
      target: text,
      since: time,
      outcome: z.enum(['allow', 'deny', 'approve']),
      unattributed: z.boolean(),
      open: z.boolean(),
      limit,
    })
    .partial(),
  actions: z
    .strictObject({
      hop: text,
      login: text,
      user: text,
      target: text,
      since: time,
      until: time,
      kind: text,
      text,
      outcome: z.enum(['allow', 'deny', 'approve']),
      before: z.string().regex(/^[^#]{1,64}#\d{1,15}$/, 'HOP#NUMBER'),
      after: z.int().min(0),
      limit,
    })
    .partial()
    .refine(({ after, hop }) => after === undefined || hop !== undefined, 'after: belongs with a hop'),
  recordings: z
    .strictObject({ hop: text, login: text, user: text, target: text, since: time, kind: text, limit })
    .partial(),
  'recording.read': z.strictObject({
    id: text,
    offset: z.int().min(0),
    limit: z.int().min(1).max(MAX_RECORDING_BYTES).optional(),
  }),
  handoffs: z.strictObject({ login: text, since: time, limit }).partial(),
  notices: z.strictObject({ since: time, kind: text, limit }).partial(),
  watch: nothing,
  approvals: z.strictObject({ all: z.boolean(), limit }).partial(),
  approve: z.strictObject({ approval: number, reason: z.string().max(REASON).optional() }),
  deny: z.strictObject({ approval: number, reason: z.string().trim().min(1).max(REASON) }),
  revoke: z.strictObject({ what: text, reason: z.string().max(4096).optional() }),
  'policy.explain': z
    .strictObject({
      login: text,
      user: text,
      target: text,
      destination: text,
      chain: z.array(z.string().max(4096)).max(256),
    })
    .partial(),
  'config.check': z.strictObject({ dir: text.startsWith('/') }).partial(),
  reload: nothing,
  ca: z.strictObject({ do: z.enum(['prepare', 'use']) }).partial(),
  peers: nothing,
  'peer.invite': z.strictObject({ host: text }),
  'peer.join': z.strictObject({ endpoint: text, token: text }),
  'peer.remove': z.strictObject({ host: text }),
  'peer.leave': nothing,
};

export function isMethod(name: unknown): name is Method {
  return typeof name === 'string' && Object.hasOwn(SCHEMAS, name);
}

/** @throws ControlError `bad_request`, saying which field is wrong and what was expected */
export function parseParams<M extends Method>(method: M, params: unknown): Params[M] {
  const parsed = SCHEMAS[method].safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  const found = parsed.error.issues.map((issue) =>
    [issue.path.join('.'), issue.message].filter(Boolean).join(': '),
  );
  throw new ControlError('bad_request', `${method}: ${found.join('; ')}`);
}
