// Opens a partition and closes it, for close.test.ts, and tells as one line of JSON what is left of it:
// active resources and open files, before and after. Arguments: the case, the partition, the file of its
// limit.
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { buffers, openPartition } from 'hotadd';

const [what, partition, limitFile] = process.argv.slice(2);
const MiB = 2 ** 20;

/** What the file descriptors of this process are, those of its loop left out. */
function files() {
  const names = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return names.filter(
    (name) => !/^(?:anon_inode:\[(?:eventpoll|eventfd|io_uring)|\/proc\/\d+\/fd)/.test(name),
  );
}

const left = () => ({ active: process.getActiveResourcesInfo().sort(), files: files().sort() });

function driver(resize) {
  return buffers('pictures', { size: () => 0, resize });
}

const CASES = {
  quiet: async (opened) => {
    opened.register(driver(() => {}));
    opened.onChange(() => {});
    await opened.plan();
  },
  'in the middle of a change': async (opened) => {
    const asked = new Promise((resolve) => {
      opened.register(driver(() => new Promise((done) => setTimeout(done, 50, resolve()))));
    });
    writeFileSync(limitFile, `${512 * MiB}`);
    await asked;
  },
  'while a driver hangs': async (opened) => {
    const asked = new Promise((resolve) => {
      opened.register(driver(() => new Promise(() => resolve())));
    });
    writeFileSync(limitFile, `${512 * MiB}`);
    await asked;
  },
  'from inside a listener': (opened) =>
    new Promise((resolve) => {
      opened.onChange(() => {
        void opened.close();
        resolve();
      });
      writeFileSync(limitFile, `${512 * MiB}`);
    }),
};

/** Opening that fails: what was opened until then is closed. */
const FAILURES = {
  'there is no partition': () => openPartition({ partition: `${partition}/nowhere` }),
  'another planner applies': async () => {
    const first = await openPartition({ partition, apply: true });
    try {
      await openPartition({ partition, apply: true });
    } finally {
      await first.close();
    }
  },
  'the journal cannot be opened': () => {
    const journal = () => Promise.reject(new Error('no disk'));
    return openPartition({ partition, apply: true, journal });
  },
};

async function openAndClose() {
  const failure = FAILURES[what];
  if (failure !== undefined)
    return failure().then(
      () => 'opened',
      (error) => error.code ?? error.message,
    );
  const opened = await openPartition({ partition, apply: true, reserve: 0 });
  await CASES[what](opened);
  await Promise.all([opened.close(), opened.close()]);
  await opened[Symbol.asyncDispose]();
  return 'closed';
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

async function main() {
  // What is loaded or opened once for all stays, streams of the process among it: the second time shows what
  // one partition leaves.
  if (process.stdout.destroyed || process.stderr.destroyed) throw new Error('nobody listens');
  await (await openPartition({ partition, apply: true })).close();
  await turn();
  const before = left();
  const said = await openAndClose();
  // Handles are closed in one of the next turns of the loop.
  let after = left();
  for (let turns = 0; turns < 20 && JSON.stringify(after) !== JSON.stringify(before); turns += 1) {
    await turn();
    after = left();
  }
  console.log(JSON.stringify({ said, before, after }));
}

main();
