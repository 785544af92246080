// A whole program: a cache that follows the memory of its container. `node first.mjs`, and change the limit.
// #region all
import { buffers, formatBytes, openPartition } from 'hotadd';

const PAGE_BYTES = 16 * 1024;
const pages = new Map(); // a cache as most programs have one
let mostPages = 1000; // sized once, and wrong from then on; no more

const cache = buffers('pages', {
  size: () => mostPages * PAGE_BYTES,
  held: () => pages.size * PAGE_BYTES,
  resize: (bytes) => {
    mostPages = Math.floor(bytes / PAGE_BYTES);
    for (const page of [...pages.keys()].slice(0, Math.max(0, pages.size - mostPages))) pages.delete(page);
  },
});

const partition = await openPartition({ apply: true, onOutcome: ({ report }) => console.log(report) });
console.log(`${formatBytes(partition.memory.usableBytes ?? 0)} are usable in ${partition.identity}`);
partition.register(cache, { max: { percent: 50 }, existing: true });
// #endregion

process.once('SIGTERM', () => void partition.close());
