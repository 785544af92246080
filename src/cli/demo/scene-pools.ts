// Scenes of the system pools: sized when the operating system started, and never again. Statement 6.
import { formatBytes } from '../../core/bytes.ts';
import type { PoolSim } from '../../testing/pools-sim.ts';
import type { World } from './world.ts';

export async function pools(world: World): Promise<void> {
  const { story, alpha, shape } = world;
  story.scene('pools', 'What became of the system pools of alpha?');
  const bootBytes = shape.alphaBytes.reduce((total, bytes) => total + bytes, 0);
  const { onlineBytes } = alpha.sim;
  const list = Object.values(alpha.sim.pools);
  for (const pool of list) {
    const size = `${pool.name} pool ${formatBytes(pool.sizeBytes)}`;
    story.event('alpha', `${size}; started now it would be ${amountNow(pool, onlineBytes)}`);
  }
  story.claim(
    6,
    `both are as at start, when alpha had ${formatBytes(bootBytes)}; it has ${formatBytes(onlineBytes)} now`,
    onlineBytes > bootBytes && list.every((pool) => pool.sizeBytes === world.poolsAtStart.get(pool.name)),
  );
}

/** What mends it. */
export async function poolsAfterRestart(world: World): Promise<void> {
  const { story, alpha } = world;
  story.scene('pools', 'Alpha is started again, and its software with it.');
  const { onlineBytes } = alpha.sim;
  const before = alpha.sim.pools;
  await world.restartAlpha();
  const { paged, nonpaged } = world.alpha.sim.pools;
  story.event(
    'alpha',
    `paged pool ${formatBytes(paged.sizeBytes)}, nonpaged pool ${formatBytes(nonpaged.sizeBytes)}`,
  );
  story.claim(
    6,
    `a start with ${formatBytes(onlineBytes)} makes them as large as they would have been`,
    [paged, nonpaged].every((pool) => {
      const was = before[pool.name];
      return (
        pool.sizeBytes === was.sizeBytes + was.shortBytes(onlineBytes) && pool.shortBytes(onlineBytes) === 0
      );
    }),
  );
}

export function amountNow(pool: PoolSim, onlineBytes: number): string {
  return formatBytes(pool.sizeBytes + pool.shortBytes(onlineBytes));
}
