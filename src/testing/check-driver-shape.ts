// What a state has to look like, whatever it says: plain values, in range, with texts where people read. The
// shell refuses the worst of it (core/driver-check.ts); here it is said with what to mend.
import type { DriverState, Home, Setting } from '../core/driver.ts';

export interface Problem {
  readonly what: string;
  readonly mend: string;
}

const BYTES = 'bytes are whole numbers from 0';

/** The first thing that is wrong with a state; `null`: nothing. */
export function problemOf(state: DriverState): Problem | null {
  const odd = findOdd(state, 'state');
  if (odd !== null)
    return bad(`${odd} is not plain JSON`, 'use texts, finite numbers, true, false, null and lists');
  return (
    amountProblem(state) ??
    settingsProblem(state.settings) ??
    movingProblem(state) ??
    homeProblem(state.home) ??
    wordsProblem(state)
  );
}

function amountProblem(state: DriverState): Problem | null {
  for (const name of ['costBytes', 'floorBytes', 'stepBytes', 'heldBytes', 'ceilingBytes'] as const) {
    const value: unknown = state[name];
    const unknown = value === null && (name === 'heldBytes' || name === 'ceilingBytes');
    if (!unknown && !isAmount(value)) return bad(`${name} is ${value}`, BYTES);
  }
  const { afterRestartBytes, ceilingBytes, floorBytes } = state;
  if (afterRestartBytes !== undefined && !isAmount(afterRestartBytes))
    return bad(`afterRestartBytes is ${afterRestartBytes}`, `${BYTES}; leave it out when nothing waits`);
  if (ceilingBytes !== null && ceilingBytes !== 0 && ceilingBytes < floorBytes) {
    const what = `its ceiling of ${ceilingBytes} is below its floor of ${floorBytes}`;
    return bad(what, 'no budget is between them: tell what it can take now');
  }
  return null;
}

function settingsProblem(settings: readonly Setting[]): Problem | null {
  if (!Array.isArray(settings)) return bad('settings are no list', 'give a list, empty when there are none');
  const names = new Set<string>();
  for (const { name, value, live, pending } of settings as readonly Setting[]) {
    if (typeof name !== 'string' || name === '')
      return bad('a setting has no name', 'name it as the server does');
    if (names.has(name)) return bad(`${name} is told twice`, 'each setting has one entry');
    names.add(name);
    if (value !== null && typeof value !== 'string')
      return bad(`the setting ${name} is no text`, "give values in the server's own unit, as texts");
    if (typeof live !== 'boolean')
      return bad(`the setting ${name} does not say whether it is live`, 'false: it needs a restart');
    if (pending !== undefined && typeof pending !== 'string')
      return bad(`what waits for ${name} is no text`, 'leave pending out when nothing waits');
  }
  return null;
}

function movingProblem({ moving }: DriverState): Problem | null {
  if (moving === undefined) return null;
  if (!isAmount(moving.toBytes)) return bad(`moving.toBytes is ${moving.toBytes}`, BYTES);
  if (isText(moving.note)) return null;
  return bad('moving has no note', 'say in a few words what is under way');
}

function homeProblem(home: Home): Problem | null {
  const mend = "home is 'self', { cgroup: '/path' }, { pids: [1234] } or 'elsewhere'";
  if (home === 'self' || home === 'elsewhere') return null;
  const isCgroup = typeof home === 'object' && 'cgroup' in home && isText(home.cgroup);
  const isPids =
    typeof home === 'object' &&
    'pids' in home &&
    Array.isArray(home.pids) &&
    home.pids.every((pid) => isAmount(pid) && pid > 0);
  return isCgroup || isPids ? null : bad(`home is ${JSON.stringify(home)}`, mend);
}

function wordsProblem({ why = {}, instance }: DriverState): Problem | null {
  if (!isText(instance)) return bad('instance is no text', 'use its run id or start time');
  const empty = Object.entries(why).find(([, reason]) => !isText(reason));
  if (empty === undefined) return null;
  return bad(`why.${empty[0]} says nothing`, 'write the reason for people, or leave it out');
}

/** The path of the first value that does not survive JSON. */
function findOdd(value: unknown, path: string): string | null {
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean')
    return value === undefined ? path : null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : path;
  if (typeof value !== 'object') return path;
  // A runner may give each test file objects of its own, so prototypes are not compared by identity.
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain) return path;
  for (const [key, inner] of Object.entries(value)) {
    const odd = findOdd(inner, `${path}.${key}`);
    if (odd !== null) return odd;
  }
  return null;
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function bad(what: string, mend: string): Problem {
  return { what, mend };
}
