/** Queries made up at random in which tables, CTEs and schemas have the same few names. */
import type { Random } from '../../../core/random.ts';

export const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

export class RandomScopes {
  readonly #random: Random;
  #aliases = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  statement(): string {
    this.#aliases = 0;
    return this.#chance(3) ? this.#change(3) : this.#query(3, true);
  }

  #chance(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  #relation(): string {
    const name = this.#random.pick(NAMES);
    return this.#chance(6) ? `s.${name}` : name;
  }

  #alias(): string {
    this.#aliases += 1;
    return `q${this.#aliases}`;
  }

  #from(depth: number): string {
    const kind = this.#random.below(8);
    if (depth <= 0 || kind < 4) return `${this.#relation()} ${this.#alias()}`;
    if (kind < 6) return `(${this.#query(depth - 1)}) ${this.#alias()}`;
    if (kind === 6) return `${this.#from(depth - 1)} join ${this.#from(depth - 1)} on true`;
    return `lateral (${this.#query(depth - 1)}) ${this.#alias()}`;
  }

  #where(depth: number): string {
    if (depth <= 0) return '';
    const query = this.#query(depth - 1);
    return this.#random.pick([
      '',
      ` where exists (${query})`,
      ` where (${query}) is null`,
      ` where 1 in (${query})`,
    ]);
  }

  #query(depth: number, top = false): string {
    const clause = depth > 0 && this.#chance(2) ? this.#with(depth - 1, top) : '';
    const kind = this.#random.below(6);
    if (kind === 0 && depth > 0)
      return `${clause}(${this.#query(depth - 1)}) union all (${this.#query(depth - 1)})`;
    if (kind === 1 && depth > 0) return `${clause}select (${this.#query(depth - 1)})`;
    return `${clause}select 1 from ${this.#from(depth)}${this.#where(depth)}`;
  }

  #change(depth: number): string {
    const clause = depth > 0 && this.#chance(3) ? this.#with(depth - 1, false) : '';
    const target = this.#relation();
    switch (this.#random.below(4)) {
      case 0:
        return `${clause}insert into ${target} (x) ${this.#query(depth - 1)}`;
      case 1: {
        const from = this.#chance(2) ? ` from ${this.#from(depth - 1)}` : '';
        return `${clause}update ${target} set x = (${this.#query(depth - 1)})${from}${this.#where(depth)}`;
      }
      case 2: {
        const using = this.#chance(2) ? ` using ${this.#from(depth - 1)}` : '';
        return `${clause}delete from ${target}${using}${this.#where(depth)}`;
      }
      default:
        return `${clause}merge into ${target} m using ${this.#from(0)} on (${this.#query(depth - 1)}) is null when matched then delete`;
    }
  }

  /** Only the outermost one may change rows. */
  #with(depth: number, changes: boolean): string {
    const names = new Set(Array.from({ length: 1 + this.#random.below(3) }, () => this.#random.pick(NAMES)));
    const all = [...names].map((name) => {
      const query = changes && this.#chance(3) ? `${this.#change(depth)} returning 1` : this.#query(depth);
      return `${name} (x) as (${query})`;
    });
    return `with ${this.#chance(3) ? 'recursive ' : ''}${all.join(', ')} `;
  }
}
