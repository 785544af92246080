// Threads of Piscina whose heaps follow the memory of their container.
// #region pool
import { openPartition } from 'hotadd';
import { openPiscina, workers } from 'hotadd/workers';
import { Piscina } from 'piscina';

const filename = new URL('./thumbnail.ts', import.meta.url).href;
const pool = await openPiscina({
  open: (given) => new Piscina({ filename, ...given }), // hotadd gives the threads and their resourceLimits
  count: 4,
});
const partition = await openPartition({ apply: true, onOutcome: ({ report }) => console.log(report) });
partition.register(workers('thumbnails', pool.workers), { existing: true });

const thumbnail = await pool.run({ width: 320 }); // as on a Piscina
// #endregion
console.log(`made one of ${thumbnail.length} bytes`);

process.once('SIGTERM', async () => {
  await partition.close();
  await pool.close();
});
