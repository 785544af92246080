// Scenes of modules whose coming is no change: one takes the place of another, one fails to start. Nobody may
// hear of either. Statements 1 and 4 of the page.
import { formatBytes } from '../../core/bytes.ts';
import type { World } from './world.ts';

export async function hotReplace(world: World): Promise<void> {
  const { story, server, alpha, shape } = world;
  const { serviceProcessor } = server;
  story.scene('hot-replace', 'A module of alpha is replaced by an identical spare.');
  await world.calm();
  const old = shape.random.pick(serviceProcessor.modulesOf('alpha'));
  const spare = server.module(old.sizeBytes, { node: old.node });
  const before = { heard: alpha.heard(), bytes: alpha.usableBytes };
  const moved = world.replace(old, spare);
  story.event(
    'server',
    `${spare.id} takes the place of ${old.id}, ${formatBytes(old.sizeBytes)}, in one step`,
  );
  await world.calm();
  story.claim(
    1,
    `${spare.id} is alpha's and ${old.id} a spare; alpha has ${formatBytes(before.bytes)} as before`,
    serviceProcessor.ownerOf(spare) === 'alpha' &&
      serviceProcessor.ownerOf(old) === null &&
      moved === 0 &&
      alpha.usableBytes === before.bytes,
  );
  story.claim(4, 'it is no change, so nobody has heard of it', alpha.heardNothingSince(before.heard));
}

export async function parked(world: World): Promise<void> {
  const { story, server, alpha } = world;
  story.scene('parked', 'A module is added to alpha that fails to start.');
  await world.calm();
  const before = { heard: alpha.heard(), bytes: alpha.usableBytes };
  const module = world.newModule(0);
  const { result } = server.hotAdd(module, alpha.sim);
  story.event('server', `${module.id}, ${formatBytes(module.sizeBytes)}, is added to alpha: ${result}`);
  await world.calm();
  story.claim(
    1,
    `${module.id} is parked, for all to see; alpha has ${formatBytes(before.bytes)} as before`,
    result === 'parked' && alpha.sim.parked.includes(module) && alpha.usableBytes === before.bytes,
  );
  story.claim(4, 'no memory came, so nobody has heard of it', alpha.heardNothingSince(before.heard));
}
