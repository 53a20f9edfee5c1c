/** Cedar's WebAssembly, kept usable: an input that breaks the instance costs that instance, not the daemon. */
import { createRequire } from 'node:module';
import type {
  AuthorizationAnswer,
  DetailedError,
  PolicyJson,
  StatefulAuthorizationCall,
  ValidationAnswer,
} from '@cedar-policy/cedar-wasm/nodejs';

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');

export type { AuthorizationAnswer, DetailedError, PolicyJson, ValidationAnswer };

/** The engine itself failed, which no policy and no request should be able to cause. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}

export type Request = Omit<
  StatefulAuthorizationCall,
  'preparsedPolicySetId' | 'preparsedSchemaName' | 'validateRequest'
>;

const require = createRequire(import.meta.url);
const entry = require.resolve('@cedar-policy/cedar-wasm/nodejs');
let cedar = require(entry) as Cedar;
let generation = 0;

/**
 * Runs a call. A trap leaves the instance's memory in an unknown state, and every later call traps too
 * (seen with 4.13: a policy nested too deeply); the next call gets a new instance.
 */
function run<T>(call: (cedar: Cedar) => T): T {
  try {
    return call(cedar);
  } catch (error) {
    delete require.cache[entry];
    cedar = require(entry) as Cedar;
    generation += 1;
    throw new EngineError(`the policy engine failed: ${(error as Error).message}`, { cause: error });
  }
}

export type Parsed =
  | { readonly json: PolicyJson; readonly errors: null }
  | { readonly json: null; readonly errors: readonly DetailedError[] };

export function parsePolicy(text: string): Parsed {
  const answer = run((engine) => engine.policyToJson(text));
  return answer.type === 'success'
    ? { json: answer.json, errors: null }
    : { json: null, errors: answer.errors };
}

/** Validates policies, by id, against a schema. */
export function validatePolicies(
  schema: string,
  policies: Readonly<Record<string, string>>,
): ValidationAnswer {
  return run((engine) => engine.validate({ schema, policies: { staticPolicies: policies } }));
}

export function policyText(json: PolicyJson): string {
  const answer = run((engine) => engine.policyToText(json));
  if (answer.type === 'failure') throw new EngineError(messages(answer.errors));
  return answer.text;
}

const SCHEMA_NAME = 'hopline';
/** The engine keeps prepared sets for ever; those that are given back are used again. */
const spare: string[] = [];
let names = 0;

/** A set of policies, parsed once. Requests are held against the schema before they are evaluated. */
export class PreparedSet {
  readonly #name: string;
  readonly #schema: string;
  readonly #policies: Record<string, string | PolicyJson>;
  #generation = -1;
  #released = false;

  /** @throws EngineError where a policy does not parse */
  constructor(schema: string, policies: Readonly<Record<string, string | PolicyJson>>) {
    this.#schema = schema;
    this.#policies = { ...policies };
    this.#name = spare.pop() ?? `set${names++}`;
    this.#prepare();
  }

  /** @throws EngineError where the engine itself fails; a wrong request is an answer */
  evaluate(request: Request): AuthorizationAnswer {
    // Its name may stand for another set by now.
    if (this.#released) throw new EngineError('these policies are no longer in force');
    if (this.#generation !== generation) this.#prepare();
    return run((engine) =>
      engine.statefulIsAuthorized({
        ...request,
        preparsedPolicySetId: this.#name,
        preparsedSchemaName: SCHEMA_NAME,
        validateRequest: true,
      }),
    );
  }

  /** The set's place goes to another; this one is not to be used again. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    run((engine) => engine.preparsePolicySet(this.#name, { staticPolicies: {} }));
    spare.push(this.#name);
  }

  #prepare(): void {
    const answers = run((engine) => [
      engine.preparseSchema(SCHEMA_NAME, this.#schema),
      engine.preparsePolicySet(this.#name, { staticPolicies: this.#policies }),
    ]);
    for (const answer of answers) {
      if (answer.type === 'failure') throw new EngineError(messages(answer.errors));
    }
    this.#generation = generation;
  }
}

export function messages(errors: readonly DetailedError[]): string {
  return errors.map(({ message }) => message).join('; ');
}
