/** Policy files become policies, or problems with their place in the file. */
import { basename } from 'node:path';
import { A_DURATION, parseDuration } from '../config/duration.ts';
import { type Detail, type Problem, problem } from '../config/problem.ts';
import { didYouMean } from '../config/similar.ts';
import type { PolicyFile } from '../config/types.ts';
import { maskFormProblem } from '../masking/forms.ts';
import type { ApprovalTerms, CompiledPolicy } from './compiled.ts';
import { MOST_DEPTH } from './depth.ts';
import { type DetailedError, EngineError, type PolicyJson, parsePolicy } from './engine.ts';
import { readsOf } from './reads.ts';
import { parseRecord, RECORD_FORMS, RECORDED } from './record.ts';
import { ACTIONS, HELD } from './schema.ts';
import { actionMatches, plain } from './scope.ts';
import { fromByteOffset, locate, type Piece, splitPolicies } from './split.ts';

const ANNOTATIONS = ['id', 'approval', 'approval_timeout', 'message', 'mask', 'record'];
/** Those that say something without a value. */
const BARE = ['approval'];
/** Ids that say which line of hopline.yaml decided begin with it. */
export const CONFIG_PREFIX = 'config:';

export interface ParsedFile {
  readonly file: PolicyFile;
  readonly policies: readonly { readonly policy: CompiledPolicy; readonly piece: Piece }[];
}

export interface ParseResult {
  readonly files: readonly ParsedFile[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export function parsePolicies(files: readonly PolicyFile[]): ParseResult {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const seen = new Map<string, CompiledPolicy>();
  const parsed = files.map((file) => {
    const policies: { policy: CompiledPolicy; piece: Piece }[] = [];
    for (const piece of splitPolicies(file.text)) {
      const policy = parseOne(file, piece, seen, problems, warnings);
      if (policy === null) continue;
      const { id, line, column } = policy;
      const other = seen.get(id);
      if (other === undefined) policies.push({ policy, piece });
      else {
        const detail = {
          message: `another policy has the id "${id}" (${other.file}:${other.line}:${other.column})`,
          hint: 'give one of them another @id',
        };
        problems.push(problem(file.file, { line, column }, '', detail));
      }
      seen.set(id, other ?? policy);
    }
    return { file, policies };
  });
  return { files: parsed, problems, warnings };
}

/** A problem at an offset, in UTF-8 bytes, of a policy's text. */
export function problemInPiece(file: PolicyFile, piece: Piece, bytes: number, detail: Detail): Problem {
  const offset = piece.start + fromByteOffset(piece.text, bytes);
  return problem(file.file, locate(file.text, offset), '', detail);
}

/** What Cedar says is wrong, where it says so. */
export function cedarProblem(file: PolicyFile, piece: Piece, error: DetailedError): Problem {
  const [place] = error.sourceLocations ?? [];
  const message = error.message
    .replace(/^failed to parse polic\w+ from string: /, '')
    .replace(/^for policy `[^`]*`, /, '');
  return problemInPiece(file, piece, place?.start ?? 0, {
    message,
    expected: place?.label?.replace(/^expected /, '') ?? null,
    hint: error.help ?? 'see https://docs.cedarpolicy.com/policies/syntax-policy.html',
  });
}

function parseOne(
  file: PolicyFile,
  piece: Piece,
  seen: ReadonlyMap<string, CompiledPolicy>,
  problems: Problem[],
  warnings: Problem[],
): CompiledPolicy | null {
  if (piece.depth > MOST_DEPTH) {
    const hint = 'use [...].contains(x) in place of many ||, or make several policies';
    problems.push(problemInPiece(file, piece, 0, { message: 'this policy is nested too deeply', hint }));
    return null;
  }
  let json: PolicyJson;
  try {
    const parsed = parsePolicy(piece.text);
    if (parsed.json === null) {
      problems.push(...parsed.errors.map((error) => cedarProblem(file, piece, error)));
      return null;
    }
    json = parsed.json;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    problems.push(
      problemInPiece(file, piece, 0, { message: error.message, hint: 'make the policy smaller' }),
    );
    return null;
  }
  const refuse = (annotation: string, detail: Detail) => {
    const at = Math.max(0, piece.code.search(new RegExp(`@${annotation}\\b`)));
    return problem(file.file, locate(file.text, piece.start + at), `@${annotation}`, detail);
  };
  const given = (json.annotations ?? {}) as Readonly<Record<string, string | null>>;
  for (const [annotation, detail] of annotationProblems(json, given))
    problems.push(refuse(annotation, detail));
  const refused = ACTIONS.filter((action) => !HELD.includes(action) && actionMatches(json, action));
  if ('approval' in given && json.effect === 'forbid' && refused.length > 0) {
    const message = `cannot wait for an approval, and is refused: ${refused.join(', ')}`;
    const hint = `name the actions that can wait: ${HELD.map((action) => `action == Action::"${action}"`).join(', ')}`;
    warnings.push(refuse('approval', { message, hint }));
  }
  for (const annotation of Object.keys(given)) {
    if (ANNOTATIONS.includes(annotation)) continue;
    const hint = didYouMean(annotation, ANNOTATIONS);
    warnings.push(refuse(annotation, { message: 'an annotation that means nothing here', hint }));
  }
  const at = locate(file.text, piece.start);
  return {
    id: given.id ?? ownId(file, at.line, seen),
    file: file.file,
    ...at,
    effect: json.effect,
    text: piece.text,
    json,
    approval: approvalOf(given),
    message: given.message ?? null,
    mask: given.mask ?? null,
    record: parseRecord(given.record ?? ''),
    reads: readsOf(json),
  };
}

function ownId(file: PolicyFile, line: number, seen: ReadonlyMap<string, CompiledPolicy>): string {
  const stem = `${basename(file.file)}:${line}`;
  let id = stem;
  for (let nth = 2; seen.has(id); nth++) id = `${stem}.${nth}`;
  return id;
}

function* annotationProblems(
  json: PolicyJson,
  given: Readonly<Record<string, string | null>>,
): Generator<[string, Detail]> {
  for (const name of ANNOTATIONS) {
    if (!(name in given) || BARE.includes(name) || given[name]?.trim()) continue;
    yield [name, { message: 'has no value', hint: `write @${name}("…")` }];
  }
  if (given.id?.startsWith(CONFIG_PREFIX)) {
    yield [
      'id',
      {
        message: `ids that begin with ${CONFIG_PREFIX} are for what hopline.yaml decides`,
        hint: 'choose another',
      },
    ];
  }
  if (given.id !== undefined && given.id !== null && !/^[\w./@: -]{1,128}$/.test(given.id)) {
    yield [
      'id',
      { message: 'is no usable id', expected: 'letters, digits and . _ / @ : - and spaces, at most 128' },
    ];
  }
  if ('approval' in given && json.effect !== 'forbid') {
    yield ['approval', { message: 'belongs on a forbid', hint: 'write the forbid that an approval lifts' }];
  }
  if (given.record?.trim()) {
    const about = RECORDED.some((action) => actionMatches(json, action));
    if (json.effect !== 'permit' || !about)
      yield [
        'record',
        { message: `belongs on a permit of ${RECORDED.join(', ')}`, hint: 'write action == Action::"query"' },
      ];
    else if (parseRecord(given.record) === null)
      yield [
        'record',
        { message: 'is no way to record', got: JSON.stringify(given.record), expected: RECORD_FORMS },
      ];
  }
  if ('approval_timeout' in given && !('approval' in given)) {
    yield ['approval_timeout', { message: 'belongs beside an @approval', hint: 'add @approval("GROUP")' }];
  }
  const timeout = given.approval_timeout?.trim();
  const parsed = timeout ? parseDuration(timeout) : 0;
  if (typeof parsed === 'string') {
    yield ['approval_timeout', { message: parsed, got: timeout ?? null, expected: A_DURATION }];
  }
  const actions = actionsOf(json);
  const revealing =
    json.effect === 'forbid' && actions.length > 0 && actions.every((action) => action === 'reveal');
  const wrong = given.mask ? maskFormProblem(given.mask) : null;
  if (wrong !== null) yield ['mask', { message: wrong, hint: 'a forbid without @mask masks in full' }];
  if ('mask' in given && !revealing) {
    yield ['mask', { message: 'belongs on a forbid of reveal', hint: 'write action == Action::"reveal"' }];
  }
}

/** Those that it names; none where it is about all. */
function actionsOf({ action }: PolicyJson): string[] {
  if (action.op === 'All' || 'slot' in action) return [];
  return ('entities' in action ? action.entities : [action.entity]).map((uid) => plain(uid).id);
}

function approvalOf(given: Readonly<Record<string, string | null>>): ApprovalTerms | null {
  if (!('approval' in given)) return null;
  const group = given.approval?.trim() || null;
  const timeoutMs = parseDuration(given.approval_timeout?.trim() ?? '');
  return { group, timeoutMs: typeof timeoutMs === 'number' ? timeoutMs : null };
}
