/**
 * Vault's HTTP API, and that of what is compatible with it (OpenBao): KV version 2 and database secrets
 * (developer.hashicorp.com/vault/api-docs: secret/kv/kv-v2, secret/databases, system/leases).
 */
import { Secret } from '../core/secret.ts';
import { fit, printable } from '../core/text.ts';
import { CredentialError, type CredentialErrorCode } from './credential.ts';
import { NOT_OTHERS, readSecretFile } from './file.ts';
import { type HttpAnswer, isLoopback, send, takeJson } from './http.ts';
import type { Outgoing } from './outgoing.ts';

export interface VaultSettings {
  /** `https://vault.example:8200`. Without TLS only on this host, unless `plaintext`. */
  readonly address: string;
  /** Holds the token; read for each request, so that whatever renews it may replace the file. */
  readonly tokenFile: string;
  readonly namespace?: string | null;
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca?: string | null;
  readonly timeoutMs?: number;
  /** Send the token over a network without TLS. */
  readonly plaintext?: boolean;
  readonly outgoing?: Outgoing;
}

export interface Lease {
  readonly id: string;
  /** Seconds from now. */
  readonly duration: number;
  readonly renewable: boolean;
}

export interface Login {
  readonly user: string;
  readonly password: Secret;
}

const TIMEOUT_MS = 5_000;
/** A hundred years: above it, a lease is not a number that anybody meant. */
const MAX_DURATION = 3_155_760_000;

export class Vault {
  readonly #settings: VaultSettings;
  readonly #base: URL;
  readonly #who: string;

  /** @throws CredentialError `settings` */
  constructor(settings: VaultSettings) {
    const base = URL.parse(settings.address);
    if (base === null || !['http:', 'https:'].includes(base.protocol) || base.username !== '')
      throw new CredentialError('settings', 'the address of Vault is not an http or https URL');
    if (settings.namespace != null && !/^[A-Za-z0-9_./-]+$/.test(settings.namespace))
      throw new CredentialError('settings', 'the namespace of Vault is not a path');
    this.#settings = settings;
    this.#base = base;
    this.#who = `Vault at ${base.origin}`;
    this.#guard(base);
  }

  /**
   * Fields of a secret of KV version 2, as text; those that are not text are left out.
   * @throws CredentialError
   */
  async readKv(mount: string, path: string): Promise<Map<string, Secret>> {
    const name = `${segments(mount)}/data/${segments(path)}`;
    const fields = member(member(await this.#call('GET', name), 'data'), 'data');
    if (typeof fields !== 'object' || fields === null) throw this.#malformed(name);
    const secrets = new Map<string, Secret>();
    for (const [field, value] of Object.entries(fields))
      if (typeof value === 'string' && value !== '') secrets.set(field, new Secret(value));
    return secrets;
  }

  /**
   * A new login that the database secrets engine makes for a role.
   * @throws CredentialError
   */
  async databaseLogin(mount: string, role: string): Promise<{ login: Login; lease: Lease }> {
    const name = `${segments(mount)}/creds/${segments(role)}`;
    const answer = await this.#call('GET', name);
    const data = member(answer, 'data');
    const [user, password] = [member(data, 'username'), member(data, 'password')];
    const lease = leaseOf(answer);
    if (typeof user !== 'string' || typeof password !== 'string' || user === '' || lease === null)
      throw this.#malformed(name);
    return { login: { user, password: new Secret(password) }, lease };
  }

  /** @throws CredentialError */
  async renew(lease: Lease): Promise<Lease> {
    const name = 'sys/leases/renew';
    const renewed = leaseOf(await this.#call('PUT', name, { lease_id: lease.id, increment: lease.duration }));
    if (renewed === null) throw this.#malformed(name);
    return renewed;
  }

  /** @throws CredentialError */
  async revoke(lease: Lease): Promise<void> {
    await this.#call('PUT', 'sys/leases/revoke', { lease_id: lease.id });
  }

  /** @param path below /v1/, its segments encoded */
  async #call(method: 'GET' | 'PUT', path: string, body: unknown = null): Promise<unknown> {
    const { tokenFile, namespace = null, ca = null, timeoutMs = TIMEOUT_MS, outgoing } = this.#settings;
    const token = await readSecretFile(tokenFile, NOT_OTHERS);
    try {
      const headers = {
        'X-Vault-Request': 'true',
        'X-Vault-Token': headerValue(tokenFile, token),
        ...(namespace === null ? {} : { 'X-Vault-Namespace': namespace }),
        ...(body === null ? {} : { 'Content-Type': 'application/json' }),
      };
      const text = body === null ? {} : { body: JSON.stringify(body) };
      const request = { method, headers, ca, timeoutMs, who: this.#who, outgoing, ...text };
      const url = new URL(`${this.#base.href.replace(/\/+$/, '')}/v1/${path}`);
      let answer = await send({ ...request, url });
      // A standby that does not forward requests points at the active node, once.
      const elsewhere = [307, 308].includes(answer.status)
        ? URL.parse(answer.location ?? '', url.href)
        : null;
      if (elsewhere !== null) {
        this.#guard(elsewhere);
        answer = await send({ ...request, url: elsewhere });
      }
      if (answer.status === 204) return null;
      if (answer.status === 200) return takeJson(answer);
      throw this.#refused(path, answer, token);
    } finally {
      token.clear();
    }
  }

  /** The token goes nowhere that is less protected than what was configured. */
  #guard(url: URL): void {
    if (url.protocol === 'https:') return;
    const allowed = this.#base.protocol === 'http:' && (this.#settings.plaintext === true || isLoopback(url));
    if (!allowed)
      throw new CredentialError('settings', `${this.#who}: its token would go over the network without TLS`);
  }

  #refused(path: string, answer: HttpAnswer, token: Secret): CredentialError {
    const errors = member(takeJson(answer), 'errors');
    const said = Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join('; ') : '';
    // Threat: a server that puts what it was given into its error.
    const shown = said === '' || said.includes(token.reveal()) ? '' : `: ${fit(printable(said), 200)}`;
    const [code, what] = meaning(answer.status);
    return new CredentialError(code, `${this.#who}, ${decodeURIComponent(path)}: ${what}${shown}`);
  }

  #malformed(path: string): CredentialError {
    return new CredentialError(
      'malformed',
      `${this.#who}, ${decodeURIComponent(path)}: the answer is not what the API documents`,
    );
  }
}

/** developer.hashicorp.com/vault/api-docs, HTTP status codes. */
function meaning(status: number): [CredentialErrorCode, string] {
  if (status === 403) return ['denied', 'the token has expired or may not do this (403)'];
  if (status === 404) return ['missing', 'there is nothing (404)'];
  if (status === 429) return ['unreachable', 'too many requests (429)'];
  if (status === 503) return ['unreachable', 'it is sealed or down for maintenance (503)'];
  if (status === 412 || (status >= 472 && status <= 473) || status >= 500)
    return ['unreachable', `it cannot answer now (${status})`];
  return ['denied', `it refuses the request (${status})`];
}

function leaseOf(answer: unknown): Lease | null {
  const [id, duration] = [member(answer, 'lease_id'), member(answer, 'lease_duration')];
  if (typeof id !== 'string' || id === '' || typeof duration !== 'number') return null;
  if (!(duration > 0 && duration <= MAX_DURATION)) return null;
  return { id, duration, renewable: member(answer, 'renewable') === true };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** @throws CredentialError `settings` where a path would leave its place */
function segments(path: string): string {
  const parts = path.replace(/^\/+|\/+$/g, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new CredentialError('settings', `${JSON.stringify(path.slice(0, 100))} is no path in Vault`);
  return parts.map(encodeURIComponent).join('/');
}

/** Node's own error about a header quotes its value. */
function headerValue(path: string, token: Secret): string {
  const text = token.reveal();
  if (!/^[\x21-\x7e]+$/.test(text)) throw new CredentialError('malformed', `${path} is not a token`);
  return text;
}
