// Scenes of servers that can do less: Windows, which never removes memory, and a server that is partitioned
// statically. What they refuse they refuse before anything has changed. Statement 1.
import { formatBytes } from '../../core/bytes.ts';
import { HotaddError } from '../../core/errors.ts';
import type { World } from './world.ts';

/** Runs on a server whose platform is `windows`. */
export async function neverRemoves(world: World): Promise<void> {
  const { story, server, alpha, clock } = world;
  story.scene('windows', 'Memory is asked back from a system that gives none.');
  await world.calm();
  const before = { heard: alpha.heard(), bytes: alpha.usableBytes };
  const module = world.added.at(-1);
  if (module === undefined) throw new Error('no module was added');
  const removing = await refused(story, 'server', () => clock.until(server.hotRemove(module)));
  const shrinking = await refused(story, 'alpha', () =>
    clock.until(alpha.partition.resize(before.bytes - module.sizeBytes)),
  );
  await world.calm();
  story.claim(
    1,
    `on Windows memory only grows: alpha has ${formatBytes(before.bytes)} as before, and nobody was asked`,
    removing && shrinking && alpha.usableBytes === before.bytes && alpha.heardNothingSince(before.heard),
  );
}

/** Runs on a server that is partitioned statically. */
export async function onlyAtRestart(world: World): Promise<void> {
  const { story, server, alpha } = world;
  story.scene('static', 'A server whose map of modules changes only while a partition is off.');
  await world.later();
  const before = { heard: alpha.heard(), bytes: alpha.usableBytes };
  const module = world.newModule();
  const [old] = server.serviceProcessor.modulesOf('alpha');
  if (old === undefined) throw new Error('alpha has no module');
  const adding = await refused(story, 'server', async () => server.hotAdd(module, alpha.sim));
  const spare = server.module(old.sizeBytes);
  const replacing = await refused(story, 'server', async () => server.hotReplace(old, spare));
  await world.calm();
  story.claim(
    1,
    `alpha has ${formatBytes(before.bytes)} as before, and nobody has heard of it`,
    adding && replacing && alpha.usableBytes === before.bytes && alpha.heardNothingSince(before.heard),
  );
  server.assign(module, alpha.sim);
  await world.restartAlpha();
  const size = formatBytes(module.sizeBytes);
  story.event('server', `${module.id}, ${size}, is assigned to alpha; alpha starts again`);
  const { usableBytes } = world.alpha;
  story.claim(
    2,
    `alpha has ${formatBytes(usableBytes)} from its start on`,
    usableBytes === before.bytes + module.sizeBytes,
  );
}

/** Shows a refusal; false when there was none. */
async function refused(story: World['story'], who: string, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    story.event(who, 'does it');
    return false;
  } catch (error) {
    if (!(error instanceof HotaddError) || error.code !== 'HOTADD_UNSUPPORTED') throw error;
    story.event(who, `refuses: ${error.message}`);
    return true;
  }
}
