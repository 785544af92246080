// Drift: what a driver is set to differs from what we set (E3). Pure.
//
//   as we last set it -> resize        another instance -> it restarted: set again
//   never set by us   -> adopt until the next change, which it may have missed (Member.missed)
//   else              -> drift: reported and left alone, or reasserted
import type { DriverState, Setting } from './driver.ts';
import { settingsEqual } from './judge.ts';

export interface Remembered {
  /** `null`: nothing is known to have been set by us. */
  readonly lastSet: { readonly settings: readonly Setting[]; readonly instance: string } | null;
  /** A write of ours was begun and its end is not known: what differs may be ours. */
  readonly interrupted: boolean;
}

/** Why a driver must be left alone; `null`: it may be resized. */
export function standingOf(
  state: DriverState,
  remembered: Remembered | null,
  choice: { repair: boolean; onDrift: 'report' | 'reassert'; existing?: boolean },
): string | null {
  if (remembered?.interrupted) return null;
  const lastSet = remembered?.lastSet ?? null;
  if (lastSet === null && choice.existing) return null;
  if (lastSet === null)
    return choice.repair ? 'never set by hotadd: left as found until memory changes' : null;
  if (settingsEqual(lastSet.settings, state.settings)) return null;
  if (lastSet.instance !== state.instance || choice.onDrift === 'reassert') return null;
  const moved = lastSet.settings.flatMap(({ name, value }) => {
    const now = state.settings.find((setting) => setting.name === name)?.value ?? null;
    return now === value ? [] : [`${name} is ${now ?? 'unset'}, hotadd had set ${value ?? 'unset'}`];
  });
  return `drift: ${moved.join(', ')} (onDrift: report)`;
}
