import { fit, textWidth } from '../core/text.ts';
import type { Colors, Style } from './style.ts';

/** A cell; what is painted is measured without its colour. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** Columns as wide as they need, the last cut to the terminal. Nothing for no rows. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | Cell)[])[],
  style: Style,
): string[] {
  const cells = rows.map((row) =>
    row.map((cell): Cell => (typeof cell === 'string' ? { text: cell } : cell)),
  );
  const widths = head.map((name, column) => {
    let widest = textWidth(name);
    for (const row of cells) widest = Math.max(widest, textWidth(row[column]?.text ?? ''));
    return widest;
  });
  const line = (row: readonly Cell[]) => {
    let used = 0;
    const parts = row.map((cell, column) => {
      const last = column === row.length - 1;
      const room = style.columns === null ? null : Math.max(8, style.columns - used);
      const text = last && room !== null ? fit(cell.text, room) : cell.text;
      const pad = last ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - textWidth(text)) + 2);
      used += textWidth(text) + pad.length;
      return (cell.paint ?? same)(text) + pad;
    });
    return parts.join('').trimEnd();
  };
  const bold: Colors['bold'] = style.colors.bold;
  return rows.length === 0 ? [] : [line(head.map((text) => ({ text, paint: bold }))), ...cells.map(line)];
}

function same(text: string): string {
  return text;
}
