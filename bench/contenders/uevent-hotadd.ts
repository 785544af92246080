// Contender: a kernel uevent through the sensor to a driver, without settling. The machine is the real one
// but for the MemTotal it reads, which grows by 2 % with each event, because a synthetic event brings no
// memory. Told `open` and `close` on its standard input, so that contenders do not hear each other's
// events.
import { createInterface } from 'node:readline';
import { buffers } from '../../src/buffers/buffers.ts';
import { Notifier } from '../../src/core/notifier.ts';
import { Registry } from '../../src/core/registry.ts';
import { Unmanaged } from '../../src/core/room.ts';
import { clockOs } from '../../src/host/clock-os.ts';
import { machineOs } from '../../src/host/machine-os.ts';
import { openSensor } from '../../src/sense/sensor.ts';

const GROWTH = 1.02;
const START_KIB = 4 * 2 ** 20;
const clock = clockOs();
const real = machineOs();
let totalKiB = START_KIB;
let hintNs = 0n;
let calledNs = 0n;
let bytes = 0;

const machine: typeof real = {
  ...real,
  readText: (path) => {
    const text = real.readText(path);
    if (path !== '/proc/meminfo') return text;
    return text
      .replace(/MemTotal:\s+\d+/, `MemTotal: ${totalKiB}`)
      .replace(/MemAvailable:\s+\d+/, `MemAvailable: ${Math.floor(totalKiB * 0.9)}`);
  },
  uevents: (onUevent, onLost) =>
    real.uevents((uevent) => {
      totalKiB = Math.floor(totalKiB * GROWTH);
      onUevent(uevent);
    }, onLost),
};

async function open(): Promise<() => void> {
  totalKiB = START_KIB;
  bytes = 0;
  const sensor = await openSensor({ machine, clock, partition: { kind: 'machine' } });
  const registry = new Registry(clock);
  const resize = (asked: number) => {
    calledNs = process.hrtime.bigint();
    bytes = asked;
  };
  registry.register(buffers('bench', { size: () => bytes, resize }));
  let changes = 0;
  const notifier = new Notifier({
    clock,
    registry,
    unmanaged: new Unmanaged(),
    cpus: sensor.cpus,
    reserve: null,
    apply: true,
    sense: () => sensor.read(),
    selfHeldBytes: () => null,
    standing: () => null,
    recorder: {
      nextChangeId: () => ++changes,
      intent: () => Promise.resolve(),
      outcome: () => Promise.resolve(),
    },
    onOutcome: () => process.stdout.write(`${calledNs} ${hintNs}\n`),
  });
  notifier.planFor(sensor.read());
  await notifier.repair('start');
  sensor.onHint(() => {
    hintNs = process.hrtime.bigint();
    void notifier.arrive('MemTotal');
  });
  return () => sensor.close();
}

let close = () => {};
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'open') close = await open();
  else close();
  process.stdout.write(`${line}\n`);
}
