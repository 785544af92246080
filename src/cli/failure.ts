// One clear error: the place, the problem and the mend on one line of stderr, and the exit code that goes
// with it. A stack trace is shown only when HOTADD_DEBUG=1 asks for it.
import { type ErrorCode, HotaddError, messageOf } from '../core/errors.ts';
import { EXIT, type ExitCode } from './command.ts';
import type { Output } from './output.ts';

/** Nothing was begun: what was typed or configured has to be mended first. */
const USAGE: readonly (ErrorCode | null)[] = [
  'HOTADD_BAD_AMOUNT',
  'HOTADD_BAD_USAGE',
  'HOTADD_BAD_CONFIG',
  'HOTADD_UNSAFE_FILE',
];

export function fail(error: unknown, output: Output): ExitCode {
  const code = error instanceof HotaddError ? error.code : null;
  const message = messageOf(error);
  // A configuration may have several problems: each has its line, and together they are one error.
  output.error(`hotadd: ${message.split('\n').join('\n        ')}`);
  if (process.env.HOTADD_DEBUG === '1' && error instanceof Error) output.error(error.stack ?? '');
  if (output.json)
    output.value('error', { error: { code, message, ...placeOf(error), ...problemsOf(error) } });
  return USAGE.includes(code) ? EXIT.usage : EXIT.failed;
}

function placeOf(error: unknown): { place: string | null; mend: string | null } {
  return error instanceof HotaddError
    ? { place: error.place, mend: error.mend }
    : { place: null, mend: null };
}

/** Those of a configuration, with line and column. */
function problemsOf(error: unknown): object {
  return error instanceof Error && 'problems' in error ? { problems: error.problems } : {};
}

/** What commander says of a command line, in hotadd's form of an error. */
export function usageError(place: string | null, said: string): HotaddError {
  const [problem = said, suggestion] = said.replace(/^error: /, '').split('\n');
  const meant = /^\(Did you mean (.+)\?\)$/.exec(suggestion ?? '')?.[1];
  const help = place === null ? 'hotadd --help' : `hotadd ${place} --help`;
  return new HotaddError('HOTADD_BAD_USAGE', problem.replace(/\.$/, ''), {
    ...(place === null ? {} : { place }),
    mend: meant === undefined ? `see ${help}` : `did you mean ${meant}?`,
  });
}
