// Numbers from repeated runs, and how they are written. A figure is the median of its runs with the spread
// beside it: a machine that does other things too is better told by these than by one best run.

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The value below which a share of the samples lies (nearest rank). */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return sorted[rank] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}

export function spreadOf(runs: readonly number[]): Spread {
  return { median: median(runs), low: Math.min(...runs), high: Math.max(...runs) };
}

/** Three digits that matter: `0.0123`, `4.56`, `78.9`, `1234`. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return '-';
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 ? 2 : 3);
}

/** `45.2 (41.0-52.3)`: the median of the runs, and their lowest and highest. */
export function withSpread(runs: readonly number[]): string {
  const { median: middle, low, high } = spreadOf(runs);
  return runs.length < 2 ? digits(middle) : `${digits(middle)} (${digits(low)}-${digits(high)})`;
}
