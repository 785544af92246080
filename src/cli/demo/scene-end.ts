// How every scenario ends: what stayed as it was, why, and what would mend it; and then the statements of the
// page, each with the claims that came true.
import { formatBytes } from '../../core/bytes.ts';
import { DEAD_BAND } from '../../core/plan.ts';
import { costsOf, type Survey, unclaimedOf } from '../../core/survey.ts';
import { amountNow } from './scene-pools.ts';
import { SLAB_BYTES } from './slabs.ts';
import type { World } from './world.ts';

export async function end(world: World): Promise<void> {
  const { story, alpha, clock } = world;
  story.scene('end', 'What stayed as it was, and why.');
  sayUnclaimed(world, await clock.until(alpha.partition.plan()));
  sayStuck(world);
  sayModules(world);
  sayPools(world);
  sayBeta(world);
  story.scene('statements', 'The page, statement by statement.');
  story.statements();
}

function sayUnclaimed({ story, alpha }: World, look: Survey): void {
  const { plan, readings } = look;
  const costsBytes = costsOf(look);
  const { bytes, reasons } = unclaimedOf(look);
  const sum = `${formatBytes(costsBytes)} in drivers + ${formatBytes(bytes)} unclaimed`;
  const told = { roomBytes: plan.roomBytes, costsBytes, unclaimedBytes: bytes, reasons };
  story.stayed('alpha', `room ${formatBytes(plan.roomBytes)} = ${sum}`, told);
  let explained = 0;
  for (const [index, budget] of plan.budgets.entries()) {
    const { driver, move, costBytes, budgetBytes } = budget;
    const kept = costBytes - (readings[index]?.state?.costBytes ?? costBytes);
    const grows = move === 'grow' ? budgetBytes - costBytes : 0;
    explained += kept + grows;
    const size = formatBytes(kept + grows);
    if (kept > 0)
      story.stayed('unclaimed', `${size} kept for ${driver}, asked for ${formatBytes(costBytes)} and stuck`);
    if (grows > 0) story.stayed('unclaimed', `${size} for ${driver}, which follows from the next change on`);
  }
  const rest = bytes - explained;
  const rounding = plan.roomBytes * DEAD_BAND + alpha.caches.length * SLAB_BYTES;
  story.claim(
    5,
    `the rest of it, ${formatBytes(rest)}, is rounding: steps and the dead-band`,
    rest >= 0 && rest <= rounding,
  );
}

function sayStuck({ story, alpha }: World): void {
  for (const { name, shell } of alpha.partition.registry.members) {
    if (shell.stuck) story.stayed('stuck', `${name}: its call has not returned; its restart mends that`);
  }
}

function sayModules({ story, alpha, legacy }: World): void {
  for (const { id, sizeBytes } of alpha.sim.parked)
    story.stayed('parked', `${id}: ${formatBytes(sizeBytes)} that failed to start; to be mended or replaced`);
  story.stayed('untold', `legacy: ${formatBytes(legacy.usedBytes)}, sized once; it would have to register`);
}

function sayPools({ story, alpha }: World): void {
  const { onlineBytes } = alpha.sim;
  for (const pool of Object.values(alpha.sim.pools)) {
    const shortBytes = pool.shortBytes(onlineBytes);
    if (shortBytes === 0) continue;
    const sizes = `${pool.name} pool: ${formatBytes(pool.sizeBytes)} of ${amountNow(pool, onlineBytes)}`;
    story.stayed('short', `${sizes}; a restart mends it`, { pool: pool.name, shortBytes });
  }
}

function sayBeta(world: World): void {
  const { story, beta } = world;
  const { news, outcomes, requests } = beta.heard();
  const heard = news + outcomes + requests;
  const said = heard === 0 ? 'nothing was heard in it' : `${heard} times something was heard in it`;
  story.stayed('beta', `${formatBytes(beta.usableBytes)}; ${said}`, { news, outcomes, requests });
  story.claim(1, 'all of that was of alpha: beta is as at its start', heard === 0 && world.betaIsAsAtStart);
}
