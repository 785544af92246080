// The witness: what this process takes of its real machine, beside what its cache says it holds. hotadd never
// counts with it, so it can contradict.
import { MiB } from '../../core/bytes.ts';
import type { World } from './world.ts';

/** What else of this process may grow or shrink meanwhile: its heap and its code. */
const NOISE_BYTES = 16 * MiB;

/** Does something that resizes the cache with real memory, and looks whether RSS follows. */
export async function witnessed<Result>(world: World, act: () => Promise<Result>): Promise<Result> {
  const rssBeforeBytes = world.rssBytes();
  const heldBeforeBytes = world.slabs.bytes;
  const result = await act();
  const rssAfterBytes = world.rssBytes();
  const heldAfterBytes = world.slabs.bytes;
  const moved = heldAfterBytes - heldBeforeBytes;
  const differs = Math.abs(rssAfterBytes - rssBeforeBytes - moved);
  const follows = moved !== 0 && differs <= NOISE_BYTES;
  world.story.witness({ rssBeforeBytes, rssAfterBytes, heldBeforeBytes, heldAfterBytes, follows });
  world.story.claim(5, 'RSS, which hotadd never counts with, follows what pictures holds', follows);
  return result;
}
