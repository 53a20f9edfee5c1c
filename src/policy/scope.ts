/** Whether a policy's scope matches, for those parts of a request that are known. */
import type { PolicyJson } from './engine.ts';

export interface Entity {
  readonly type: string;
  readonly id: string;
}

/** An entity and every entity that it is in. */
export interface Placed extends Entity {
  readonly parents: readonly Entity[];
}

type Uid = Entity | { readonly __entity: Entity };

export function plain(uid: Uid): Entity {
  return '__entity' in uid ? uid.__entity : uid;
}

export function uidText({ type, id }: Entity): string {
  return `${type}::${JSON.stringify(id)}`;
}

export function actionMatches({ action }: PolicyJson, name: string): boolean {
  if (action.op === 'All') return true;
  if ('slot' in action) return true;
  const named = 'entities' in action ? action.entities : [action.entity];
  return named.some((uid) => plain(uid).type === 'Action' && plain(uid).id === name);
}

/** Of the principal or the resource: Cedar's `==`, `in` and `is … in`. */
export function scopeMatches(
  scope: PolicyJson['principal'] | PolicyJson['resource'],
  entity: Placed,
): boolean {
  switch (scope.op) {
    case 'All':
      return true;
    case '==':
      return 'slot' in scope || same(plain(scope.entity), entity);
    case 'in':
      return 'slot' in scope || within(plain(scope.entity), entity);
    case 'is': {
      if (scope.entity_type !== entity.type) return false;
      return scope.in === undefined || 'slot' in scope.in || within(plain(scope.in.entity), entity);
    }
  }
}

function within(group: Entity, entity: Placed): boolean {
  return same(group, entity) || entity.parents.some((parent) => same(group, parent));
}

function same(a: Entity, b: Entity): boolean {
  return a.type === b.type && a.id === b.id;
}
