/** Rows of a result as psql shows them. */
import { fit, printable, textWidth } from '../../core/text.ts';
import type { ReplayedColumn } from '../../recording/replay.ts';
import type { Style } from '../style.ts';

/** Rows that are aligned with each other: what is kept of a result before it is shown. */
const PAGE = 500;
const NULL = 'NULL';

export interface RowsOptions {
  readonly style: Style;
  /** Columns of the terminal that one value may take; null: whatever it takes. */
  readonly width: number | null;
  print(lines: readonly string[]): void;
}

export class RowsTable {
  readonly #options: RowsOptions;
  readonly #columns: readonly ReplayedColumn[] | null;
  readonly #widths: number[] = [];
  #rows: (readonly (string | null)[])[] = [];
  #headed = false;

  constructor(columns: readonly ReplayedColumn[] | null, options: RowsOptions) {
    this.#columns = columns;
    this.#options = options;
  }

  /** @param cut it is not all of the row */
  add(values: readonly (string | null)[], cut: boolean): void {
    const shown = values.map((value) => (value === null ? null : this.#fit(value)));
    this.#rows.push(cut ? [...shown, '…'] : shown);
    if (this.#rows.length >= PAGE) this.flush();
  }

  flush(): void {
    if (this.#rows.length === 0) return;
    const { print, style } = this.#options;
    const rows = this.#rows;
    this.#rows = [];
    const count = Math.max(this.#columns?.length ?? 0, ...rows.map((row) => row.length));
    const names = Array.from({ length: count }, (_, at) => this.#fit(this.#columns?.[at]?.name ?? ''));
    const widen = (row: readonly (string | null)[]) => {
      for (const [at, value] of row.entries())
        this.#widths[at] = Math.max(this.#widths[at] ?? 0, textWidth(value ?? NULL));
    };
    if (!this.#headed) widen(names);
    for (const row of rows) widen(row);
    const head = this.#headed || this.#columns === null ? [] : [this.#line(names, style.colors.bold)];
    const rule = head.length === 0 ? [] : [this.#widths.map((width) => '-'.repeat(width + 2)).join('+')];
    this.#headed = true;
    print([...head, ...rule, ...rows.map((row) => this.#line(row, null))]);
  }

  #fit(value: string): string {
    const { width } = this.#options;
    // Longer than it can be shown, whatever it holds: spares looking at all of a large value.
    const near = width === null ? value : value.slice(0, 4 * width + 4);
    const text = printable(near.toWellFormed());
    if (width === null) return text;
    return near.length < value.length ? fit(`${text}…`, width) : fit(text, width);
  }

  #line(row: readonly (string | null)[], paint: ((text: string) => string) | null): string {
    const { colors } = this.#options.style;
    const cells = row.map((value, at) => {
      const text = value ?? NULL;
      const pad = ' '.repeat(Math.max(0, (this.#widths[at] ?? 0) - textWidth(text)));
      const shown = value === null ? colors.dim(text) : paint === null ? text : paint(text);
      const right = this.#columns?.[at]?.numeric === true && paint === null;
      return right ? ` ${pad}${shown} ` : ` ${shown}${pad} `;
    });
    return cells.join('|').trimEnd();
  }
}
