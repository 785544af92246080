// Going back after a planned change that failed: settings exactly as they were read before (F3), unless the
// memory that they were for is not there any more.
import { formatBytes } from './bytes.ts';
import type { Outcome } from './outcome.ts';
import type { Running } from './planned.ts';
import type { Member } from './registry.ts';
import type { Round } from './round.ts';

/** Hands settings back to those that were told start; resolves with what came of each. */
export function handBack(running: Running, round: Round): Promise<Outcome['handedBack']> {
  const withheld = whyWithheld(running);
  return Promise.all(
    [...running.told].map(async ([member, { settings, costBytes }]) => {
      const note = !isRegistered(running, member)
        ? 'it is no longer registered'
        : (withheld ?? (await member.shell.handBack(settings, round, costBytes)));
      return { driver: member.name, asBefore: note === null, note };
    }),
  );
}

/** Another driver that has taken the name since is somebody else. */
export function isRegistered({ notifier }: Running, member: Member): boolean {
  return notifier.seams.registry.member(member.name) === member;
}

/**
 * A newer fact may have made the change fail: the settings of before would take more than there is by now
 * (P1), and the arrival of that fact plans for what there is. In a partition that is gone nothing is resized.
 */
function whyWithheld({ notifier, change }: Running): string | null {
  const { gone, usableBytes } = notifier.seams.sense();
  if (gone) return 'the partition is gone';
  if (usableBytes === null || usableBytes >= change.fromBytes) return null;
  return `not handed back: memory is ${formatBytes(usableBytes)} now`;
}
