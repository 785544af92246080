// `hotadd watch` on a copy of a captured machine whose files are written by the test, and on a reader that
// goes away.
import assert from 'node:assert/strict';
import { cpSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MACHINES, ownFolder, type Started, startCli } from '../golden/cli-process.ts';
import { ROOT } from '../repository.ts';

const GROUP = 'sys/fs/cgroup/app';
const home = ownFolder();

/** A machine of 2 GiB with the cgroup /app: memory.max 1 GiB, memory.high 512 MiB. */
function copyOfMachine(tree = 'x86_64-2g-v2-high-binds'): string {
  const folder = join(ownFolder(), 'machine');
  cpSync(join(ROOT, MACHINES, tree), folder, { recursive: true });
  return folder;
}

function watchOf(folder: string, ...more: readonly string[]): Started {
  return startCli(['watch', '--root', folder, ...more], { home });
}

test('watch: says memory as it is, then each change of a limit, and ends with 0 at SIGINT', async () => {
  const folder = copyOfMachine();
  const watch = watchOf(folder);
  await watch.until(/usable 512 MiB \(memory\.high of \/app\)/);
  writeFileSync(join(folder, GROUP, 'memory.high'), 'max\n');
  await watch.until(/\+512 MiB \(512 MiB -> 1 GiB\), memory\.high of \/app/);
  writeFileSync(join(folder, GROUP, 'memory.max'), `${768 * 2 ** 20}\n`);
  await watch.until(/-256 MiB \(1 GiB -> 768 MiB\), memory\.max of \/app/);
  watch.child.kill('SIGINT');
  const { code, stderr } = await watch.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('watch: as JSON each line is a value with its change and memory as read then', async () => {
  const folder = copyOfMachine();
  const watch = watchOf(folder, '--json');
  await watch.until(/"what":"present"/);
  writeFileSync(join(folder, GROUP, 'memory.high'), `${256 * 2 ** 20}\n`);
  await watch.until(/"what":"change".*\n/);
  watch.child.kill('SIGTERM');
  const { code, stdout } = await watch.ended;
  assert.equal(code, 0);
  const [present, change] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual([present.schema, present.v, present.change], ['hotadd.watch/1', 1, null]);
  assert.deepEqual(
    [change.change.kind, change.change.fromBytes, change.change.toBytes, change.memory.usableBytes],
    ['shrink', 512 * 2 ** 20, 256 * 2 ** 20, 256 * 2 ** 20],
  );
});

test('watch: memory that is added and not online is said at the start, with the command', async () => {
  const watch = watchOf(copyOfMachine('x86_64-2g-offline-blocks'));
  await watch.until(/not online: 4 blocks; as root:\n {2}for n in [^\n]+\n[^\n]+\n {2}done\n/);
  watch.child.kill('SIGINT');
  assert.equal((await watch.ended).code, 0);
});

test('watch: a partition that goes ends it with 1 and says so', async () => {
  const folder = copyOfMachine();
  const watch = watchOf(folder);
  await watch.until(/usable/);
  renameSync(join(folder, GROUP), join(folder, 'gone'));
  const { code, stderr } = await watch.ended;
  assert.equal(code, 1);
  assert.match(stderr, /^hotadd: cgroup:\/app@\d+: the partition is gone\n$/);
});

test('watch: a reader that goes away ends it quietly', async () => {
  const folder = copyOfMachine();
  const watch = watchOf(folder);
  await watch.until(/usable/);
  watch.child.stdout?.destroy();
  // It notices when it writes again.
  writeFileSync(join(folder, GROUP, 'memory.high'), 'max\n');
  const { code, stderr } = await watch.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});
