// Scenes of drivers that do not follow: one refuses, one hangs. An arrival cannot be vetoed, and who does not
// follow harms nobody else. Statements 3 and 5 of the page.
import { formatBytes } from '../../core/bytes.ts';
import type { Answer, Outcome } from '../../core/outcome.ts';
import type { World } from './world.ts';

/** Nobody else may need longer, in ms of simulated time, than a driver that answers at once. */
const AT_ONCE_MS = 1_000;

export async function refuses(world: World): Promise<void> {
  const { story, alpha, clock, shape } = world;
  story.scene('refuses', `A module is added to alpha, and ${shape.refuser} refuses.`);
  await world.later();
  const cache = world.cache(shape.refuser);
  const { heldBytes } = cache;
  cache.temper = 'refuses';
  const before = alpha.usableBytes;
  const module = world.newModule();
  const changed = world.add(module);
  story.event('server', `${module.id}, ${formatBytes(module.sizeBytes)}, is added to alpha`);
  const outcome = await clock.until(changed);
  const { own, others } = split(outcome, shape.refuser);
  story.answer(own);
  story.claim(
    5,
    `an arrival cannot be vetoed: alpha has ${formatBytes(alpha.usableBytes)}, the others have grown`,
    own.verdict === 'refused' && alpha.usableBytes === before + module.sizeBytes && areProven(world, others),
  );
  story.claim(
    3,
    `${shape.refuser} goes on with its ${formatBytes(heldBytes)}`,
    cache.heldBytes === heldBytes,
  );
  const repaired = alpha.next('repair');
  cache.temper = 'obeys';
  story.event(shape.refuser, 'the backup has ended; the next pass asks it again');
  const second = split(await clock.until(repaired), shape.refuser).own;
  story.answer(second);
  story.claim(
    5,
    `nothing is lost: ${shape.refuser} has its share now`,
    second.verdict === 'resized' && second.proven,
  );
}

export async function hangs(world: World): Promise<void> {
  const { story, alpha, clock, shape } = world;
  story.scene('hangs', `A module is added to alpha, and ${shape.hanger} never returns from its call.`);
  await world.later();
  const cache = world.cache(shape.hanger);
  const { heldBytes } = cache;
  cache.temper = 'hangs';
  const module = world.newModule();
  const addedMs = clock.monotonicMs();
  const changed = world.add(module);
  story.event('server', `${module.id}, ${formatBytes(module.sizeBytes)}, is added to alpha`);
  const outcome = await clock.until(changed);
  const { own, others } = split(outcome, shape.hanger);
  story.answer(own);
  const doneMs = Math.max(...others.map(({ driver }) => world.cache(driver).movedAtMs)) - addedMs;
  const slowestMs = Math.max(...others.map(({ tookMs }) => tookMs));
  story.claim(
    5,
    `it delays nobody else: the others had grown after ${(doneMs / 1000).toFixed(1)} s`,
    own.verdict === 'stuck' && areProven(world, others) && slowestMs < AT_ONCE_MS && doneMs < own.tookMs,
  );
  const { plan } = await clock.until(alpha.partition.plan());
  const budget = plan.budgets.find(({ driver }) => driver === shape.hanger);
  story.claim(
    5,
    `it counts as the ${formatBytes(own.budgetBytes)} it was asked for: nobody else gets them`,
    budget?.move === 'keep' && budget.costBytes === own.budgetBytes,
  );
  story.claim(3, `${shape.hanger} goes on with its ${formatBytes(heldBytes)}`, cache.heldBytes === heldBytes);
}

function split({ answers }: Outcome, driver: string): { own: Answer; others: Answer[] } {
  const own = answers.find((answer) => answer.driver === driver);
  if (own === undefined) throw new Error(`${driver} was not asked`);
  return { own, others: answers.filter((answer) => answer !== own) };
}

function areProven({ alpha }: World, others: readonly Answer[]): boolean {
  const all = others.length === alpha.caches.length - 1;
  return all && others.every(({ verdict, proven }) => verdict === 'resized' && proven);
}
