// Plays a scenario from beginning to end.
import type { Scenario } from './scenarios.ts';
import type { Step } from './step.ts';
import { World } from './world.ts';

export interface PlayOptions {
  /** What the scenario is called. */
  readonly name: string;
  readonly seed: number;
  readonly emit: (step: Step) => void;
  /** Default: RSS of this process. */
  readonly rssBytes?: () => number;
}

/** True when every claim came true. */
export async function play(
  { server = {}, scenes }: Scenario,
  { name, seed, emit, rssBytes = process.memoryUsage.rss }: PlayOptions,
): Promise<boolean> {
  const startedMs = performance.now();
  const world = new World({ seed, server, emit, rssBytes });
  try {
    for (const scene of scenes) await scene(world);
    world.story.end({ scenario: name, seed, tookMs: Math.round(performance.now() - startedMs) });
    return world.story.passed;
  } finally {
    await world.close();
  }
}
