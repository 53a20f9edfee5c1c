/** DO, CREATE FUNCTION and CREATE PROCEDURE: the statements in their bodies. */
import type { CreateFunctionStmt, Node } from '@pgsql/types';
import { brief, dotted } from './found.ts';
import { escapesDiffer } from './lexer.ts';
import { as, items, tagOf, texts } from './nodes.ts';
import { parse } from './parse.ts';
import { readPlpgsql } from './plpgsql.ts';
import { factsOf, UNKNOWN_STATEMENT } from './verbs.ts';
import { type Handlers, NO_NAMES, type Scope, type Walker } from './walker.ts';

function option(nodes: readonly Node[] | undefined, name: string): readonly string[] | null {
  const values = (nodes ?? []).map((node) => as(node, 'DefElem')).filter((node) => node?.defname === name);
  const last = values.at(-1);
  return last === undefined || last === null ? null : texts(items(last.arg));
}

/** Statements in another: what they do is among what that one does. */
function statements(nodes: readonly Node[], scope: Scope, walker: Walker): void {
  for (const node of nodes) {
    const { verb, kinds } = factsOf(tagOf(node), node);
    walker.found.kind(...kinds);
    if (verb === 'unknown') walker.found.unknown.add(UNKNOWN_STATEMENT);
    walker.walk(node, scope);
  }
}

function source(sql: string, of: string, walker: Walker): void {
  const { tree, error } = parse(sql);
  if (error !== null) walker.found.unknown.add(`${of}: ${brief(error.message)}`);
  else
    walker.within(sql, () =>
      statements(
        (tree.stmts ?? []).flatMap(({ stmt }) => stmt ?? []),
        NO_NAMES,
        walker,
      ),
    );
}

/** @param of what the code belongs to, for reasons */
function code(language: string, body: string, of: string, walker: Walker): void {
  const { found } = walker;
  if (language === 'sql') source(body, of, walker);
  else if (language === 'plpgsql') {
    const { sql, dynamic, problems } = readPlpgsql(walker.source.text, body);
    if (dynamic) found.unknown.add(`dynamic SQL in ${of}`);
    for (const problem of problems) found.unknown.add(problem);
    for (const one of sql) source(one, of, walker);
  } else found.unknown.add(`body of ${of} in language ${language}`);
  // PL/pgSQL parses each statement when it comes to it: a SET before it may have changed how strings are read.
  const settingsMayChange = found.has('session') || !walker.source.standardConformingStrings;
  if (settingsMayChange && escapesDiffer(body))
    found.unknown.add(`a backslash in a string of ${of} that settings decide about`);
}

function createFunction(node: CreateFunctionStmt, scope: Scope, walker: Walker): void {
  walker.found.kind('ddl');
  const name = `${node.is_procedure ? 'procedure' : 'function'} ${dotted(texts(node.funcname))}`;
  for (const parameter of node.parameters ?? [])
    walker.walk(as(parameter, 'FunctionParameter')?.defexpr, scope);
  const settings = (node.options ?? []).filter((each) => as(each, 'DefElem')?.defname === 'set');
  walker.walk(settings, scope);
  if (node.sql_body !== undefined) {
    const body = items(node.sql_body).flatMap((part) => items(part));
    statements(body, scope, walker);
    return;
  }
  const language = option(node.options, 'language')?.[0] ?? 'sql';
  const body = option(node.options, 'as') ?? [];
  // Two are an object file and a symbol in it.
  if (body.length === 1 && body[0] !== undefined) code(language, body[0], name, walker);
  else {
    walker.found.kind('file');
    walker.found.unknown.add(`body of ${name} in language ${language}`);
  }
}

export const BODIES: Handlers = {
  DoStmt: (node, _scope, walker) => {
    const language = option(node.args, 'language')?.[0] ?? 'plpgsql';
    if (language === 'plpgsql') code(language, option(node.args, 'as')?.[0] ?? '', 'DO', walker);
    else walker.found.unknown.add(`body of DO in language ${language}`);
  },
  CreateFunctionStmt: createFunction,
  CreatePLangStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    for (const name of [node.plhandler, node.plinline, node.plvalidator])
      if (name !== undefined) walker.found.functions.add(dotted(texts(name)));
  },
};
