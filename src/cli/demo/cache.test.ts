// The demo's cache is a driver like any other, with memory of this process that is really taken.
import { test } from 'node:test';
import { MiB } from '../../core/bytes.ts';
import { checkDriver } from '../../testing/check-driver.ts';
import { ServerSim } from '../../testing/server-sim.ts';
import { Cache } from './cache.ts';
import { SLAB_BYTES, Slabs } from './slabs.ts';

const BUDGETS = { smallBytes: 4 * SLAB_BYTES, largeBytes: 24 * SLAB_BYTES };

function makeDriver() {
  const server = new ServerSim();
  const process = server.partition('alpha', { modules: [1024 * MiB] }).run('pictures');
  const { clock } = server;
  return new Cache({ name: 'pictures', process, clock, sizeBytes: SLAB_BYTES, slabs: new Slabs() }).driver;
}

for (const { title, run } of checkDriver(makeDriver, BUDGETS)) test(`demo cache: ${title}`, run);
