// Onlining on machines of files: what comes online, and what does not and why.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kernelError, machineOfFiles } from '../../test/fixtures/machines/machine-of-files.ts';
import type { Clock } from '../core/clock.ts';
import { onlineBlocks } from './online-blocks.ts';

const BLOCKS = '/sys/devices/system/memory';
const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  after: (_delayMs, callback) => {
    queueMicrotask(callback);
    return () => {};
  },
};

describe('online-blocks', () => {
  it('S5 writes the word that was configured, and reads back that the block is online', async () => {
    const machine = machineOfFiles({ [`${BLOCKS}/memory8/state`]: 'offline\n' });
    const { writeText } = machine;
    machine.writeText = (path, text) => {
      writeText(path, text);
      machine.files.set(path, 'online\n');
    };
    const outcome = await onlineBlocks({ machine, clock, blocks: [8], word: 'online_movable' });
    assert.deepEqual(outcome, { onlined: [8], failed: [] });
    assert.deepEqual(machine.writes, [{ path: `${BLOCKS}/memory8/state`, text: 'online_movable' }]);
  });

  it('S5 a block that fails is told with the reason and harms no other', async () => {
    const machine = machineOfFiles({
      [`${BLOCKS}/memory8/state`]: 'offline\n',
      [`${BLOCKS}/memory9/state`]: 'offline\n',
      [`${BLOCKS}/memory10/state`]: 'offline\n',
    });
    machine.onWrite = (path) => {
      if (path.includes('memory8')) throw kernelError('EINVAL');
    };
    const { writeText } = machine;
    machine.writeText = (path, text) => {
      writeText(path, text);
      if (path.includes('memory10')) machine.files.set(path, 'offline\n');
    };
    const { onlined, failed } = await onlineBlocks({
      machine,
      clock,
      blocks: [8, 9, 10, 11],
      word: 'online',
    });
    assert.deepEqual(onlined, [9]);
    assert.deepEqual(
      failed.map(({ block }) => block),
      [8, 10, 11],
    );
    assert.match(failed[0]?.error ?? '', /the kernel refuses: EINVAL/);
    assert.match(failed[1]?.error ?? '', /reads back "offline"/);
  });
});
