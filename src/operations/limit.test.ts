// The limit operation against a kernel of two files: orders of writes, refusals, and what is put back (F2).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kernelError, machineOfFiles } from '../../test/fixtures/machines/machine-of-files.ts';
import { MiB } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { limitOperation } from './limit.ts';

const FOLDER = '/cg/app';
const REQUEST = { headroomBytes: 16 * MiB, deadlineMs: 1_000 };

/** Each pause passes at once, and moves the time by its length. */
function clockThatRuns(): Clock {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after: (delayMs, callback) => {
      queueMicrotask(() => {
        nowMs += delayMs;
        callback();
      });
      return () => {};
    },
  };
}

function setUp(version: 1 | 2, files: Record<string, string>, used: () => number | null = () => 100 * MiB) {
  const machine = machineOfFiles(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, `${text}\n`])),
  );
  const operation = limitOperation({
    machine,
    clock: clockThatRuns(),
    controlGroup: { version, path: '/app', folder: FOLDER },
    readUsedBytes: used,
  });
  const writes = () => machine.writes.map(({ path, text }) => `${path.slice(FOLDER.length + 1)}=${text}`);
  const textOf = (name: string) => String(machine.files.get(`${FOLDER}/${name}`)).trim();
  return { machine, operation, writes, textOf };
}

const V2 = { 'memory.max': String(512 * MiB), 'memory.high': 'max' };
const V1 = { 'memory.limit_in_bytes': String(512 * MiB) };
const UNSET = '9223372036854771712';

describe('limit: what may not be written', () => {
  it('is told before anyone gives anything up (E4)', async () => {
    for (const [version, files, name] of [
      [2, V2, 'memory.high'],
      [1, V1, 'memory.limit_in_bytes'],
    ] as const) {
      const { machine, operation, writes } = setUp(version, files);
      const can = await operation.reachable(256 * MiB);
      assert.deepEqual(can, { toBytes: 256 * MiB, note: null });
      const readOnly = {
        ...machine,
        mayWrite: (path: string) => {
          if (path === `${FOLDER}/${name}`) throw kernelError('EROFS');
        },
      };
      const controlGroup = { version, path: '/app', folder: FOLDER };
      const refused = limitOperation({
        machine: readOnly,
        clock: clockThatRuns(),
        controlGroup,
        readUsedBytes: () => 0,
      });
      await assert.rejects(refused.reachable(256 * MiB), {
        code: 'HOTADD_MISSING_RIGHT',
        place: `${FOLDER}/${name}`,
      });
      assert.deepEqual(writes(), []);
    }
  });
});

describe('limit v2', () => {
  it('F2 high is put back also when it could not be read after it was written', async () => {
    const { machine, operation, textOf } = setUp(2, V2);
    let fails = false;
    machine.onWrite = (path) => {
      fails = path.endsWith('memory.high');
    };
    machine.onRead = () => {
      if (!fails) return;
      fails = false;
      throw kernelError('EIO');
    };
    await assert.rejects(operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST }), /EIO/);
    assert.deepEqual([textOf('memory.high'), textOf('memory.max')], ['max', String(512 * MiB)]);
  });

  it('F2 a shrink writes high, reads use again, writes max, and puts high back', async () => {
    const order: string[] = [];
    const { machine, operation } = setUp(2, V2, () => order.push('used') && 100 * MiB);
    machine.onWrite = (path, text) => order.push(`${path.slice(FOLDER.length + 1)}=${text}`);
    const reached = await operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.deepEqual(reached, { reachedBytes: 256 * MiB, note: null });
    const target = String(256 * MiB);
    assert.deepEqual(order, [
      'used',
      `memory.high=${target}`,
      'used',
      `memory.max=${target}`,
      'memory.high=max',
    ]);
  });

  it('F2 the kernel may reclaim for seconds inside memory.high: use is read only after that', async () => {
    const order: string[] = [];
    const { machine, operation } = setUp(2, V2, () => order.push('used') && 100 * MiB);
    const returns = Promise.withResolvers<void>();
    machine.writeTextSlowly = async (path, text) => {
      order.push(`${path.slice(FOLDER.length + 1)} begins`);
      machine.writeText(path, text);
      await returns.promise;
    };
    const lowering = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await new Promise(setImmediate);
    assert.deepEqual(order, ['used', 'memory.high begins']);
    machine.files.set(`${FOLDER}/memory.max`, `${700 * MiB}\n`);
    returns.resolve();
    await assert.rejects(lowering, /somebody else has written memory\.max meanwhile/);
    assert.deepEqual(order, ['used', 'memory.high begins', 'used']);
    assert.equal(machine.files.get(`${FOLDER}/memory.high`), 'max', 'memory.high is put back');
  });

  it('F2 without room nothing is written', async () => {
    const { operation, writes } = setUp(2, V2, () => 241 * MiB);
    const shrink = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await assert.rejects(shrink, {
      code: 'HOTADD_OPERATION',
      message: /241 MiB in use and 16 MiB to keep free/,
    });
    assert.deepEqual(writes(), []);
    const blind = setUp(2, V2, () => null);
    const asked = blind.operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await assert.rejects(asked, { code: 'HOTADD_UNREADABLE' });
    assert.deepEqual(blind.writes(), []);
  });

  it('F2 exactly as much room as needed is room', async () => {
    const { operation } = setUp(2, V2, () => 240 * MiB);
    const reached = await operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 256 * MiB);
  });

  it('F2 use that grows behind high: max is not touched and high is put back', async () => {
    const uses = [100 * MiB, 250 * MiB];
    const { operation, textOf, writes } = setUp(2, { ...V2, 'memory.high': String(500 * MiB) }, () =>
      Number(uses.shift()),
    );
    await assert.rejects(operation.operate(256 * MiB, { expectBytes: 500 * MiB, ...REQUEST }), {
      code: 'HOTADD_OPERATION',
    });
    assert.equal(textOf('memory.high'), String(500 * MiB));
    assert.equal(textOf('memory.max'), String(512 * MiB));
    assert.equal(writes().length, 2);
  });

  it('F2 a max that cannot be written: high is put back and the missing right is told', async () => {
    for (const code of ['EACCES', 'EPERM', 'EROFS']) {
      const { machine, operation, textOf } = setUp(2, V2);
      machine.onWrite = (path) => {
        if (path.endsWith('memory.max')) throw kernelError(code);
      };
      await assert.rejects(operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST }), {
        code: 'HOTADD_MISSING_RIGHT',
        place: `${FOLDER}/memory.max`,
      });
      assert.equal(textOf('memory.high'), 'max');
    }
  });

  it('F2 a high that is tight enough already is left alone', async () => {
    const { operation, writes } = setUp(
      2,
      { 'memory.max': 'max', 'memory.high': String(128 * MiB) },
      () => 0,
    );
    const reached = await operation.operate(64 * MiB, { expectBytes: 128 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 64 * MiB);
    assert.deepEqual(writes().slice(1), [`memory.max=${64 * MiB}`, `memory.high=${128 * MiB}`]);
    const tight = setUp(2, { 'memory.max': String(512 * MiB) }, () => 0);
    await tight.operation.operate(64 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.deepEqual(tight.writes(), [`memory.max=${64 * MiB}`], 'a cgroup without memory.high');
  });

  it('a high that somebody else has written meanwhile stays theirs', async () => {
    const { machine, operation, textOf } = setUp(2, V2);
    machine.onWrite = (path) => {
      if (path.endsWith('memory.max')) machine.files.set(`${FOLDER}/memory.high`, `${200 * MiB}\n`);
    };
    const reached = await operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.equal(textOf('memory.high'), String(200 * MiB));
    assert.equal(reached.reachedBytes, 200 * MiB, 'what is in force, not what was asked');
  });

  it('a limit that is not the expected one was written by somebody else: nothing is written', async () => {
    for (const toBytes of [256 * MiB, 1024 * MiB] as const) {
      const { operation, writes } = setUp(2, V2);
      await assert.rejects(operation.operate(toBytes, { expectBytes: 400 * MiB, ...REQUEST }), {
        code: 'HOTADD_OPERATION',
        message: /the limit is 512 MiB, not 400 MiB: somebody else has written it/,
      });
      assert.deepEqual(writes(), []);
    }
  });

  it('a max that somebody else has written behind high stays theirs', async () => {
    let uses = 0;
    const { machine, operation, textOf } = setUp(2, V2, () => {
      uses += 1;
      if (uses === 2) machine.files.set(`${FOLDER}/memory.max`, `${700 * MiB}\n`);
      return 100 * MiB;
    });
    const shrink = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await assert.rejects(shrink, /somebody else has written memory.max/);
    assert.deepEqual([textOf('memory.max'), textOf('memory.high')], [String(700 * MiB), 'max']);
  });

  it('a raise that fails half way leaves the limits as they were', async () => {
    const files = { 'memory.max': String(512 * MiB), 'memory.high': String(400 * MiB) };
    const { machine, operation, textOf } = setUp(2, files);
    machine.onWrite = (path) => {
      if (path.endsWith('memory.high')) throw kernelError('EACCES');
    };
    const raise = operation.operate(1024 * MiB, { expectBytes: 400 * MiB, ...REQUEST });
    await assert.rejects(raise, { code: 'HOTADD_MISSING_RIGHT' });
    assert.equal(textOf('memory.max'), String(512 * MiB));
  });

  it('a raise moves what is below the target, and asks for no room', async () => {
    const files = { 'memory.max': String(512 * MiB), 'memory.high': String(400 * MiB) };
    const { operation, writes } = setUp(2, files, () => null);
    const reached = await operation.operate(1024 * MiB, { expectBytes: 400 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 1024 * MiB);
    assert.deepEqual(writes(), [`memory.max=${1024 * MiB}`, `memory.high=${1024 * MiB}`]);
    const wide = setUp(2, { 'memory.max': 'max', 'memory.high': String(400 * MiB) });
    await wide.operation.operate(500 * MiB, { expectBytes: 400 * MiB, ...REQUEST });
    assert.deepEqual(wide.writes(), [`memory.high=${500 * MiB}`], 'max is never lowered by a raise');
    const open = setUp(2, V2);
    assert.equal(
      (await open.operation.operate('max', { expectBytes: 512 * MiB, ...REQUEST })).reachedBytes,
      'max',
    );
  });

  it('reports what the kernel made of the number: whole pages', async () => {
    const { machine, operation } = setUp(2, V2);
    machine.writeText = (path, text) =>
      void machine.files.set(path, text === 'max' ? text : String(Math.floor(Number(text) / 4096) * 4096));
    const reached = await operation.operate(256 * MiB + 5, { expectBytes: 512 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 256 * MiB);
    assert.equal(machine.files.get(`${FOLDER}/memory.high`), 'max', 'its own rounded value is known again');
  });

  it('a cgroup that is gone, and one without the controller, are told apart', () => {
    const { machine, operation } = setUp(2, { 'cgroup.events': 'x' });
    assert.throws(() => operation.read(), { code: 'HOTADD_UNSUPPORTED' });
    machine.remove(FOLDER);
    assert.throws(() => operation.read(), { code: 'HOTADD_GONE' });
  });
});

describe('limit v1', () => {
  it('the kernel may reclaim page cache for long inside the write: the loop goes on meanwhile', async () => {
    const { machine, operation, textOf } = setUp(1, V1);
    const returns = Promise.withResolvers<void>();
    machine.writeTextSlowly = async (path, text) => {
      await returns.promise;
      machine.writeText(path, text);
    };
    const lowering = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await new Promise(setImmediate);
    assert.equal(textOf('memory.limit_in_bytes'), String(512 * MiB));
    returns.resolve();
    assert.deepEqual(await lowering, { reachedBytes: 256 * MiB, note: null });
  });

  it('F2 EBUSY is "not yet": it is asked again until the kernel can', async () => {
    const { machine, operation } = setUp(1, V1);
    let busy = 3;
    machine.onWrite = () => {
      busy -= 1;
      if (busy >= 0) throw kernelError('EBUSY');
    };
    const reached = await operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 256 * MiB);
    assert.equal(busy, -1);
  });

  it('F2 EBUSY until the deadline fails, and leaves the limit', async () => {
    const { machine, operation, textOf } = setUp(1, V1);
    let tries = 0;
    machine.onWrite = () => {
      tries += 1;
      throw kernelError('EBUSY');
    };
    await assert.rejects(operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST }), {
      code: 'HOTADD_OPERATION',
      message: /EBUSY/,
    });
    assert.ok(tries > 5, `${tries} tries`);
    assert.equal(textOf('memory.limit_in_bytes'), String(512 * MiB));
  });

  it('F2 while waiting, room is asked for again and another writer is noticed', async () => {
    let used = 100 * MiB;
    const { machine, operation, writes } = setUp(1, V1, () => used);
    machine.onWrite = () => {
      used = 255 * MiB;
      throw kernelError('EBUSY');
    };
    const noRoom = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await assert.rejects(noRoom, /what is in use does not fit/);
    used = 100 * MiB;
    machine.onWrite = (path) => {
      machine.files.set(path, `${300 * MiB}\n`);
      throw kernelError('EBUSY');
    };
    const overtaken = operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    await assert.rejects(overtaken, /somebody else has written/);
    assert.deepEqual(writes(), []);
  });

  it('memory+swap follows in the order of the kernel, and keeps the swap allowance', async () => {
    const files = { ...V1, 'memory.memsw.limit_in_bytes': String(768 * MiB) };
    const lower = setUp(1, files);
    await lower.operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.deepEqual(lower.writes(), [
      `memory.limit_in_bytes=${256 * MiB}`,
      `memory.memsw.limit_in_bytes=${512 * MiB}`,
    ]);
    const raise = setUp(1, files);
    await raise.operation.operate(1024 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.deepEqual(raise.writes(), [
      `memory.memsw.limit_in_bytes=${1280 * MiB}`,
      `memory.limit_in_bytes=${1024 * MiB}`,
    ]);
    const open = setUp(1, files);
    const written: string[] = [];
    open.machine.writeText = (path, text) => {
      written.push(text);
      open.machine.files.set(path, text === '-1' ? UNSET : text);
    };
    assert.equal(
      (await open.operation.operate('max', { expectBytes: 512 * MiB, ...REQUEST })).reachedBytes,
      'max',
    );
    assert.deepEqual(written, ['-1', '-1'], "v1's word for no limit");
  });

  it('memory+swap that nobody has set is left alone', async () => {
    const { operation, writes } = setUp(1, { ...V1, 'memory.memsw.limit_in_bytes': UNSET });
    await operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.deepEqual(writes(), [`memory.limit_in_bytes=${256 * MiB}`]);
  });

  it('memory+swap that stays behind is told; a raise that fails puts it back', async () => {
    const files = { ...V1, 'memory.memsw.limit_in_bytes': String(768 * MiB) };
    const lower = setUp(1, files);
    lower.machine.onWrite = (path) => {
      if (path.includes('memsw')) throw kernelError('EBUSY');
    };
    const reached = await lower.operation.operate(256 * MiB, { expectBytes: 512 * MiB, ...REQUEST });
    assert.equal(reached.reachedBytes, 256 * MiB);
    assert.match(reached.note ?? '', /memory\+swap limit stays at 805306368/);
    const raise = setUp(1, files);
    raise.machine.onWrite = (path) => {
      if (!path.includes('memsw')) throw kernelError('EROFS');
    };
    await assert.rejects(raise.operation.operate(1024 * MiB, { expectBytes: 512 * MiB, ...REQUEST }), {
      code: 'HOTADD_MISSING_RIGHT',
    });
    assert.equal(raise.textOf('memory.memsw.limit_in_bytes'), String(768 * MiB));
  });
});
