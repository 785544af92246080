// The rule of a heap's size against what real processes have chosen. The table was measured with
// `v8.getHeapStatistics().heap_size_limit` in a cgroup of each size, on Node 22.23, 24.21 and 26.10 (x86-64,
// a machine of 24 GiB); what Node runs the tests is measured again, here and now.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { makeCgroup, noCgroup } from '../../test/real-cgroup.ts';
import { GiB, KiB, MiB } from '../core/bytes.ts';
import { nodeHeapRule } from './node-heap-rule.ts';

/** Memory in MiB, and the limits of the heap in MiB on 22, 24 and 26. */
const MEASURED: readonly [number, number, number, number][] = [
  [64, 259, 259, 262],
  [128, 259, 259, 262],
  [256, 259, 259, 262],
  [384, 259, 259, 268],
  [512, 259, 259, 268],
  [768, 396, 432, 408],
  [1024, 524, 560, 536],
  [1536, 792, 864, 816],
  [2048, 1048, 1120, 1072],
  [3072, 1584, 1728, 1632],
  [4096, 2096, 2240, 2144],
  [8192, 2096, 2240, 2144],
  [14336, 2096, 2240, 2144],
  [15360, 4144, 4288, 4192],
  [24000, 4144, 4288, 4192],
];
const VERSIONS = ['22.23.3', '24.21.0', '26.10.0'];

/** Limits that are no whole megabytes: what is rounded, and where. */
const ODD_BYTES = 132 * KiB;
const MEASURED_ODD: readonly [number, number, number, number][] = [
  [256, 271_581_184, 271_581_184, 281_018_368],
  [513, 281_804_800, 319_553_536, 294_387_712],
  [700, 379_846_656, 417_595_392, 392_429_568],
  [1001, 537_657_344, 575_406_080, 550_240_256],
  [1537, 831_258_624, 906_756_096, 856_424_448],
  [15359, 2_197_815_296, 2_348_810_240, 2_248_146_944],
];

/** `--max-old-space-size-percentage` in a cgroup of 2 GiB, in bytes. */
const MEASURED_PERCENT: readonly [number, number, number, number][] = [
  [75, 1_635_778_560, 1_711_276_032, 1_660_944_384],
  [10, 239_075_328, 314_572_800, 264_241_152],
];

for (const [index, version] of VERSIONS.entries()) {
  test(`node heap rule: it is what Node ${version} chose`, () => {
    for (const [memoryMiB, ...limits] of MEASURED) {
      const { bytes, exact } = nodeHeapRule({ version, memoryBytes: memoryMiB * MiB });
      assert.deepEqual([bytes / MiB, exact], [limits[index], true], `with ${memoryMiB} MiB`);
    }
    for (const [memoryMiB, ...limits] of MEASURED_ODD) {
      const { bytes } = nodeHeapRule({ version, memoryBytes: memoryMiB * MiB + ODD_BYTES });
      assert.equal(bytes, limits[index], `with ${memoryMiB} MiB and a little`);
    }
    for (const [percent, ...limits] of MEASURED_PERCENT) {
      const { bytes } = nodeHeapRule({ version, memoryBytes: 2 * GiB, percent });
      assert.equal(bytes, limits[index], `with ${percent} %`);
    }
  });
}

test('node heap rule: a version that was not measured goes by the one before it, as an estimate', () => {
  const memoryBytes = 1024 * MiB;
  assert.deepEqual(nodeHeapRule({ version: '25.1.0', memoryBytes }), { bytes: 560 * MiB, exact: false });
  assert.deepEqual(nodeHeapRule({ version: '20.20.2', memoryBytes }), { bytes: 524 * MiB, exact: false });
  assert.deepEqual(nodeHeapRule({ version: '99.0.0', memoryBytes }), { bytes: 536 * MiB, exact: false });
});

for (const limitBytes of [128 * MiB, 512 * MiB, 700 * MiB, GiB, 3 * GiB, 6 * GiB]) {
  test(`node heap rule: this Node chooses it in a cgroup of ${limitBytes / MiB} MiB`, {
    skip: noCgroup,
  }, (t) => {
    const { folder } = makeCgroup(t, limitBytes);
    const tell = 'console.log(require("node:v8").getHeapStatistics().heap_size_limit)';
    const run = [
      '-c',
      `echo $$ > '${folder}/cgroup.procs' && exec "$@"`,
      'heap',
      process.execPath,
      '-e',
      tell,
    ];
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stdout, stderr } = spawnSync('sh', run, { encoding: 'utf8', env });
    const memoryBytes = Math.min(limitBytes, totalmem());
    const rule = nodeHeapRule({ version: process.versions.node, memoryBytes });
    assert.equal(Number(stdout), rule.bytes, stderr);
  });
}
