// The scenarios of the demo: `page` is the whole story, the others a part of it each. A scenario is a list of
// scenes on a server of its own.
import type { ServerSimOptions } from '../../testing/server-sim.ts';
import type { ScenarioName } from './scenario-names.ts';
import { hangs, refuses } from './scene-drivers.ts';
import { end } from './scene-end.ts';
import { hotReplace, parked } from './scene-modules.ts';
import { neverRemoves, onlyAtRestart } from './scene-platforms.ts';
import { pools, poolsAfterRestart } from './scene-pools.ts';
import { plannedShrink } from './scene-shrink.ts';
import { start } from './scene-start.ts';
import { twoPartitions } from './scene-two-partitions.ts';
import type { World } from './world.ts';

export type Scene = (world: World) => Promise<void>;

export interface Scenario {
  readonly server?: Pick<ServerSimOptions, 'platform' | 'dynamic'>;
  readonly scenes: readonly Scene[];
}

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  page: { scenes: [start, twoPartitions, refuses, hangs, hotReplace, parked, pools, plannedShrink, end] },
  'two-partitions': { scenes: [start, twoPartitions, end] },
  refuses: { scenes: [start, refuses, end] },
  hangs: { scenes: [start, hangs, end] },
  'hot-replace': { scenes: [start, hotReplace, end] },
  parked: { scenes: [start, parked, end] },
  pools: { scenes: [start, twoPartitions, pools, poolsAfterRestart, end] },
  'planned-shrink': { scenes: [start, twoPartitions, plannedShrink, end] },
  windows: {
    server: { platform: 'windows' },
    scenes: [start, twoPartitions, hotReplace, neverRemoves, pools, end],
  },
  static: { server: { dynamic: false }, scenes: [start, onlyAtRestart, end] },
};
