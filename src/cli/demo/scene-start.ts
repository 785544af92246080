// The first scene of every scenario: the server is switched on, and the software of both partitions sizes
// itself from the memory that it finds.
import { formatBytes } from '../../core/bytes.ts';
import { plural } from '../columns.ts';
import type { World } from './world.ts';

export async function start(world: World): Promise<void> {
  const { story, server } = world;
  story.scene('start', 'A server with two hardware partitions is switched on.');
  await world.start();
  const { alpha, beta } = world;
  story.event(
    'server',
    `${server.dynamic ? 'dynamic' : 'static'}, ${server.platform.name}; ${sayHints(world)}`,
  );
  for (const { name, usableBytes } of [beta, alpha]) {
    const modules = plural(server.serviceProcessor.modulesOf(name).length, 'module');
    const registers = name === 'beta' ? '; mail registers' : '';
    story.event(name, `starts with ${formatBytes(usableBytes)} in ${modules}${registers}`);
  }
  const names = alpha.caches.map(({ name }) => name);
  story.event('alpha', `${names.join(', ')} register, sized from that`);
  story.event('alpha', `legacy takes ${formatBytes(world.legacy.usedBytes)}, and does not register`);
}

/** How news of memory travels in this run. */
function sayHints({ server, shape }: World): string {
  if (!server.platform.kernelFiles) return 'it gives no hints of memory, which is polled';
  const { delayMs = [0, 0], duplicated = 0 } = shape.delivery;
  const twice = duplicated === 0 ? '' : `, ${duplicated * 100} % twice`;
  return `hints of memory come up to ${delayMs[1]} ms late${twice}`;
}
