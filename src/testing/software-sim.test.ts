// Software on a simulated machine: who is killed when memory is short, and that what is counted is what a
// count over all processes gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomSim } from './random-sim.ts';
import { type KillSim, SoftwareSim } from './software-sim.ts';

function softwareOn(onlineBytes: number) {
  const machine = { onlineBytes, otherBytes: 0 };
  const software = new SoftwareSim({
    onlineBytes: () => machine.onlineBytes,
    otherBytes: () => machine.otherBytes,
    monotonicMs: () => 1234,
  });
  const kills: KillSim[] = [];
  software.onKill = (kill) => kills.push(kill);
  const run = (name: string, bytes: number, cgroup = '/') => {
    const process = software.run(name, cgroup);
    process.use(bytes);
    return process;
  };
  const told = () => kills.map(({ process, level, cause }) => `${process.name}, ${level}, ${cause}`);
  return { machine, software, run, told, kills };
}

test('software: a process has a number of its own and the time of its start', () => {
  const { run } = softwareOn(1000);
  const [one, two] = [run('one', 10), run('two', 20)];
  assert.notEqual(one.pid, two.pid);
  assert.equal(one.startTicks, 123);
});

test('software: all of memory may be used, and one byte more kills the largest', () => {
  const { software, run, told } = softwareOn(1000);
  const [small, large] = [run('small', 400), run('large', 600)];
  assert.equal(software.usedBytes, 1000);
  small.use(401);
  assert.deepEqual(told(), ['large, machine, use']);
  assert.deepEqual([small.alive, large.alive, software.usedBytes], [true, false, 401]);
});

test('software: whoever asks for too much is killed itself when it is the largest', () => {
  const { run, told, kills } = softwareOn(1000);
  const greedy = run('greedy', 10);
  run('other', 300);
  greedy.use(2000);
  assert.deepEqual(told(), ['greedy, machine, use']);
  assert.deepEqual([greedy.usedBytes, kills[0]?.bytes], [0, 2000]);
});

test('software: less memory kills the largest until the rest fits', () => {
  const { machine, software, run, told } = softwareOn(1000);
  for (const bytes of [100, 300, 200, 250]) run(`${bytes}`, bytes);
  machine.onlineBytes = 320;
  software.pressed();
  assert.deepEqual(told(), ['300, machine, less memory', '250, machine, less memory']);
  assert.equal(software.usedBytes, 300);
});

test('software: where nobody is left to kill, what is used beside the processes stays', () => {
  const { machine, software, run } = softwareOn(1000);
  run('one', 100);
  machine.otherBytes = 1200;
  software.othersMoved();
  assert.deepEqual([software.processes.size, software.usedBytes], [0, 1200]);
});

test('software: a limit kills the largest below it, and nobody beside it', () => {
  const { software, run, told } = softwareOn(10_000);
  software.cgroup('/app', 500);
  software.cgroup('/app/web', 'max');
  software.cgroup('/apple', 'max');
  run('beside', 9000);
  run('alike', 400, '/apple');
  run('own', 100, '/app');
  const web = run('web', 300, '/app/web');
  web.use(401);
  assert.deepEqual(told(), ['web, /app, use']);
  assert.equal(software.cgroups.get('/app')?.usedBytes, 100);
});

test('software: a nested limit kills within it, also where the one above has room', () => {
  const { software, run, told } = softwareOn(10_000);
  software.cgroup('/app', 5000);
  software.cgroup('/app/web', 500);
  run('own', 4000, '/app');
  run('web', 501, '/app/web');
  assert.deepEqual(told(), ['web, /app/web, use']);
});

test('software: a kill counts where the process was and at each level above, whoever was short', () => {
  const { machine, software, run } = softwareOn(1000);
  const app = software.cgroup('/app', 'max');
  const web = software.cgroup('/app/web', 200);
  const beside = software.cgroup('/beside', 'max');
  run('one', 201, '/app/web');
  run('two', 150, '/app/web');
  machine.onlineBytes = 100;
  software.pressed();
  assert.deepEqual([app.kills, web.kills, beside.kills, software.kills], [2, 2, 0, 2]);
});

test('software: a limit that is lowered kills at once, and one that is raised kills nobody', () => {
  const { software, run, told } = softwareOn(10_000);
  const app = software.cgroup('/app', 500);
  run('web', 400, '/app');
  app.maxBytes = 600;
  app.highBytes = 100;
  assert.deepEqual(told(), []);
  app.maxBytes = 399;
  assert.deepEqual(told(), ['web, /app, less memory']);
});

test('software: a cgroup that is made around processes counts what they use', () => {
  const { software, run } = softwareOn(1000);
  const web = run('web', 300, '/app/web');
  const app = software.cgroup('/app', 'max');
  assert.equal(app.usedBytes, 300);
  web.end();
  assert.equal(app.usedBytes, 0);
  assert.equal(software.cgroup('/app', 200), app, 'one that is there gets the limit');
  assert.equal(app.maxBytes, 200);
});

test('software: a cgroup goes with what is in it and below', () => {
  const { software, run, told } = softwareOn(1000);
  software.cgroup('/app', 'max');
  software.cgroup('/app/web', 'max');
  const [web, other] = [run('web', 100, '/app/web'), run('other', 100)];
  software.removeCgroup('/app');
  assert.deepEqual([web.alive, other.alive, software.cgroups.size], [false, true, 0]);
  assert.deepEqual([software.usedBytes, told()], [100, []]);
});

test('software: a process that has ended uses nothing, whatever it asks for', () => {
  const { software, run } = softwareOn(1000);
  const one = run('one', 100);
  one.end();
  one.end();
  one.use(500);
  assert.deepEqual([one.usedBytes, software.usedBytes, software.processes.size], [0, 0, 0]);
});

const PATHS = ['/', '/a', '/a/b', '/a/b/c', '/d'];

test('software: after any sequence it has counted what is used, and nothing is over its limit', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = new RandomSim(seed);
    const { machine, software, run } = softwareOn(10_000);
    for (let step = 0; step < 300; step += 1) {
      const processes = [...software.processes.values()];
      const path = random.pick(PATHS.slice(1));
      const act = random.between(0, 6);
      if (act === 0) run(`${step}`, random.between(0, 2000), random.pick(PATHS));
      else if (act === 1) software.cgroup(path, random.pick(['max', 500, 2000, 8000]));
      else if (act === 2) software.removeCgroup(path);
      else if (act === 3) {
        machine.onlineBytes = random.between(2000, 10_000);
        software.pressed();
      } else if (processes.length > 0) {
        const process = random.pick(processes);
        if (act === 4) process.end();
        else process.use(random.between(0, 3000));
      }
      check(software, machine.onlineBytes, `seed ${seed}, step ${step}`);
    }
  }
});

function check(software: SoftwareSim, onlineBytes: number, where: string): void {
  const processes = [...software.processes.values()];
  const sum = (of: typeof processes) => of.reduce((total, { usedBytes }) => total + usedBytes, 0);
  assert.equal(software.usedBytes, sum(processes), where);
  assert.ok(software.usedBytes <= onlineBytes, where);
  for (const { path, usedBytes, maxBytes } of software.cgroups.values()) {
    const below = processes.filter(({ cgroup }) => `${cgroup}/`.startsWith(`${path}/`));
    assert.equal(usedBytes, sum(below), `${where}, ${path}`);
    assert.ok(maxBytes === 'max' || usedBytes <= maxBytes, `${where}, ${path}`);
  }
}
