// Why a planned shrink cannot be had, in words: who needs what, who stays where, and what room there would
// be.
import { formatBytes } from './bytes.ts';
import { HotaddError } from './errors.ts';
import type { Answer } from './outcome.ts';
import type { Budget } from './plan.ts';
import type { Running } from './planned.ts';
import type { Reading, Survey } from './survey.ts';

/**
 * It did not go where it was asked to: settings that landed are as good as the plan, whatever is still held.
 */
export function isElsewhere({ verdict }: Answer): boolean {
  return verdict !== 'resized';
}

export function costsDoNotFit({ answers, request }: Running, { plan }: Survey): HotaddError {
  const stay = answers
    .filter(isElsewhere)
    .map(({ driver, verdict, costAfterBytes, costBeforeBytes, heldAfterBytes }) => {
      const holds = heldAfterBytes === null ? '' : ` and holds ${formatBytes(heldAfterBytes)}`;
      return `${driver} ${verdict}: it may take ${formatBytes(costAfterBytes ?? costBeforeBytes)}${holds}`;
    });
  const room = `${formatBytes(plan.roomBytes)} of room under ${formatBytes(request.toBytes)}`;
  return new HotaddError(
    'HOTADD_OPERATION',
    `what drivers may take does not fit ${room}; ${stay.join('; ')}`,
  );
}

export function floorsDoNotFit({ plan, readings }: Survey): string {
  const needs = readings.flatMap((reading, index) => sayNeed(reading, plan.budgets[index]));
  const { usableBytes, headroomBytes: headroom, setAsideBytes, roomBytes } = plan;
  const less = `- headroom ${formatBytes(headroom)} - set aside ${formatBytes(setAsideBytes)}`;
  const room = `${formatBytes(roomBytes)} (usable ${formatBytes(usableBytes)} ${less})`;
  if (needs.length === 0) return `headroom and what is set aside leave no room: ${room}`;
  return `drivers need ${formatBytes(plan.shortBytes)} more than the room of ${room}: ${needs.join(', ')}`;
}

/** What a driver cannot go below, or is kept at. */
function sayNeed({ member, state, error }: Reading, budget: Budget | undefined): string[] {
  if (error !== null) return [`${member.name} cannot be read (${error})`];
  if (state === null || state.ceilingBytes === 0) return [];
  if (budget?.move === 'keep' && state.costBytes > state.floorBytes) {
    return [`${member.name} stays at ${formatBytes(state.costBytes)} (${budget.reason})`];
  }
  if (state.floorBytes === 0) return [];
  return [`${member.name} needs ${formatBytes(state.floorBytes)} (${state.why?.floor ?? 'its floor'})`];
}
