/**
 * Reading libpg-query's JSON: each node is an object with its type's name as the one key, and leaves out what is
 * zero.
 */
import type { Node } from '@pgsql/types';

type KeyOf<T> = T extends unknown ? keyof T : never;
export type Tag = KeyOf<Node> & string;
export type Of<T extends Tag> = Extract<Node, Record<T, unknown>>[T];

/** The node's contents if it is of that type. */
export function as<T extends Tag>(node: Node | undefined, tag: T): Of<T> | null {
  const of = node as unknown as Record<string, unknown> | undefined;
  return of !== undefined && Object.hasOwn(of, tag) ? (of[tag] as Of<T>) : null;
}

/** A node's type, or null for what is none. */
export function tagOf(node: Node | undefined): Tag | null {
  if (node === undefined) return null;
  for (const tag in node) return tag as Tag;
  return null;
}

/** The text of a String node, or null. */
export function text(node: Node | undefined): string | null {
  const string = as(node, 'String');
  return string === null ? null : (string.sval ?? '');
}

/** The texts of those nodes of a list that are Strings. */
export function texts(nodes: readonly Node[] | undefined): string[] {
  const all: string[] = [];
  for (const node of nodes ?? []) {
    const one = text(node);
    if (one !== null) all.push(one);
  }
  return all;
}

/** The items of a List node; of what is no list, the node itself. */
export function items(node: Node | undefined): readonly Node[] {
  if (node === undefined) return [];
  return as(node, 'List')?.items ?? [node];
}

/** A constant as the text that it stands for, through casts (`'x'::text`); null for anything else, NULL too. */
export function constant(node: Node | undefined): string | null {
  const cast = as(node, 'TypeCast');
  if (cast !== null) return constant(cast.arg);
  const value = as(node, 'A_Const');
  if (value === null || value.isnull) return null;
  if (value.sval !== undefined) return value.sval.sval ?? '';
  if (value.ival !== undefined) return String(value.ival.ival ?? 0);
  if (value.fval !== undefined) return value.fval.fval ?? '';
  if (value.boolval !== undefined) return String(value.boolval.boolval ?? false);
  return null;
}
