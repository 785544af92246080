// Text in columns, for people: a terminal of 80 columns is enough.
import { formatBytes } from '../core/bytes.ts';
import type { Limit } from '../core/memory.ts';

/** Rows as lines: columns two spaces apart; `right` ones end at the same place. The last column runs free. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** `null` is not known, never 0 and never "no limit". */
export function amount(bytes: Limit | null): string {
  if (bytes === null) return 'not known';
  return bytes === 'max' ? 'max' : formatBytes(bytes);
}

/** Leaves out the middle: both ends of a path tell more. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 3) / 2);
  return `${text.slice(0, head)}...${text.slice(text.length - (width - 3 - head))}`;
}

/** Breaks a text at spaces; every line but the first begins with `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
