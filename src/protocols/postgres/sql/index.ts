/** SQL of PostgreSQL, understood by PostgreSQL's own grammar: what a statement does, before it runs. */
export { ANALYSER_LIMITS, Analyser, type AnalyserLimits } from './analyser.ts';
export { Offsets } from './offsets.ts';
export { loadParser, MOST_BYTES, MOST_DEPTH, type Parsed, type ParseError, parse } from './parse.ts';
export { type Names, resolve } from './resolve.ts';
export {
  type Analysis,
  KINDS,
  type Kind,
  type Relation,
  type Statement,
  type TransactionVerb,
} from './statement.ts';
