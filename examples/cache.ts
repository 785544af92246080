// A cache that follows the memory of its container. Start it inside one and change the limit: it prints what
// it hears. `node examples/cache.ts` in this repository needs `npm run build` first.
// #region register
import { buffers, formatBytes, openPartition } from 'hotadd';
import { Thumbnails } from './thumbnails.ts';

const thumbnails = new Thumbnails();
const partition = await openPartition({ apply: true }); // the cgroup that this process runs in
const cache = buffers('thumbnails', {
  size: () => thumbnails.maxBytes,
  held: () => thumbnails.heldBytes,
  resize: (bytes) => thumbnails.setMaxBytes(bytes),
});
partition.register(cache, { max: { percent: 50 }, existing: true });
partition.onChange(({ cause }) => {
  console.log(`${cause}: ${formatBytes(partition.memory.usableBytes ?? 0)} are usable now`);
});
// #endregion

process.once('SIGINT', () => void partition.close());
