/**
 * Reading the raw parse tree: each Node is an object with one key, the kind, and fields that are left out
 * where empty.
 */
import type { Node } from '@pgsql/types';

export type Kind = Node extends infer N ? (N extends unknown ? keyof N : never) : never;
export type Body<K extends Kind> = Extract<Node, Record<K, unknown>>[K];

/** Null: an empty node, which stands for a thing left out. */
export function kindOf(node: Node): Kind | null {
  for (const kind in node) return kind as Kind;
  return null;
}

export function bodyOf(node: Node): unknown {
  for (const kind in node) return (node as Record<string, unknown>)[kind];
  return null;
}

/** The body of a node, if it is of this kind. */
export function as<K extends Kind>(node: Node | undefined, kind: K): Body<K> | null {
  return node !== undefined && kind in node ? (node as unknown as Record<K, Body<K>>)[kind] : null;
}

export function text(node: Node | undefined): string | null {
  return as(node, 'String')?.sval ?? null;
}

/** The names in a list of String nodes; others are left out. */
export function texts(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).map(text).filter((name) => name !== null);
}

/** A name with or without its schema (a database's before it is the server's to refuse). */
export function qualified(nodes: readonly Node[] | undefined): { schema: string | null; name: string } {
  const names = texts(nodes);
  return { schema: names.at(-2) ?? null, name: names.at(-1) ?? '' };
}

export function isStar(node: Node | undefined): boolean {
  return node !== undefined && 'A_Star' in node;
}

/**
 * The nodes that lie directly in a body's fields, through lists and through structures that are not nodes
 * themselves.
 */
export function* childNodes(body: unknown): Generator<Node> {
  if (Array.isArray(body)) {
    for (const element of body) yield* nodesAt(element);
  } else if (typeof body === 'object' && body !== null) {
    for (const key in body) yield* nodesAt((body as Record<string, unknown>)[key]);
  }
}

function* nodesAt(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) {
    // Kinds begin with a capital, fields never do.
    for (const key in value) {
      const first = key.charCodeAt(0);
      if (first >= 0x41 && first <= 0x5a) {
        yield value as Node;
        return;
      }
      break;
    }
  }
  yield* childNodes(value);
}
