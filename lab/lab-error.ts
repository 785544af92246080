// The error of the lab: what went wrong, what to do about it, and the last words of the guest's console.

const TAIL_LINES = 25;

export class LabError extends Error {
  /** What to do about it; `null`: nothing that the lab knows of. */
  readonly mend: string | null;

  constructor(problem: string, options: { mend?: string; console?: string; cause?: unknown } = {}) {
    const parts = [problem];
    if (options.mend !== undefined) parts.push(`mend: ${options.mend}`);
    const tail = tailOf(options.console ?? '');
    if (tail !== '') parts.push(`the guest's console ends with:\n${tail}`);
    super(parts.join('\n'), options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LabError';
    this.mend = options.mend ?? null;
  }
}

function tailOf(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines
    .slice(-TAIL_LINES)
    .map((line) => `  | ${line.trimEnd()}`)
    .join('\n');
}
