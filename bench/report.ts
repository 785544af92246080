// What a bench says: a table of figures and the bars they are held to. A bench prints it and hands it to
// run.ts, when that has started it; nothing here fails a build, because a loaded machine is not a defect.
import { digits, median, withSpread } from './figures.ts';

export interface Bar {
  readonly what: string;
  /** `x` for a ratio, `points` for those of a percentage, `times` for what is counted. */
  readonly unit: 'x' | 'ms' | 'MB' | 'points' | 'times';
  /** One value per run; the median counts. */
  readonly runs: readonly number[];
  readonly atMost: number;
  /** What is behind a bar that is missed. */
  readonly ifMissed?: string;
}

export interface Section {
  readonly title: string;
  /** What was measured, against what, and how. */
  readonly about: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly bars: readonly Bar[];
  readonly notes: readonly string[];
}

/** `--quick` makes a bench short enough to develop with; its figures are no results. */
export const QUICK = process.argv.includes('--quick');

/** Prints a section, and gives it to run.ts if that is listening. */
export function publish(section: Section): void {
  console.log(`\n${section.title}\n`);
  console.log(table(section.columns, section.rows));
  for (const bar of section.bars) console.log(`\n${verdict(bar)}`);
  for (const note of section.notes) console.log(`\n${note}`);
  process.send?.(section);
}

/** A bench that cannot be run here says why; that is a row in the results too. */
export function publishSkip(title: string, reason: string): void {
  publish({ title, about: `Not measured: ${reason}.`, columns: [], rows: [], bars: [], notes: [reason] });
}

export function isMet({ runs, atMost }: Bar): boolean {
  return median(runs) <= atMost;
}

export function verdict(bar: Bar): string {
  const { what, unit, runs, atMost } = bar;
  const measured = `${what}: ${withSpread(runs)} ${unit}, bar ${digits(atMost)} ${unit}`;
  if (isMet(bar)) return `${measured}: met`;
  const missedBy = digits(median(runs) - atMost);
  return `${measured}: missed by ${missedBy} ${unit}${bar.ifMissed ? `. ${bar.ifMissed}` : ''}`;
}

/** A table of Markdown, which a terminal shows well too. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  if (columns.length === 0) return '';
  const widths = columns.map((column, index) =>
    Math.max(column.length, 3, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, index) => (cells[index] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}
