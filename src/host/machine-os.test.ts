// The real machine and a captured one: the files, the root, hints that never throw.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clockOs } from './clock-os.ts';
import { machineOs } from './machine-os.ts';

const folder = mkdtempSync(join(tmpdir(), 'hotadd-host-'));
after(() => rmSync(folder, { recursive: true }));
const linux = process.platform === 'linux' ? false : 'reads /proc: Linux only';
const src = fileURLToPath(new URL('.', import.meta.url));

describe('machine-os', () => {
  it('S7 with a root every path is below it, whatever dots it holds', () => {
    mkdirSync(join(folder, 'tree/proc'), { recursive: true });
    writeFileSync(join(folder, 'tree/proc/meminfo'), 'inside');
    writeFileSync(join(folder, 'outside'), 'outside');
    const machine = machineOs({ root: join(folder, 'tree') });
    assert.equal(machine.readText('/proc/meminfo'), 'inside');
    assert.equal(machine.readText('/proc/../proc/./meminfo'), 'inside');
    assert.throws(() => machine.readText('/../outside'), { code: 'ENOENT' });
    assert.throws(() => machine.readText('/proc/../../outside'), { code: 'ENOENT' });
    assert.deepEqual(machine.list('/proc'), ['meminfo']);
    assert.equal(typeof machine.inode('/proc/meminfo'), 'number');
  });

  it('S7 a captured machine gives no hints, no uevents and not the memory of this one', () => {
    const machine = machineOs({ root: join(folder, 'tree') });
    assert.deepEqual(
      machine.uevents(
        () => {},
        () => {},
      ),
      { unavailable: 'a captured machine gives no events' },
    );
    machine.watch('/proc/meminfo', () => assert.fail('a hint from a captured file'))();
    assert.throws(() => machine.totalMemoryBytes(), { code: 'HOTADD_UNREADABLE' });
    assert.equal(machine.cpus, 1);
  });

  it('S7 a captured file that is replaced is read anew, and writing makes no new files', () => {
    const machine = machineOs({ root: folder });
    writeFileSync(join(folder, 'limit'), '1000000\n');
    assert.equal(machine.readText('/limit'), '1000000\n');
    writeFileSync(join(folder, 'next'), '2\n');
    renameSync(join(folder, 'next'), join(folder, 'limit'));
    assert.equal(machine.readText('/limit'), '2\n');
    machine.writeText('/limit', '3');
    assert.equal(readFileSync(join(folder, 'limit'), 'utf8'), '3');
    assert.throws(() => machine.writeText('/none', '3'), { code: 'ENOENT' });
  });

  it('a slow write is like a quick one, beside the loop; what may be written is told before', async () => {
    const machine = machineOs({ root: folder });
    // Nobody reads from it yet: the write waits in the kernel, as a block does that goes offline.
    execFileSync('mkfifo', [join(folder, 'state')]);
    const written = machine.writeTextSlowly('/state', 'offline');
    assert.equal(await readFile(join(folder, 'state'), 'utf8'), 'offline');
    await written;
    await assert.rejects(machine.writeTextSlowly('/none', '3'), { code: 'ENOENT' });
    machine.mayWrite?.('/state');
    assert.throws(() => machine.mayWrite?.('/none'), { code: 'ENOENT' });
  });

  it('reads texts of every length, in whole characters', () => {
    const machine = machineOs();
    for (const length of [0, 1, 65_535, 65_536, 65_537, 300_000]) {
      const text = 'ü'.repeat(length);
      writeFileSync(join(folder, 'long'), text);
      assert.equal(machine.readText(join(folder, 'long')), text, `${length}`);
    }
  });

  it('reads what the kernel says now, again and again', { skip: linux }, () => {
    const machine = machineOs();
    assert.equal(machine.readText('/proc/self/mountinfo'), readFileSync('/proc/self/mountinfo', 'utf8'));
    const uptimes = new Set<string>();
    for (const untilMs = performance.now() + 10_000; uptimes.size < 2 && performance.now() < untilMs; ) {
      uptimes.add(machine.readText('/proc/uptime'));
    }
    assert.equal(uptimes.size, 2, 'a file held open tells the present');
    for (let round = 0; round < 3; round += 1) {
      assert.throws(() => machine.readText('/proc/self/none'), { code: 'ENOENT' });
    }
  });

  it('holds few files open, however many are read, and none of what is gone', { skip: linux }, async () => {
    const machine = machineOs();
    const open = () => machine.list('/proc/self/fd').length;
    const before = open();
    for (let dots = 0; dots < 200; dots += 1) machine.readText(`/proc/${'./'.repeat(dots)}version`);
    assert.ok(open() - before <= 64, `${open() - before} files`);
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
    const file = `/proc/${child.pid}/stat`;
    machine.readText(file);
    const withChild = open();
    child.stdin.end();
    await new Promise((resolve) => child.once('close', resolve));
    const withoutPipes = open();
    assert.throws(() => machine.readText(file), /ENOENT|ESRCH/);
    assert.ok(open() < withoutPipes && withoutPipes <= withChild, 'its file is closed');
  });

  it('reads files of /proc that come in several reads', { skip: linux }, async () => {
    const child = spawn(process.execPath, ['-e', "process.stdin.resume(); process.stdout.write('ready')"]);
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const file = `/proc/${child.pid}/maps`;
    const whole = readFileSync(file, 'utf8');
    const maps = machineOs().readText(file);
    child.kill();
    assert.ok(maps.length > 4096, 'longer than the page that one read gives');
    assert.equal(maps.split('\n').at(-2), whole.split('\n').at(-2));
  });

  it('S3 watch never throws: a file that is not there, a folder that vanishes, closing twice', () => {
    const machine = machineOs();
    machine.watch(join(folder, 'not-there'), () => {})();
    mkdirSync(join(folder, 'vanishes'));
    const stop = machine.watch(join(folder, 'vanishes'), () => {});
    rmSync(join(folder, 'vanishes'), { recursive: true });
    stop();
    stop();
  });

  it('S3 watch hints when a file is written', async () => {
    const machine = machineOs();
    const file = join(folder, 'watched');
    writeFileSync(file, '1');
    let stop = () => {};
    // A watch does not hold the loop open; the timer does, and ends the wait.
    const hinted = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 20_000);
      stop = machine.watch(file, () => {
        clearTimeout(timer);
        resolve(true);
      });
      writeFileSync(file, '2');
    });
    stop();
    assert.equal(hinted, true);
  });

  it("S3 neither a watch nor uevents nor an unref'ed timer keeps a process alive", () => {
    const program = `
      const { machineOs } = await import(${JSON.stringify(`${src}machine-os.ts`)});
      const { clockOs } = await import(${JSON.stringify(`${src}clock-os.ts`)});
      const machine = machineOs();
      machine.watch(${JSON.stringify(folder)}, () => {});
      machine.uevents(() => {}, () => {});
      clockOs({ keepAlive: false }).after(600_000, () => {});
      console.log('end of program');`;
    const options = { encoding: 'utf8', timeout: 30_000 } as const;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], options);
    assert.equal(said, 'end of program\n');
  });
});

describe('clock-os', () => {
  it('after(0) runs once, after what is waiting now, and can be cancelled', async () => {
    const clock = clockOs();
    const order: string[] = [];
    clock.after(0, () => order.push('cancelled'))();
    const ran = new Promise<void>((resolve) => clock.after(0, () => resolve(void order.push('after'))));
    order.push('now');
    await ran;
    assert.deepEqual(order, ['now', 'after']);
  });

  it('monotonic time never goes back, and a timer is not early', async () => {
    const clock = clockOs();
    const start = clock.monotonicMs();
    await new Promise<void>((resolve) => clock.after(20, resolve));
    assert.ok(clock.monotonicMs() - start >= 19, 'one millisecond is timer rounding');
    assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1_000);
  });

  it('a delay beyond what a timer can hold waits, it does not run at once', async () => {
    const clock = clockOs({ keepAlive: false });
    const cancel = clock.after(2 ** 40, () => assert.fail('ran at once'));
    await new Promise<void>((resolve) => clockOs().after(5, resolve));
    cancel();
  });
});
