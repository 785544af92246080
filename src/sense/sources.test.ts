// Text in, value out, for every source: real lines of many kernels, and what must be refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GiB, KiB, MiB } from '../core/bytes.ts';
import { parseLimit } from '../core/control-group.ts';
import { parseMembership, pathBelow } from './cgroup.ts';
import { numberOf } from './keyed-text.ts';
import { parseMeminfo } from './meminfo.ts';
import { onlineCommand, parseBlockName, parseBlockSize } from './memory-blocks.ts';
import { parseMountinfo } from './mountinfo.ts';
import { pageSizeOf, parseNodeList, parseNodeTotal, parseZoneinfo } from './nodes.ts';
import { parsePartitionName } from './partition-name.ts';
import { parsePressure } from './pressure.ts';
import { parseHeld, parseStartTime } from './process.ts';
import { usedOfHost, usedV1, usedV2 } from './used.ts';

const badFile = { code: 'HOTADD_BAD_KERNEL_FILE' };
const badUsage = { code: 'HOTADD_BAD_USAGE' };

describe('keyed-text', () => {
  it('finds a key only at the start of a line, and only as a whole word', () => {
    const text = 'total_dirty 5\ndirty 7\ndirty_x 9\nempty\nword abc\n';
    assert.equal(numberOf(text, 'dirty'), 7);
    assert.equal(numberOf(text, 'total_dirty'), 5);
    assert.equal(numberOf(text, 'irty'), null);
    assert.equal(numberOf(text, 'empty'), null);
    assert.equal(numberOf(text, 'word'), null);
  });
});

describe('limit', () => {
  it('S1 v1 has no word for unlimited: 2^60 and more is no limit, whatever the page size', () => {
    for (const text of ['9223372036854771712\n', '9223372036854710272', '1152921504606846976', 'max\n']) {
      assert.equal(parseLimit(text, 'f'), 'max');
    }
    assert.equal(parseLimit('1152921504606846000', 'f'), 1152921504606846000);
    assert.equal(parseLimit('0\n', 'f'), 0);
    assert.equal(parseLimit('536870912\n', 'f'), 512 * MiB);
  });
  it('S2 what cannot be understood is an error with the file, never no limit and never 0', () => {
    for (const text of ['', '\n', '-1', '1.5G', 'maximum', '12 34']) {
      assert.throws(() => parseLimit(text, '/x/memory.max'), { ...badFile, place: '/x/memory.max' }, text);
    }
  });
});

describe('meminfo', () => {
  it('reads MemTotal and MemAvailable, and refuses a text without MemTotal', () => {
    const text = 'MemTotal:       24684084 kB\nMemFree:   1 kB\nMemAvailable:   24350104 kB\n';
    assert.deepEqual(parseMeminfo(text), { totalBytes: 24684084 * KiB, availableBytes: 24350104 * KiB });
    assert.deepEqual(parseMeminfo('MemTotal: 8 kB\n'), { totalBytes: 8 * KiB, availableBytes: null });
    assert.throws(() => parseMeminfo('MemFree: 8 kB\n'), badFile);
    assert.throws(() => parseMeminfo(''), badFile);
  });
});

describe('used', () => {
  it('F0 v2: clean file pages and reclaimable slab are not use; dirty, written-back and swap are', () => {
    const stat =
      'active_file 100\ninactive_file 200\nfile_dirty 30\nfile_writeback 20\nshmem 70\nslab_reclaimable 40\n';
    assert.equal(usedV2(1000, 60, stat, '/g'), 1000 - (300 - 50) - 40 + 60);
  });
  it('F0 v1: the total_ lines count, shared memory stays use, and swap is added where it is counted', () => {
    const stat = [
      'active_file 1\ninactive_file 1\ndirty 1\ntotal_active_file 100\ntotal_inactive_file 200',
      'total_dirty 30\ntotal_writeback 20\ntotal_shmem 70\n',
    ].join('\n');
    assert.equal(usedV1(1000, stat, '/g'), 1000 - 250);
    assert.equal(usedV1(1000, `${stat}total_swap 60\n`, '/g'), 1000 - 250 + 60);
  });
  it('F0 is never negative, and never made up from a text without the lists', () => {
    assert.equal(usedV2(100, 0, 'active_file 100\ninactive_file 200\nslab_reclaimable 40\n', '/g'), 0);
    assert.equal(usedV2(100, 0, 'active_file 1\ninactive_file 1\nfile_dirty 50\n', '/g'), 100);
    assert.throws(() => usedV2(100, 0, 'anon 5\n', '/g'), badFile);
    assert.throws(() => usedV1(100, 'active_file 5\ninactive_file 6\n', '/g'), badFile);
  });
  it('F0 host: MemTotal - MemAvailable', () => {
    assert.equal(usedOfHost({ totalBytes: 100, availableBytes: 70 }), 30);
    assert.equal(usedOfHost({ totalBytes: 100, availableBytes: null }), null);
  });
});

describe('memory-blocks', () => {
  it('the block size is hexadecimal without a prefix', () => {
    assert.equal(parseBlockSize('8000000\n'), 128 * MiB);
    assert.equal(parseBlockSize('80000000'), 2 * GiB);
    for (const text of ['', '0', '0x8000000', 'zzz'])
      assert.throws(() => parseBlockSize(text), badFile, text);
  });
  it('block names are told from the other names in the folder', () => {
    assert.equal(parseBlockName('memory32'), 32);
    for (const name of ['memory', 'auto_online_blocks', 'memory3x', 'xmemory3']) {
      assert.equal(parseBlockName(name), null);
    }
  });
  it('S5 the command names every block once, ranges short', () => {
    assert.equal(onlineCommand([]), null);
    assert.match(onlineCommand([7]) ?? '', /^for n in 7; do/);
    assert.match(onlineCommand([1, 2, 3, 5, 7, 8]) ?? '', /^for n in \$\(seq 1 3\) 5 \$\(seq 7 8\); do/);
  });
});

describe('nodes', () => {
  it('lists of nodes', () => {
    assert.deepEqual(parseNodeList('0-1,3\n'), [0, 1, 3]);
    assert.deepEqual(parseNodeList('0\n'), [0]);
    assert.throws(() => parseNodeList('a-b'), badFile);
    assert.equal(parseNodeTotal('Node 1 MemTotal:        524288 kB\nNode 1 MemFree: 1 kB\n'), 512 * MiB);
    assert.equal(parseNodeTotal('Node 1 MemFree: 1 kB\n'), null);
  });
  it('S6 managed pages per node, movable apart; per-cpu and other lines are passed over', () => {
    const text = [
      'Node 0, zone      DMA',
      '  per-node stats',
      '      nr_inactive_anon 1541',
      '  pages free     3840',
      '        present  3998',
      '        managed  3840',
      '  pagesets',
      '    cpu: 0',
      'Node 1, zone  Movable',
      '        managed  100',
      'Node 1, zone   Normal',
      '        managed  50',
    ].join('\n');
    assert.deepEqual(
      parseZoneinfo(text),
      new Map([
        [0, { managed: 3840, movable: 0 }],
        [1, { managed: 150, movable: 100 }],
      ]),
    );
  });
  it('the page size is told from two counts of the same pages', () => {
    assert.equal(pageSizeOf(1000 * 4096, 1000), 4096);
    assert.equal(pageSizeOf(1000 * 4096 + 50 * 4096, 1000), 4096);
    assert.equal(pageSizeOf(1000 * 65536, 1000), 65536);
    assert.equal(pageSizeOf(1000 * 6000, 1000), null);
    assert.equal(pageSizeOf(0, 0), null);
  });
});

describe('pressure', () => {
  it('reads the ten-second averages', () => {
    const text = 'some avg10=1.25 avg60=0.40 avg300=0.10 total=1\nfull avg10=0.50 avg60=0 avg300=0 total=2\n';
    assert.deepEqual(parsePressure(text, 'f'), { some: 1.25, full: 0.5 });
    assert.throws(() => parsePressure('', 'f'), badFile);
  });
});

describe('process', () => {
  it('S8 the start time is found behind a name of brackets, spaces and line ends', () => {
    const rest = 'S 1 1 1 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 87307 3133440 362';
    for (const name of ['cat', 'a b', ') S 1 (', 'x\ny', '((', 'tmux: server']) {
      assert.equal(parseStartTime(`42 (${name}) ${rest}\n`, 'f'), '87307', name);
    }
    assert.throws(() => parseStartTime('42 cat S 1', 'f'), badFile);
    assert.throws(() => parseStartTime('42 (cat) S 1', 'f'), badFile);
  });
  it('held is RSS and swap; a kernel thread has neither', () => {
    assert.equal(parseHeld('Name:\tx\nVmRSS:\t    100 kB\nVmSwap:\t   20 kB\n'), 120 * KiB);
    assert.equal(parseHeld('Name:\tx\nVmRSS:\t    100 kB\n'), 100 * KiB);
    assert.equal(parseHeld('Name:\tkthreadd\n'), null);
  });
});

describe('cgroup', () => {
  it('S1 the memory controller is found in v1, v2 and hybrid', () => {
    const v2 = { version: 2, path: '/a/b', deleted: false };
    const v1 = { version: 1, path: '/m', deleted: false };
    assert.deepEqual(parseMembership('0::/a/b\n'), v2);
    assert.deepEqual(parseMembership('13:name=systemd:/x\n4:pids,memory:/m\n0::/a/b\n'), v1);
    assert.deepEqual(parseMembership('0::/a/b\n4:memory:/m\n'), v1);
    assert.deepEqual(parseMembership('1:name=memory:/x\n3:cpu:/y\n0::/a/b\n'), v2);
    assert.equal(parseMembership('3:cpu:/y\n'), null);
    assert.equal(parseMembership(''), null);
  });
  it('S1 odd paths: colons, spaces, deleted, above the namespace', () => {
    assert.equal(parseMembership('0::/a:b/c d')?.path, '/a:b/c d');
    assert.deepEqual(parseMembership('0::/old (deleted)'), { version: 2, path: '/old', deleted: true });
    assert.equal(parseMembership('0::/../../x')?.path, '/../../x');
    assert.equal(parseMembership('0::\n0:\n0'), null);
  });
  it('S1 a mount shows a cgroup when its root is above it, by whole names', () => {
    assert.deepEqual(pathBelow('/', '/a/b'), ['a', 'b']);
    assert.deepEqual(pathBelow('/a', '/a'), []);
    assert.equal(pathBelow('/a', '/ab'), null);
    assert.equal(pathBelow('/', '/../x'), null);
    assert.deepEqual(pathBelow('/..', '/../x'), ['x']);
    assert.equal(pathBelow('/../..', '/'), null);
  });
});

describe('mountinfo', () => {
  it('S1 optional fields, escapes, empty sources, missing fields, deleted roots', () => {
    const lines = [
      '35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 master:2 propagate_from:3 - cgroup cgroup rw,memory',
      '36 31 0:33 /a\\040b\\134c /mnt/x\\011y rw - cgroup2  rw,nsdelegate',
      '37 31 0:34 / /data rw - ext4 /dev/vda rw',
      '38 31 0:35 /gone//deleted /mnt/d rw - cgroup2 cgroup2 rw',
      '39 31 0:36',
      '40 31 0:37 / /mnt/no-dash rw cgroup2 cgroup2 rw',
      'nonsense',
      '',
    ];
    assert.deepEqual(parseMountinfo(lines.join('\n')), [
      { version: 1, controllers: ['rw', 'memory'], root: '/', mountPoint: '/sys/fs/cgroup/memory' },
      { version: 2, controllers: [], root: '/a b\\c', mountPoint: '/mnt/x\ty' },
    ]);
  });
});

describe('partition-name', () => {
  it('S8 reads the five forms', () => {
    assert.deepEqual(parsePartitionName('machine'), { kind: 'machine' });
    assert.deepEqual(parsePartitionName('self'), { kind: 'self' });
    assert.deepEqual(parsePartitionName('cgroup:/a//b:c/'), { kind: 'cgroup', path: '/a/b:c' });
    assert.deepEqual(parsePartitionName('pid:42'), { kind: 'pid', pid: 42 });
    assert.deepEqual(parsePartitionName('unit:redis'), { kind: 'unit', name: 'redis.service' });
    assert.deepEqual(parsePartitionName('unit:a@b.slice'), { kind: 'unit', name: 'a@b.slice' });
  });
  it('S8 refuses everything else, and says what to write', () => {
    const wrong = [
      '',
      'Machine',
      'machine:',
      'self:1',
      'cgroup:',
      'cgroup:a',
      'cgroup:/a/../b',
      'pid:',
      'pid:0',
    ];
    for (const text of [...wrong, 'pid:-1', 'pid:1x', 'unit:', 'unit:a/b', 'vm:1']) {
      assert.throws(() => parsePartitionName(text), badUsage, text);
    }
    assert.throws(() => parsePartitionName('vm:1'), /write machine, self, cgroup:\/path, pid:N or unit:NAME/);
  });
});
