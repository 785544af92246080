// What is registered is a driver, and server replies are input too (E4): a state or a setting out of range is
// the driver's fault, and is said.
import type { DriverState, Setting } from './driver.ts';
import { HotaddError } from './errors.ts';
import { shown } from './usage-check.ts';

/** @throws HotaddError HOTADD_BAD_DRIVER for what cannot be called as a driver is. */
export function checkIsDriver(place: string, driver: unknown): void {
  const problem = whyNoDriver(driver);
  if (problem === null) return;
  const mend = isPromise(driver)
    ? 'await the driver first'
    : "give a driver, such as buffers('cache', { size, resize })";
  throw new HotaddError('HOTADD_BAD_DRIVER', problem, { place, mend });
}

function whyNoDriver(driver: unknown): string | null {
  if (isPromise(driver)) return 'a promise is given, not a driver';
  if (typeof driver !== 'object' || driver === null) return `${shown(driver)} is given, not a driver`;
  const missing = ['read', 'resize'].find((verb) => typeof Reflect.get(driver, verb) !== 'function');
  if (missing !== undefined) return `what is given is no driver: it has no ${missing}()`;
  const name: unknown = Reflect.get(driver, 'name');
  if (typeof name === 'string' && name.trim() !== '') return null;
  return `the name of the driver is ${shown(name)}`;
}

function isPromise(given: unknown): boolean {
  return given instanceof Promise;
}

const AMOUNTS = ['costBytes', 'floorBytes', 'stepBytes'] as const;

export function checkState(place: string, state: DriverState): void {
  for (const name of AMOUNTS) {
    if (!isAmount(state[name])) throw badDriver(place, `read gave ${name}=${String(state[name])}`);
  }
  if (state.heldBytes !== null && !isAmount(state.heldBytes))
    throw badDriver(place, `read gave heldBytes=${String(state.heldBytes)}`);
  if (state.ceilingBytes !== null && !isAmount(state.ceilingBytes)) {
    throw badDriver(place, `read gave ceilingBytes=${String(state.ceilingBytes)}`);
  }
  checkSettings(place, state.settings);
}

export function checkSettings<List extends readonly Setting[]>(place: string, settings: List): List {
  if (!Array.isArray(settings)) throw badDriver(place, 'settings are not a list');
  for (const { name, value } of settings) {
    if (typeof name !== 'string' || (value !== null && typeof value !== 'string')) {
      throw badDriver(place, `the setting ${String(name)} is not a name with a text`);
    }
  }
  return settings;
}

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function badDriver(place: string, problem: string): HotaddError {
  return new HotaddError('HOTADD_BAD_DRIVER', problem, {
    place,
    mend: 'bytes are whole numbers from 0, settings are texts',
  });
}
