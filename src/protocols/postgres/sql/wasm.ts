/**
 * PostgreSQL's own parser, compiled to WebAssembly (libpg-query): instances of it that can be thrown away.
 *
 * Threat: a statement that makes the parser trap (recursion deeper than the stack, memory spent) leaves its memory
 * in no known state, and statements of other connections come next in the same tick. So a trapped instance is never
 * called again, and the next is made at once: libpg-query's own wrapper can only do that asynchronously, which is
 * why its glue is evaluated here, in a context of its own whose promises settle before evaluation returns. That
 * context has no `process`, no `require` and no memory beyond what the module begins with (128 MiB).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';

/** Then an instance is made anew, whatever small pieces of memory its parser may have lost. */
const MOST_CALLS = 1_000_000;

/** What the glue of libpg-query 18.1.5 exports, as far as it is used. Pointers are numbers. */
interface Glue {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  /** → PgQueryParseResult { char *parse_tree, *stderr_buffer; PgQueryError *error } */
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  /** → JSON, or a message where it does not begin with a brace */
  _wasm_parse_plpgsql(text: number): number;
  _wasm_free_string(text: number): void;
}

/** Of the language, not of Node, and so in none of the type libraries here. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> };

/** The parser came to no answer. Nothing is said about the statement: the server may well take it. */
export class ParserTrap extends Error {
  override readonly name = 'ParserTrap';
}

/**
 * What the grammar said: a tree as JSON, or why there is none, with the place as PostgreSQL's Position (1-based, 0
 * unknown).
 */
export type Outcome =
  | { readonly json: string; readonly message: null }
  | { readonly json: null; readonly message: string; readonly position: number };

const GLUE = createRequire(import.meta.url).resolve('libpg-query/wasm/libpg-query.js');

const START = `;
  WebAssembly.Memory.prototype.grow = () => { throw new RangeError('the parser has all the memory it gets'); };
  PgQueryModule({
    instantiateWasm(imports, done) { done(new WebAssembly.Instance(module, imports)); return {}; },
  }).then((glue) => { ready = glue; });`;

const quiet = { log() {}, error() {} };

/** The longest tree that is read: V8 takes about a second for 100 MB of it. */
const MOST_JSON = 32 * 1024 * 1024;

class Instance {
  readonly #glue: Glue;
  readonly #memory: Buffer;
  #calls = 0;

  constructor(script: Script, module: object) {
    const context = createContext(
      { module, ready: null, console: quiet, TextDecoder },
      { microtaskMode: 'afterEvaluate', codeGeneration: { strings: false, wasm: true } },
    );
    script.runInContext(context);
    if (context.ready === null) throw new Error('libpg-query did not start');
    this.#glue = context.ready as Glue;
    this.#memory = Buffer.from(this.#glue.HEAPU8.buffer);
  }

  get worn(): boolean {
    return this.#calls >= MOST_CALLS;
  }

  parse(text: string): Outcome {
    return this.#with(text, (input) => {
      const result = this.#glue._wasm_parse_query_raw(input);
      const tree = this.#pointer(result);
      const error = this.#pointer(result + 8);
      if (error !== 0) {
        const message = this.#string(this.#pointer(error));
        const position = this.#memory.readInt32LE(error + 16);
        this.#glue._wasm_free_parse_result(result);
        return { json: null, message, position };
      }
      const json = this.#string(tree);
      this.#glue._wasm_free_parse_result(result);
      return { json, message: null };
    });
  }

  parsePlpgsql(text: string): Outcome {
    return this.#with(text, (input) => {
      const result = this.#glue._wasm_parse_plpgsql(input);
      const json = this.#string(result);
      this.#glue._wasm_free_string(result);
      return json.startsWith('{') ? { json, message: null } : { json: null, message: json, position: 0 };
    });
  }

  #with(text: string, call: (input: number) => Outcome): Outcome {
    this.#calls += 1;
    const bytes = Buffer.byteLength(text);
    const input = this.#glue._malloc(bytes + 1);
    if (input === 0) throw new ParserTrap('no memory for the text');
    this.#memory.write(text, input, bytes, 'utf8');
    this.#memory[input + bytes] = 0;
    const outcome = call(input);
    this.#glue._free(input);
    return outcome;
  }

  #pointer(at: number): number {
    if (at === 0) throw new ParserTrap('no result');
    return this.#memory.readUInt32LE(at);
  }

  #string(at: number): string {
    if (at === 0) throw new ParserTrap('no result');
    const end = this.#memory.indexOf(0, at);
    if (end < at || end - at > MOST_JSON) throw new ParserTrap('its tree is too large');
    return this.#memory.toString('utf8', at, end);
  }
}

let made: { readonly script: Script; readonly module: object } | null = null;
let current: Instance | null = null;

/** Reads and compiles the parser; afterwards no file is touched again. */
export async function loadWasm(): Promise<void> {
  if (made !== null) return;
  const module = await WebAssembly.compile(readFileSync(GLUE.replace(/\.js$/, '.wasm')));
  made ??= { script: new Script(readFileSync(GLUE, 'utf8') + START, { filename: GLUE }), module };
  current ??= new Instance(made.script, made.module);
}

/**
 * Runs one call on the parser. Costs 3 to 5 ms more after a trap, for the next instance.
 * @throws ParserTrap where the parser came to no answer
 */
function run(call: (instance: Instance) => Outcome): Outcome {
  if (made === null) throw new Error('loadParser() has to come first');
  current ??= new Instance(made.script, made.module);
  const instance = current;
  current = null;
  try {
    const outcome = call(instance);
    if (!instance.worn) current = instance;
    return outcome;
  } catch (error) {
    // Of another realm: `instanceof` would not know a RangeError of the glue's.
    const { name, message } = error as Error;
    if (error instanceof ParserTrap) throw error;
    throw new ParserTrap(name === 'RangeError' ? 'nested too deeply' : `${name}: ${message}`);
  }
}

/** @throws ParserTrap */
export const parseRaw = (text: string): Outcome => run((instance) => instance.parse(text));
/** The text is a whole CREATE FUNCTION or DO. @throws ParserTrap */
export const parsePlpgsqlRaw = (text: string): Outcome => run((instance) => instance.parsePlpgsql(text));
