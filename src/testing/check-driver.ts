// Is it a driver? The checks behind src/core/driver.ts, for any author and any test runner:
//
//   for (const { title, run } of checkDriver(makeDriver, { smallBytes, largeBytes })) test(title, run);
//
// Each check opens the driver anew over the software under test and closes it; none depends on another. A
// failing check says what is wrong and what to mend. The last one fails a run that has not met what a driver
// has to outlast. What real memory does is the driver's own test.
import { HotaddError } from '../core/errors.ts';
import { checkOptions, type KnownOptions, shown } from '../core/usage-check.ts';
import { CALL_CHECKS } from './check-driver-calls.ts';
import { CHANGE_CHECKS } from './check-driver-change.ts';
import { LIFE_CHECKS } from './check-driver-life.ts';
import { LIMIT_CHECKS } from './check-driver-limits.ts';
import { RESIZE_CHECKS } from './check-driver-resize.ts';
import { STATE_CHECKS } from './check-driver-state.ts';
import { CheckRun, TALLY_TITLE } from './check-driver-tally.ts';
import { type Ask, type CheckDriverOptions, type MakeDriver, saidBy, Trial } from './check-driver-trial.ts';

export type { DriverTally } from './check-driver-tally.ts';
export type { CheckDriverOptions, MakeDriver } from './check-driver-trial.ts';

/** One check, for any test runner. */
export interface DriverCheck {
  /** What a driver does that passes it. */
  readonly title: string;
  /** Rejects with a HotaddError HOTADD_BAD_DRIVER: what is wrong, and what to mend. */
  run(): Promise<void>;
}

const CHECKS = {
  ...STATE_CHECKS,
  ...RESIZE_CHECKS,
  ...LIMIT_CHECKS,
  ...CALL_CHECKS,
  ...CHANGE_CHECKS,
  ...LIFE_CHECKS,
};
const OPTIONS: KnownOptions<CheckDriverOptions> = {
  smallBytes: true,
  largeBytes: true,
  waitMs: true,
  pause: true,
  use: true,
  onTally: true,
};
/** Less is in the noise of a limit: the kernel rounds limits to pages of up to 64 KiB. */
const APART_LEAST_BYTES = 256 * 1024;

/**
 * The checks of a driver, in order. Run them all: the last looks back at what the run has met.
 * @throws HotaddError HOTADD_BAD_AMOUNT for budgets that are too near to each other, HOTADD_BAD_USAGE for
 * what is no function or has no options.
 */
export function checkDriver(makeDriver: MakeDriver, options: CheckDriverOptions): DriverCheck[] {
  expectMaker(makeDriver);
  checkOptions('checkDriver', options, OPTIONS);
  expectBudgets(options);
  const run = new CheckRun();
  const checks = Object.entries(CHECKS).map(([title, ask]) => ({
    title: `driver: ${title}`,
    run: () => run.begin(title, () => carryOut(run, ask, makeDriver, options)),
  }));
  const last = async () => {
    await run.end().finally(() => options.onTally?.({ ...run.tally }));
  };
  return [...checks, { title: `driver: ${TALLY_TITLE}`, run: last }];
}

async function carryOut(
  run: CheckRun,
  ask: Ask,
  makeDriver: MakeDriver,
  options: CheckDriverOptions,
): Promise<void> {
  if (run.hung !== null) throw run.notTried();
  const trial = new Trial(await open(makeDriver), makeDriver, options, run.tally);
  run.place = trial.driver.name;
  const failure = await ask(trial).then(
    () => null,
    (error: unknown) => said(trial, error),
  );
  run.hung ??= trial.hung;
  await trial.close().catch(async (error: unknown) => {
    if (failure === null) throw await said(trial, error);
  });
  if (failure !== null) throw failure;
}

async function open(makeDriver: MakeDriver): Promise<Awaited<ReturnType<MakeDriver>>> {
  try {
    return await makeDriver();
  } catch (error) {
    const mend = 'it opens a driver over software that is at rest';
    throw new HotaddError('HOTADD_BAD_DRIVER', saidBy(error), { place: 'makeDriver', mend, cause: error });
  }
}

/**
 * What a check says is kept; what a driver throws is put into words. One that cannot be read throws whatever
 * it is asked for: then that is what is wrong.
 */
async function said(trial: Trial, error: unknown): Promise<unknown> {
  if (error instanceof HotaddError && error.code === 'HOTADD_BAD_DRIVER') return error;
  if (!trial.isShut) {
    const unread = await trial.read().then(
      () => null,
      (problem: unknown) => problem,
    );
    if (unread !== null) return unread;
  }
  const mend =
    'a size from its floor to its ceiling is taken: throw only a Refusal, and only below the floor';
  return trial.bad(saidBy(error), mend, error);
}

function expectMaker(makeDriver: unknown): void {
  if (typeof makeDriver === 'function') return;
  const mend = 'give a function that opens the driver, such as () => buffers(name, { size, resize })';
  throw new HotaddError('HOTADD_BAD_USAGE', `makeDriver is ${shown(makeDriver)}`, {
    place: 'checkDriver',
    mend,
  });
}

function expectBudgets({ smallBytes, largeBytes }: CheckDriverOptions): void {
  const amounts = [smallBytes, largeBytes].every((bytes) => Number.isSafeInteger(bytes) && bytes > 0);
  const apart = largeBytes - smallBytes >= Math.max(APART_LEAST_BYTES, smallBytes * 0.1);
  if (amounts && apart) return;
  const problem = `smallBytes ${smallBytes} and largeBytes ${largeBytes} are no two budgets`;
  const mend = 'give whole bytes, the larger at least a tenth and 256 KiB above the smaller';
  throw new HotaddError('HOTADD_BAD_AMOUNT', problem, { place: 'checkDriver', mend });
}
