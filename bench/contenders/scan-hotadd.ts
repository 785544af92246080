// Contender: the first scan of all memory blocks in a process that has just begun, and then single events.
// Says: nanoseconds of the scan, blocks online, the longest hold of the loop in nanoseconds, slices, and
// nanoseconds per event of one block (median), with a reading of the partition's memory after it (median).
import { closeSync, openSync, writeSync } from 'node:fs';
import { clockOs } from '../../src/host/clock-os.ts';
import { machineOs } from '../../src/host/machine-os.ts';
import { BLOCKS_FOLDER, BlockStates } from '../../src/sense/memory-blocks.ts';
import { median } from '../figures.ts';

const EVENTS = 2_000;
const [root = '', count = '0'] = process.argv.slice(2);
const machine = machineOs({ root });
const blocks = new BlockStates(machine, clockOs());
const now = () => Number(process.hrtime.bigint());

let longestNs = 0;
let slices = 0;
let lastNs = now();
let running = true;
function beat(): void {
  const nowNs = now();
  longestNs = Math.max(longestNs, nowNs - lastNs);
  lastNs = nowNs;
  slices += 1;
  if (running) setImmediate(beat);
}
setImmediate(beat);
await new Promise((resolve) => setImmediate(resolve));
longestNs = 0;
lastNs = now();
const startNs = lastNs;
await blocks.scan();
const scanNs = now() - startNs;
longestNs = Math.max(longestNs, now() - lastNs);
running = false;
const sizeBytes = blocks.memory()?.sizeBytes ?? 1;
const online = (blocks.memory()?.onlineBytes ?? 0) / sizeBytes;

const eventNs: number[] = [];
for (let event = 0; event < EVENTS; event += 1) {
  const block = Math.floor(Math.random() * Number(count));
  const state = openSync(`${root}${BLOCKS_FOLDER}/memory${block}/state`, 'w');
  writeSync(state, event % 2 === 0 ? 'offline\n' : 'online\n');
  const uevent = { action: 'online', path: `/devices/system/memory/memory${block}`, subsystem: 'memory' };
  const beforeNs = now();
  blocks.take(uevent);
  if (blocks.memory() === null) throw new Error('no memory');
  eventNs.push(now() - beforeNs);
  writeSync(state, 'online\n', 0);
  closeSync(state);
}
process.stdout.write(`${scanNs} ${online} ${longestNs} ${slices} ${median(eventNs)}\n`);
