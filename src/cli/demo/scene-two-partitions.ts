// The scene that the page begins with: a memory module is added to one of two partitions while both run.
// Statements 1 to 5.
import { formatBytes } from '../../core/bytes.ts';
import { messageOf } from '../../core/errors.ts';
import type { Outcome } from '../../core/outcome.ts';
import { costsOf } from '../../core/survey.ts';
import type { ModuleSim } from '../../testing/module-sim.ts';
import { witnessed } from './witness.ts';
import type { World } from './world.ts';

export async function twoPartitions(world: World): Promise<void> {
  const { story, alpha } = world;
  story.scene('two-partitions', 'A memory module is added to alpha while both run.');
  await world.later();
  const before = alpha.heard();
  const heldBytes = world.slabs.bytes;
  const legacyBytes = world.legacy.usedBytes;
  const module = world.newModule();
  const outcome = await witnessed(world, () => added(world, module));
  await claimProven(world, outcome);
  story.claim(
    3,
    `pictures goes on working: the ${formatBytes(heldBytes)} it held read back as written`,
    heldBytes > 0 && world.slabs.intact(heldBytes),
  );
  story.claim(
    4,
    'all that registered were told; legacy, which did not, stays as it is',
    alpha.caches.every(({ requests }) => requests === 1) &&
      alpha.heard().news === before.news + 1 &&
      world.legacy.usedBytes === legacyBytes,
  );
  await claimIsolated(world, module);
}

/** Adds the module, looks at once, and then waits for what comes of it. */
async function added(world: World, module: ModuleSim): Promise<Outcome> {
  const { story, alpha, clock } = world;
  const before = { heard: alpha.heard(), bytes: alpha.usableBytes };
  const changed = world.add(module);
  const present = alpha.usableBytes;
  story.event('server', `${module.id}, ${formatBytes(module.sizeBytes)}, is added to alpha`);
  story.claim(
    1,
    `alpha has ${formatBytes(present)} as the add returns, before anybody has heard of it`,
    present === before.bytes + module.sizeBytes && alpha.heardNothingSince(before.heard),
  );
  story.claim(
    2,
    `partition.memory is read anew: ${formatBytes(before.bytes)} before, ${formatBytes(present)} now`,
    before.bytes !== present && present === alpha.sim.onlineBytes,
  );
  const outcome = await clock.until(changed);
  for (const answer of outcome.answers) story.answer(answer);
  return outcome;
}

async function claimProven({ story, alpha, clock }: World, { result, answers }: Outcome): Promise<void> {
  const look = await clock.until(alpha.partition.plan());
  const costs = costsOf(look);
  const { roomBytes } = look.plan;
  story.claim(
    5,
    `each move is proven; drivers take ${formatBytes(costs)} of a room of ${formatBytes(roomBytes)}`,
    result === 'done' &&
      answers.length === alpha.caches.length &&
      answers.every(({ proven }) => proven) &&
      costs <= roomBytes,
  );
}

async function claimIsolated(world: World, module: ModuleSim): Promise<void> {
  const { story, server, beta } = world;
  await world.calm();
  story.claim(
    1,
    `beta has ${formatBytes(beta.usableBytes)} as before; in it nobody has heard anything`,
    world.betaIsAsAtStart,
  );
  const said = refusalOf(() => server.hotAdd(module, beta.sim));
  story.claim(
    1,
    `beta cannot be given ${module.id} too: a module has one owner at most`,
    said.includes('belongs to alpha') && world.betaIsAsAtStart,
  );
}

function refusalOf(act: () => unknown): string {
  try {
    act();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
