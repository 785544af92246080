// What the tests of the notification rules share: a simulated server with one partition, opened by the
// production code, and a listener that writes down what it hears.
import { MiB } from '../../src/core/bytes.ts';
import type { News } from '../../src/core/change.ts';
import type { HotaddError } from '../../src/core/errors.ts';
import { openPartition } from '../../src/partition/open.ts';
import type { Partition } from '../../src/partition/partition.ts';
import type { PartitionSim, PartitionSimOptions } from '../../src/testing/partition-sim.ts';
import { ServerSim, type ServerSimOptions } from '../../src/testing/server-sim.ts';

/** Rules hold on both: with the kernel's files and hints, and where total memory is all that is told. */
export const PLATFORMS = ['linux', 'windows'] as const;

/** By then whatever was added is found by the poll, quiet, and told. */
export const SETTLED_MS = 3_000;

export type WorldOptions = Omit<ServerSimOptions, 'clock'> & Partial<PartitionSimOptions>;

/** A partition as its software sees it. */
export interface Software {
  readonly partition: Partition;
  /** All that was heard since it was opened. */
  readonly news: News[];
}

export interface World extends Software {
  readonly server: ServerSim;
  readonly clock: ServerSim['clock'];
  readonly sim: PartitionSim;
  /** Software of a partition that runs. */
  open(sim: PartitionSim): Promise<Software>;
  /** What it is to its software: hotadd, opened on the machine of today. */
  again(): Promise<Software>;
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const server = new ServerSim(options);
  const { clock } = server;
  const sim = server.partition('own', { modules: [1024 * MiB], ...options });
  const open = async ({ machine }: PartitionSim): Promise<Software> => {
    const opening = openPartition({ partition: 'machine', machine, clock, apply: true, reserve: 0 });
    const partition = await clock.until(opening);
    const news: News[] = [];
    partition.onChange((each) => void news.push(each));
    return { partition, news };
  };
  return { ...(await open(sim)), server, clock, sim, open, again: () => open(sim) };
}

/** For assert.throws: what the server will not do, and why. */
export function refusedAs(what: RegExp): (error: HotaddError) => boolean {
  return (error) => error.code === 'HOTADD_UNSUPPORTED' && what.test(error.message);
}
