/** One immutable version of the policies, ready to decide. */
import { createHash } from 'node:crypto';
import type { Problem } from '../config/problem.ts';
import type { IdentityUser, Mode, PolicyFile } from '../config/types.ts';
import type { Target } from '../core/target.ts';
import type { Decision } from '../core/types.ts';
import { Cache } from './cache.ts';
import { policiesOrThrow } from './check.ts';
import type { CompiledPolicy } from './compiled.ts';
import { decision, denied, reasonFor, type Terms, whatIs, whoIs } from './decide.ts';
import { parsePolicy } from './engine.ts';
import { isStatic, readsOf } from './reads.ts';
import { RECORDED, recordOf } from './record.ts';
import {
  type ConnectQuery,
  type ConnectRequest,
  type Context,
  connectRequest,
  QueryError,
  tagsIn,
} from './request.ts';
import { type Revealer, revealer } from './reveal.ts';
import { type Action, LOOPBACK, SCHEMA, UNLISTED, type Within } from './schema.ts';
import { actionMatches, type Placed, scopeMatches } from './scope.ts';
import { RuleSet, type Verdict } from './verdict.ts';

/** RFC 5737: nobody's address, for decisions that read none. */
const DOCUMENTATION_ADDRESS = '192.0.2.1';
const CACHED_VERDICTS = 4096;
/** Of one connection and kind of action: statements differ in less than connections do. */
const CACHED_DECISIONS = 64;
/** A chain of many long programs is evaluated anew each time. */
const LONGEST_KEY = 16_384;

export interface PolicyInput {
  readonly files: readonly PolicyFile[];
  readonly mode: Mode;
  readonly targets: readonly Target[];
  readonly identities: readonly IdentityUser[];
  /** `direct`: loopback needs no permit; a forbid still wins. Default `inspect`. */
  readonly loopback?: 'inspect' | 'direct';
}

/** @throws ConfigError with the place of everything that does not parse or validate */
export function compilePolicies(input: PolicyInput): PolicySnapshot {
  const { policies, warnings } = policiesOrThrow(input);
  return new PolicySnapshot(input, policies, warnings);
}

export class PolicySnapshot implements Terms {
  /** Digest of everything that was compiled in: 16 hexadecimal digits. */
  readonly version: string;
  readonly mode: Mode;
  readonly policies: readonly CompiledPolicy[];
  readonly warnings: readonly Problem[];
  readonly #loopback: 'inspect' | 'direct';
  readonly #tagsOf: (target: string) => readonly string[];
  readonly #rules = new Map<string, RuleSet>();
  readonly #byResource = new Map<string, RuleSet>();
  readonly #cache = new Cache<Verdict>(CACHED_VERDICTS);
  readonly #connections = new WeakMap<ConnectQuery, Map<Within, Connection>>();

  constructor(input: PolicyInput, policies: readonly CompiledPolicy[], warnings: readonly Problem[]) {
    const { files, mode, targets, identities, loopback = 'inspect' } = input;
    this.version = digest([SCHEMA, files, mode, targets, identities, loopback]);
    this.mode = mode;
    this.policies = policies;
    this.warnings = warnings;
    this.#loopback = loopback;
    this.#tagsOf = tagsIn(targets);
  }

  /** Whether a connection may be. Never throws: what can't be decided is denied. */
  decideConnect(query: ConnectQuery): Decision {
    return this.#decide('connect', query, {}, (what) => `connect to ${what}`);
  }

  /**
   * Whether something may be done over a connection. Never throws.
   * @param query the same object for what is done over a connection: what follows from it is remembered by it
   * @param facts of it: what the schema has of the action beside the connection's own
   * @returns of what no policy can tell apart in a connection, the same object
   */
  decideWithin(action: Within, query: ConnectQuery, facts: Context): Decision {
    const { reads, decisions } = this.#connection(action, query);
    const key = JSON.stringify(reads === 'all' ? facts : reads.map((name) => facts[name]));
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const decided = this.#decide(action, query, facts, (what) => deedOf(action, facts, what));
    if (decided.errors.length === 0 && key.length <= LONGEST_KEY) decisions.set(key, decided);
    return decided;
  }

  /**
   * How columns are shown to who came this way; null where no policy can mask any. Never throws: what can't be decided
   * is masked in full.
   */
  revealer(query: ConnectQuery): Revealer | null {
    return revealer(query, this, (resource) => this.rulesFor(resource, 'reveal'));
  }

  /**
   * The decision about a target, `unlisted` or `loopback`, where it is the same for everybody and every way of
   * coming; null where it is not.
   */
  staticConnect(name: string): Decision | null {
    const reserved = name === UNLISTED || name === LOOPBACK;
    const request = this.requestFor({
      login: null,
      chain: [],
      target: reserved ? null : name,
      destination: { address: name === LOOPBACK ? '127.0.0.1' : DOCUMENTATION_ADDRESS, port: 0 },
      transport: 'tcp',
      name: null,
      hops: 0,
    });
    const rules = this.rulesFor(request.resource);
    const verdict = isStatic(rules.reads)
      ? this.#verdict(rules, request)
      : staticVerdict(rules.policies, request);
    if (verdict === null) return null;
    return decision(
      verdict,
      reasonFor(verdict, `connect to ${name === UNLISTED ? 'what no target lists' : name}`, null),
      this,
    );
  }

  /** @throws QueryError */
  requestFor(query: ConnectQuery): ConnectRequest {
    return connectRequest(query, this.#tagsOf);
  }

  /** The policies that could say something about an action on this resource. */
  rulesFor(resource: Placed, action: Action = 'connect'): RuleSet {
    const place = `${action} ${resource.id}`;
    const known = this.#byResource.get(place);
    if (known !== undefined) return known;
    // A scope that does not match is false before anything else is evaluated, so to leave the policy out changes nothing.
    const applicable = this.policies.filter(
      ({ json }) => actionMatches(json, action) && scopeMatches(json.resource, resource),
    );
    const open = action === 'connect' && resource.id === LOOPBACK && this.#loopback === 'direct';
    const forbids = applicable.filter(({ effect }) => effect === 'forbid');
    // Who may ask may see, unless a policy says otherwise: a permit of reveal would have to name every column.
    const policies = open
      ? [...forbids, LOOPBACK_PERMIT]
      : action === 'reveal'
        ? [...forbids, REVEAL_PERMIT]
        : applicable;
    const key = [action, ...policies.map(({ id }) => id)].join('\n');
    const rules = this.#rules.get(key) ?? new RuleSet(policies, action);
    this.#rules.set(key, rules);
    this.#byResource.set(place, rules);
    return rules;
  }

  /** To be called when nothing asks this snapshot any more. */
  [Symbol.dispose](): void {
    for (const rules of this.#rules.values()) rules.release();
    this.#rules.clear();
    this.#byResource.clear();
  }

  #connection(action: Within, query: ConnectQuery): Connection {
    const known = this.#connections.get(query)?.get(action);
    if (known !== undefined) return known;
    const made = { reads: this.#reads(action, query), decisions: new Cache<Decision>(CACHED_DECISIONS) };
    const connections = this.#connections.get(query) ?? new Map<Within, Connection>();
    this.#connections.set(query, connections.set(action, made));
    return made;
  }

  #reads(action: Within, query: ConnectQuery): readonly string[] | 'all' {
    try {
      const { context } = this.rulesFor(this.requestFor(query).resource, action).reads;
      return context === 'all' ? 'all' : [...new Set([...SAID[action], ...context])];
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return 'all';
    }
  }

  #decide(action: Action, query: ConnectQuery, facts: Context, deed: (what: string) => string): Decision {
    let request: ConnectRequest;
    try {
      const { context, ...rest } = this.requestFor(query);
      request = { ...rest, context: { ...facts, ...context } };
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return denied([error.message], `this ${action} cannot be decided: ${error.message}`, this);
    }
    const verdict = this.#verdict(this.rulesFor(request.resource, action), request);
    const decided = decision(
      verdict,
      reasonFor(verdict, deed(whatIs(request, query)), whoIs(request.principal)),
      this,
    );
    const record = RECORDED.includes(action) ? recordOf(verdict) : null;
    return record === null ? decided : { ...decided, record };
  }

  #verdict(rules: RuleSet, request: ConnectRequest): Verdict {
    const key = cacheKey(rules, request);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const verdict = rules.evaluate(request);
    if (verdict.errors.length === 0 && key.length <= LONGEST_KEY) this.#cache.set(key, verdict);
    return verdict;
  }
}

/** What is remembered of a connection for one kind of action. */
interface Connection {
  /** Facts that a decision about it can depend on. */
  readonly reads: readonly string[] | 'all';
  readonly decisions: Cache<Decision>;
}

/** Everything that the evaluation reads, and nothing else: connections that differ in the rest share a verdict. */
function cacheKey({ id, reads }: RuleSet, request: ConnectRequest): string {
  const { principal, resource, context, approved } = request;
  const who = reads.principal ? [principal.id, ...principal.parents.map((parent) => parent.id).sort()] : null;
  const all = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  const read =
    reads.context === 'all' ? all : all.filter(([key]) => (reads.context as ReadonlySet<string>).has(key));
  return JSON.stringify([id, reads.resource ? resource.id : null, who, read, approved]);
}

/** The facts in {@link deedOf}: a reason says them, whether policies read them or not. */
const SAID: Readonly<Record<Within, readonly string[]>> = {
  query: ['verb'],
  shell: [],
  exec: ['tool'],
  transfer: ['tool', 'operation', 'path'],
  forward: ['forwarded', 'toHost'],
};

/** As a person would say it. */
function deedOf(action: Within, facts: Context, what: string): string {
  switch (action) {
    case 'query':
      return `${facts.verb ?? 'a statement'} on ${what}`;
    case 'shell':
      return `a shell on ${what}`;
    case 'exec':
      return `${facts.tool || 'a command'} on ${what}`;
    case 'transfer':
      return facts.path === ''
        ? `${facts.tool} on ${what}`
        : `${facts.operation} of ${facts.path} on ${what}`;
    case 'forward':
      return facts.toHost === ''
        ? `${facts.forwarded} forwarding by ${what}`
        : `forwarding to ${facts.toHost} by ${what}`;
  }
}

const LOOPBACK_PERMIT = builtIn(
  'config:loopback',
  `permit (principal, action == Action::"connect", resource == Target::"${LOOPBACK}");`,
);
const REVEAL_PERMIT = builtIn('config:reveal', 'permit (principal, action == Action::"reveal", resource);');

function builtIn(id: string, text: string): CompiledPolicy {
  const { json } = parsePolicy(text);
  if (json === null) throw new Error(`${id} does not parse`);
  const annotations = { approval: null, message: null, mask: null, record: null };
  const place = { file: 'hopline.yaml', line: 0, column: 0 };
  return { id, ...place, effect: 'permit', text, json, ...annotations, reads: readsOf(json) };
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/**
 * The verdict where some policies depend on who asks and none of those can change it: a forbid for
 * everybody stands whatever permits say; a permit for everybody stands where nothing that depends could
 * forbid, or fail to be evaluated.
 */
function staticVerdict(policies: readonly CompiledPolicy[], request: ConnectRequest): Verdict | null {
  const fixed = policies.filter(({ reads }) => isStatic(reads));
  const open = policies.filter(({ reads }) => !isStatic(reads));
  if (fixed.length === 0 || fixed.some(({ approval }) => approval !== null)) return null;
  const rules = new RuleSet(fixed, 'connect');
  try {
    const verdict = rules.evaluate(request);
    if (verdict.outcome === 'deny')
      return verdict.errors.length === 0 && verdict.determining.length > 0 ? verdict : null;
    return open.every(({ effect, json }) => effect === 'permit' && json.conditions.length === 0)
      ? verdict
      : null;
  } finally {
    rules.release();
  }
}
