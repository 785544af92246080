// The lab itself: what it leaves behind, what it does when something is wrong, and that a saved guest goes on
// where it was.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache.ts';
import { type LabError, lab } from './index.ts';

const missing = lab.missing();
const real = { skip: missing === null ? false : `real suite: ${missing}` };
const MiB = 1024 ** 2;

test('lab: a killed test leaves no QEMU behind', real, async () => {
  const index = fileURLToPath(new URL('index.ts', import.meta.url));
  const program =
    `const { lab } = await import(${JSON.stringify(index)});` +
    'const vm = await lab.open({ hotadd: false }); console.log(vm.pid); setInterval(() => {}, 1e6);';
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const qemu = `/proc/${Number(line.toString())}`;
  assert.ok(existsSync(qemu), `${line}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  while (isAlive(qemu)) await new Promise((resolve) => setTimeout(resolve, 10));
});

test('lab: a guest that is closed is gone, and says so to who asks it', real, async () => {
  const vm = await lab.open({ hotadd: false });
  const process = await vm.start(['sleep', '1000']);
  await vm.close();
  assert.equal(isAlive(`/proc/${vm.pid}`), false);
  await assert.rejects(vm.read('/proc/meminfo'), /the guest has been closed/);
  await assert.rejects(process.end(), /the guest has been closed/);
});

test('lab: who waits for the guest to let go of a module hears that it is closed', real, async () => {
  const vm = await lab.open({ hotadd: false, online: 'online_movable' });
  const module = await vm.addModule(128 * MiB);
  // A guest that stands still says nothing to the platform.
  await vm.qmp.run('stop');
  const removal = assert.rejects(vm.removeModule(module), /the guest has been closed/);
  await vm.close();
  await removal;
});

test(
  'lab: a prepared guest goes on where it was saved, with all that its programs printed',
  real,
  async (t) => {
    const prepared = {
      name: 'a program that counts',
      prepare: async (vm: Awaited<ReturnType<typeof lab.open>>) => {
        const line = 'read n; echo "$n"; while read n; do echo "$n"; done';
        const counting = await vm.start(['sh', '-c', `mkfifo /tmp/in; (${line}) <> /tmp/in`]);
        await vm.until(
          'the pipe is there',
          () => vm.list('/tmp'),
          (names) => names.includes('in'),
        );
        await vm.shell('echo before > /tmp/in');
        await counting.match(/before/);
        await vm.write('/tmp/pid', String(counting.pid));
      },
    };
    for (let time = 1; time <= 2; time += 1) {
      const vm = await lab.open({ hotadd: false, prepared });
      t.after(() => vm.close());
      const counting = vm.process(Number(await vm.read('/tmp/pid')));
      assert.equal(counting.stdout, 'before\n');
      await vm.shell('echo after > /tmp/in');
      await counting.match(/after/);
      await vm.close();
    }
  },
);

test('lab: a guest that cannot be prepared is closed, and nothing is saved', real, async () => {
  const seen: { pid?: number } = {};
  const prepare = async (vm: Awaited<ReturnType<typeof lab.open>>) => {
    seen.pid = vm.pid;
    throw new Error('it does not start');
  };
  const prepared = { name: 'nothing', prepare };
  await assert.rejects(lab.open({ hotadd: false, prepared }), /it does not start/);
  assert.equal(isAlive(`/proc/${seen.pid}`), false);
  await assert.rejects(lab.open({ hotadd: false, prepared }), /it does not start/, 'and not taken for made');
});

test('lab: a saved state that cannot be used is thrown away, and the guest boots', real, async (t) => {
  const whole = cacheFolder();
  const vm = await lab.open({ hotadd: false });
  await vm.close();
  useOwnCache(t, whole);
  const states = () => readdirSync(cacheFolder()).filter((name) => name.startsWith('state-'));
  const saved = await lab.open({ hotadd: false });
  await saved.close();
  const [state] = states();
  assert.ok(state);
  truncateSync(join(cacheFolder(), state, 'memory'), 1 * MiB);
  const again = await lab.open({ hotadd: false });
  t.after(() => again.close());
  assert.ok((await again.memTotalBytes()) > 300 * MiB);
  assert.deepEqual(states(), []);
});

test('lab: a guest that does not come up is an error that ends with its last words', real, async () => {
  // Not a Node at all: it ends at once, where the door should stay open.
  const opened = lab.open({ node: '/bin/true', fresh: true, hotadd: false });
  await assert.rejects(opened, ({ message }: LabError) => {
    assert.match(message, /^QEMU ended/);
    assert.match(
      message,
      /the guest's console ends with:\n(?: {2}\| .*\n)* {2}\| lab: the door ended with 0/,
    );
    return true;
  });
});

test('lab: what is not there is named, with the mend', real, async () => {
  await assert.rejects(lab.open({ kernel: '/nowhere' }), /no boot\/vmlinuz-\* in it\nmend: name `stable`/);
  await assert.rejects(lab.open({ programs: ['no-such-server'] }), /no-such-server is not on this machine/);
  await assert.rejects(
    lab.open({ folders: { app: '/no/such/folder' } }),
    /\/no\/such\/folder cannot be read/,
  );
  await assert.rejects(lab.open({ folders: { '../x': '.' } }), /"\.\.\/x" is no place in \/cargo/);
  await assert.rejects(lab.open({ node: '/nowhere/node' }), /program \/nowhere\/node is not on this machine/);
  await assert.rejects(
    lab.open({ online: 'movable' as 'online' }),
    /"movable"\nmend: one of offline, online/,
  );
  const misspelt: object = { program: ['redis-server'] };
  await assert.rejects(lab.open(misspelt), /no option "program"\nmend: one of topology, /);
  const wrong = 'nothing' as 'modules';
  await assert.rejects(lab.open({ topology: wrong }), /no topology "nothing"\nmend: one of modules, /);
});

test('lab: a module that cannot be is refused, by the lab or in the words of QEMU', real, async (t) => {
  const vm = await lab.open({ hotadd: false });
  t.after(() => vm.close());
  for (const bytes of [-1, 0, Number.NaN, 192 * MiB]) {
    await assert.rejects(
      vm.addModule(bytes),
      /no whole memory blocks\nmend: give a multiple of 134217728: 128 MiB/,
    );
  }
  await assert.rejects(vm.addModule(128 * MiB, { node: 7 }), /QEMU refuses device_add: .*node/i);
  const before = await vm.memTotalBytes();
  await vm.addModule(128 * MiB);
  assert.equal(await vm.memTotalBytes(), before + 128 * MiB);
});

test('lab: files and programs of the guest', real, async (t) => {
  const vm = await lab.open({ hotadd: false });
  t.after(() => vm.close());
  const long = 'a line with ünïcode\n'.repeat(4_000);
  await vm.write('/tmp/long', long);
  assert.equal(await vm.read('/tmp/long'), long);
  const { code, stdout, stderr } = await vm.run(['sh', '-c', 'cat; echo err >&2; exit 3'], { input: 'in' });
  assert.deepEqual([code, stdout, stderr], [3, 'in', 'err\n']);
  await assert.rejects(vm.shell('echo why >&2; exit 4'), /ended with 4: why/);
  await assert.rejects(vm.read('/no/such'), { code: 'ENOENT', message: /read \/no\/such/ });
  const sleeping = await vm.start(['sleep', '1000']);
  await sleeping.kill('SIGTERM');
  assert.deepEqual(await sleeping.end(), { code: null, signal: 'SIGTERM' });
  const failing = await vm.start(['sh', '-c', 'echo half; exit 1']);
  await assert.rejects(failing.match(/whole/), /ended without printing \/whole\/ \(1\)\nit printed:\nhalf/);
  const adjust = await vm.shell('cat /proc/self/oom_score_adj');
  assert.equal(adjust.trim(), '0', 'programs are ordinary to the OOM killer');
});

function isAlive(path: string): boolean {
  return existsSync(path);
}

/** A cache of the test's own, in which the slow things (kernel, disks) are those of the real one. */
function useOwnCache(t: TestContext, whole: string): void {
  const own = mkdtempSync(join(tmpdir(), 'hotadd-lab-'));
  for (const name of readdirSync(whole)) {
    if (/^(?:kernel|disk|initramfs|apt)-/.test(name)) symlinkSync(join(whole, name), join(own, name));
  }
  const before = process.env.HOTADD_LAB_CACHE;
  process.env.HOTADD_LAB_CACHE = own;
  writeFileSync(join(own, 'CACHEDIR.TAG'), '');
  t.after(() => {
    if (before === undefined) delete process.env.HOTADD_LAB_CACHE;
    else process.env.HOTADD_LAB_CACHE = before;
    rmSync(own, { recursive: true, force: true });
  });
}
