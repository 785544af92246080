// The scene of a planned shrink: buffers first, then proof of room, then memory, and last the module goes.
// Windows has no such notice for memory; this is where hotadd goes beyond the page, under its statement 5.
import { formatBytes } from '../../core/bytes.ts';
import { headroomBytes } from '../../core/memory.ts';
import type { Outcome } from '../../core/outcome.ts';
import { HOLD_MS } from '../../core/prove.ts';
import { witnessed } from './witness.ts';
import type { World } from './world.ts';

/** How things stand as the kernel is asked for the first block. */
interface Seen {
  readonly atMs: number;
  readonly usedBytes: number;
  readonly drivers: ReadonlyMap<string, { readonly heldBytes: number; readonly movedAtMs: number }>;
}

export async function plannedShrink(world: World): Promise<void> {
  const { story, server, alpha, clock } = world;
  const module = world.added.at(-1);
  if (module === undefined) throw new Error('no module was added');
  const fromBytes = alpha.usableBytes;
  const toBytes = fromBytes - module.sizeBytes;
  story.scene('planned-shrink', `A planned change: alpha gives ${module.id} back.`);
  await world.calm();
  const seen = look(world);
  const sizes = `from ${formatBytes(fromBytes)} to ${formatBytes(toBytes)}`;
  story.event('alpha', `asked to go ${sizes}: buffers first, then memory`);
  const { outcome, atBlock } = await witnessed(world, async () => {
    const ended = await clock.until(alpha.partition.resize(toBytes));
    for (const answer of ended.answers) story.answer(answer);
    return { outcome: ended, atBlock: seen() };
  });
  claimProof(world, outcome, { atBlock, toBytes });
  const removed = await clock.until(server.hotRemove(module));
  story.event('server', `${module.id} is taken out; its memory was offline already`);
  await world.calm();
  const kills = alpha.sim.kills.length + world.beta.sim.kills.length;
  story.claim(
    5,
    `alpha has ${formatBytes(alpha.usableBytes)}, ${module.id} is a spare, and the kernel killed nobody`,
    outcome.result === 'done' &&
      removed.result === 'done' &&
      alpha.usableBytes === toBytes &&
      server.serviceProcessor.ownerOf(module) === null &&
      kills === 0,
  );
}

/** Looks at everything at the moment of the first block. */
function look(world: World): () => Seen | null {
  let seen: Seen | null = null;
  world.onBlock = () => {
    const caches = world.alpha.caches;
    const drivers = new Map(caches.map(({ name, heldBytes, movedAtMs }) => [name, { heldBytes, movedAtMs }]));
    seen ??= { atMs: world.clock.monotonicMs(), usedBytes: world.alpha.sim.usedBytes, drivers };
  };
  return () => {
    world.onBlock = null;
    return seen;
  };
}

function claimProof(
  { story, alpha }: World,
  { answers }: Outcome,
  { atBlock, toBytes }: { atBlock: Seen | null; toBytes: number },
): void {
  const below = answers.map(({ driver, budgetBytes, proven }) => {
    const was = atBlock?.drivers.get(driver);
    if (atBlock === null || was === undefined || !proven || was.heldBytes > budgetBytes) return 0;
    return atBlock.atMs - was.movedAtMs;
  });
  const leastMs = below.length === 0 ? 0 : Math.min(...below);
  story.claim(
    5,
    `all had been below their budgets for ${(leastMs / 1000).toFixed(1)} s when the first block went`,
    leastMs >= HOLD_MS,
  );
  const usedBytes = atBlock?.usedBytes ?? alpha.sim.usedBytes;
  const headroom = headroomBytes(toBytes, alpha.sim.machine.cpus);
  const needed = `used ${formatBytes(usedBytes)} + headroom ${formatBytes(headroom)}`;
  story.claim(
    5,
    `room was proven: ${needed} <= ${formatBytes(toBytes)}`,
    atBlock !== null && usedBytes + headroom <= toBytes,
  );
}
