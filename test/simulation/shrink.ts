// Cuts a failing history down to the few steps that matter: pieces of it are left out, large ones first, as
// long as the same invariant stays broken.
import type { Scenario, Step } from './scenario.ts';

/** @param stillBroken plays a scenario and tells whether the same invariant is broken. */
export async function shrink(
  scenario: Scenario,
  stillBroken: (smaller: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let steps = scenario.steps;
  for (
    let length = Math.ceil(steps.length / 2);
    length >= 1;
    length = length === 1 ? 0 : Math.ceil(length / 2)
  ) {
    for (let at = 0; at < steps.length; ) {
      const shorter = without(steps, at, length);
      if (await stillBroken({ ...scenario, steps: shorter })) steps = shorter;
      else at += length;
    }
  }
  const fewer = await withFewerStores({ ...scenario, steps }, stillBroken);
  return fewer;
}

/** The time that passed before what is left out still passes. */
function without(steps: readonly Step[], at: number, length: number): Step[] {
  const left = steps.slice(at, at + length).reduce((sum, { afterMs }) => sum + afterMs, 0);
  return steps.flatMap((step, index) => {
    if (index >= at && index < at + length) return [];
    return index === at + length ? [{ ...step, afterMs: step.afterMs + left }] : [step];
  });
}

async function withFewerStores(
  scenario: Scenario,
  stillBroken: (smaller: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let least = scenario;
  for (const store of scenario.stores) {
    const stores = least.stores.filter((each) => each !== store);
    if (stores.length > 0 && (await stillBroken({ ...least, stores }))) least = { ...least, stores };
  }
  return least;
}
