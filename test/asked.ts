// Asks a driver of this process as the shell does, for tests that look at one resize: a budget, or settings
// to go back to.
import type { Driver, DriverState, ResizeContext, Setting, Target } from '../src/core/driver.ts';
import type { PhysicalMemory } from '../src/core/memory.ts';

export function toBudget(
  driver: Driver,
  bytes: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<Setting[]> {
  return ask(driver, { bytes, memory: {} as PhysicalMemory }, signal);
}

export function backTo(driver: Driver, settings: readonly Setting[]): Promise<Setting[]> {
  return ask(driver, { settings }, new AbortController().signal);
}

export function stateOf(driver: Driver): Promise<DriverState> {
  return driver.read(new AbortController().signal);
}

function ask(driver: Driver, target: Target, signal: AbortSignal): Promise<Setting[]> {
  const context: ResizeContext = { changeId: 1, phase: 'arrival', deadlineMs: 30_000, signal };
  return driver.resize(target, context);
}
