// Every captured machine is read as it is (S7), and what hotadd says of it is known. With memory blocks,
// lsmem of util-linux is asked the same and has to agree.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GiB, KiB, MiB } from '../core/bytes.ts';
import type { Limit } from '../core/memory.ts';
import { clockOs } from '../host/clock-os.ts';
import { machineOs } from '../host/machine-os.ts';
import type { PartitionName } from './partition-name.ts';
import { openSensor } from './sensor.ts';

const MACHINES = fileURLToPath(new URL('../../test/fixtures/machines/', import.meta.url));
const TREES = readdirSync(MACHINES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

async function readCaptured(tree: string, partition: PartitionName) {
  const sensor = await openSensor({
    machine: machineOs({ root: MACHINES + tree }),
    clock: clockOs(),
    partition,
  });
  const memory = sensor.read();
  sensor.close();
  return { sensor, memory };
}

interface Expected {
  readonly usable: number | null;
  readonly boundBy: string | null;
  readonly levels: readonly [string, Limit | null][];
  readonly ownUsed: number | null;
  readonly hidden?: boolean;
  readonly stale?: readonly string[];
}

const SELF: Record<string, Expected> = {
  'x86_64-24g-v1-host': {
    usable: 24684084 * KiB,
    boundBy: 'machine MemTotal',
    levels: [
      ['/level-1/level-2', 'max'],
      ['/level-1', 'max'],
      ['machine', 24684084 * KiB],
    ],
    ownUsed: null,
  },
  'x86_64-2g-v2-ancestor-binds': {
    usable: 768 * MiB,
    boundBy: '/app.slice memory.max',
    levels: [
      ['/app.slice/web.service', GiB],
      ['/app.slice', 768 * MiB],
      ['machine', 2 * GiB - 72 * MiB],
    ],
    ownUsed: (300 - (100 - 6) - 8 + 16) * MiB,
  },
  'x86_64-2g-v2-high-binds': {
    usable: 512 * MiB,
    boundBy: '/app memory.high',
    levels: [
      ['/app', 512 * MiB],
      ['machine', 2 * GiB - 72 * MiB],
    ],
    ownUsed: 160 * MiB,
  },
  'x86_64-2g-v2-no-controller': {
    usable: 768 * MiB,
    boundBy: '/app.slice memory.max',
    levels: [
      ['/app.slice', 768 * MiB],
      ['machine', 2 * GiB - 72 * MiB],
    ],
    ownUsed: 300 * MiB,
  },
  'x86_64-2g-odd-mounts': {
    usable: 800 * MiB,
    boundBy: '/my app/a b memory.max',
    levels: [
      ['/my app/a b', 800 * MiB],
      ['/my app', 900 * MiB],
      ['machine', 2 * GiB - 72 * MiB],
    ],
    ownUsed: 200 * MiB,
  },
  'x86_64-4g-v2-container': {
    usable: 512 * MiB,
    boundBy: '/ memory.max',
    levels: [
      ['/', 512 * MiB],
      ['machine', 4 * GiB - 100 * MiB],
    ],
    ownUsed: 96 * MiB,
    hidden: true,
  },
  'x86_64-4g-v2-outside-namespace': {
    usable: 3 * GiB,
    boundBy: '/.. memory.max',
    levels: [
      ['/../sidecar', 'max'],
      ['/..', 3 * GiB],
      ['machine', 4 * GiB - 100 * MiB],
    ],
    ownUsed: 96 * MiB,
    hidden: true,
  },
  'x86_64-4g-v1-docker': {
    usable: GiB,
    boundBy: `/docker/${'c0ffee'.repeat(10)}c0ff hierarchical_memory_limit`,
    levels: [
      [`/docker/${'c0ffee'.repeat(10)}c0ff`, GiB],
      ['machine', 4 * GiB - 100 * MiB],
    ],
    ownUsed: (600 - (180 - 8) + 32) * MiB,
  },
  'x86_64-4g-hybrid': {
    usable: 1536 * MiB,
    boundBy: '/user.slice memory.limit_in_bytes',
    levels: [
      ['/user.slice/app', 'max'],
      ['/user.slice', 1536 * MiB],
      ['machine', 4 * GiB - 100 * MiB],
    ],
    ownUsed: 200 * MiB,
  },
  'x86_64-4g-numa-movable': {
    usable: 4 * GiB - 128 * MiB,
    boundBy: 'machine MemTotal',
    levels: [
      ['/init.scope', 'max'],
      ['machine', 4 * GiB - 128 * MiB],
    ],
    ownUsed: 50 * MiB,
  },
  'x86_64-2g-offline-blocks': {
    usable: 2 * GiB - 72 * MiB,
    boundBy: 'machine MemTotal',
    levels: [['machine', 2 * GiB - 72 * MiB]],
    ownUsed: GiB - 72 * MiB,
  },
  'x86_64-2g-sys-only': {
    usable: null,
    boundBy: null,
    levels: [['machine', null]],
    ownUsed: null,
    stale: ['/proc/meminfo'],
  },
  'ppc64le-1g-lpar': {
    usable: GiB - 48 * MiB,
    boundBy: 'machine MemTotal',
    levels: [['machine', GiB - 48 * MiB]],
    ownUsed: 464 * MiB,
  },
  's390x-2g-zvm': {
    usable: 2 * GiB - 60 * MiB,
    boundBy: 'machine MemTotal',
    levels: [['machine', 2 * GiB - 60 * MiB]],
    ownUsed: GiB - 60 * MiB,
  },
};

describe('captured machines', () => {
  it('S7 every tree is in the table', () => {
    // Guests of the lab bring their own facts: captured-guests.test.ts.
    const known = TREES.filter((tree) => !existsSync(`${MACHINES}${tree}/captured.json`));
    assert.deepEqual(Object.keys(SELF).sort(), known.sort());
  });

  for (const [tree, expected] of Object.entries(SELF)) {
    it(`S1 ${tree}: usable is the smallest of online and every visible limit`, async () => {
      const { memory } = await readCaptured(tree, { kind: 'self' });
      assert.equal(memory.usableBytes, expected.usable);
      assert.equal(memory.boundBy && `${memory.boundBy.level} ${memory.boundBy.file}`, expected.boundBy);
      assert.deepEqual(
        memory.levels.map((level) => [level.name, level.limitBytes]),
        expected.levels,
      );
      if (expected.ownUsed !== null) assert.equal(memory.levels[0]?.usedBytes, expected.ownUsed, 'F0');
      assert.equal(memory.hiddenAncestors, expected.hidden ?? false);
      assert.deepEqual(
        memory.stale.map((reading) => reading.reading),
        expected.stale ?? [],
      );
      assert.equal(memory.gone, false);
    });
  }

  it('S6 numa-movable: nodes and what only movable pages can use are told apart', async () => {
    const { memory } = await readCaptured('x86_64-4g-numa-movable', { kind: 'machine' });
    assert.deepEqual(memory.nodes, [
      { node: 0, onlineBytes: (3840 + 487680) * 4 * KiB, movableBytes: 0 },
      { node: 1, onlineBytes: 524288 * 4 * KiB, movableBytes: 393216 * 4 * KiB },
    ]);
  });

  it('S6 ppc64le: pages of 64 KiB are seen from the figures', async () => {
    const { memory } = await readCaptured('ppc64le-1g-lpar', { kind: 'machine' });
    assert.deepEqual(memory.nodes, [{ node: 0, onlineBytes: GiB - 48 * MiB, movableBytes: 0 }]);
  });

  it('S5 offline-blocks: blocks that were added and are not online, with the command', async () => {
    const { memory, sensor } = await readCaptured('x86_64-2g-offline-blocks', { kind: 'machine' });
    assert.deepEqual(memory.blocks, { sizeBytes: 128 * MiB, onlineBytes: 2 * GiB, offlineBytes: 640 * MiB });
    assert.equal(memory.presentBytes, 2 * GiB + 640 * MiB);
    assert.deepEqual(sensor.offlineBlocks(), {
      blocks: [32, 33, 34, 36],
      command: 'for n in $(seq 32 34) 36; do echo online > /sys/devices/system/memory/memory$n/state; done',
    });
  });

  it('S2 sys-only: without /proc nothing is known of usable memory, and blocks still are', async () => {
    const { memory } = await readCaptured('x86_64-2g-sys-only', { kind: 'machine' });
    assert.equal(memory.onlineBytes, null);
    assert.equal(memory.presentBytes, 2 * GiB);
    assert.deepEqual(memory.blocks, {
      sizeBytes: 128 * MiB,
      onlineBytes: 1792 * MiB,
      offlineBytes: 256 * MiB,
    });
  });

  it('S8 a captured machine has its own identity, and its CPUs', async () => {
    const { memory, sensor } = await readCaptured('s390x-2g-zvm', { kind: 'machine' });
    assert.equal(memory.partition, 'machine:0123456789abcdef0123456789abcdef');
    assert.equal(sensor.bootId, '01234567-89ab-cdef-0123-456789abcdef');
    assert.equal(sensor.cpus, 3);
  });
});

const LSMEM = existsSync('/usr/bin/lsmem') || existsSync('/bin/lsmem');

describe('lsmem agrees', { skip: LSMEM ? false : 'lsmem is missing: apt-get install util-linux' }, () => {
  const withBlocks = TREES.filter((tree) => existsSync(`${MACHINES}${tree}/sys/devices/system/memory`));
  for (const tree of withBlocks) {
    it(`S7 ${tree}: block size, online and offline are what lsmem says`, async () => {
      const summary = lsmem(tree, '--summary=only', '-b');
      const numberAfter = (words: string) => Number(new RegExp(`${words}:\\s+(\\d+)`).exec(summary)?.[1]);
      const { memory } = await readCaptured(tree, { kind: 'machine' });
      assert.deepEqual(memory.blocks, {
        sizeBytes: numberAfter('Memory block size'),
        onlineBytes: numberAfter('Total online memory'),
        offlineBytes: numberAfter('Total offline memory'),
      });
      const ranges: { size: number }[] = JSON.parse(lsmem(tree, '-J', '-b')).memory;
      assert.equal(
        memory.presentBytes,
        ranges.reduce((sum, { size }) => sum + size, 0),
      );
    });
  }
});

function lsmem(tree: string, ...options: string[]): string {
  return execFileSync('lsmem', ['--sysroot', MACHINES + tree, ...options], { encoding: 'utf8' });
}
