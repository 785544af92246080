// Does a program follow when memory is added to the machine it runs on? PROGRAM names its file.
import { test } from 'node:test';
import { lab } from 'hotadd/lab';

const file = process.env.PROGRAM ?? 'cache-once.js';

test(`${file}: its cache grows when a memory module is added`, async (t) => {
  const vm = await lab.open();
  t.after(() => vm.close());
  const program = await vm.start({ file });
  const [, before] = await program.match(/cache: ([1-9]\d*) bytes/);

  await vm.addModule(1024 ** 3);
  const seen = program.stdout.length;

  const wanted = 2 * Number(before);
  await vm.until(
    'the cache has at least doubled',
    async () => /cache: (\d+) bytes\n$/.exec(program.stdout.slice(seen))?.[1],
    (now) => Number(now) >= wanted,
    { timeoutMs: 5_000 },
  );
});
