// The same program, told by hotadd when memory changes. The cache gets what the plan gives it.
import { buffers, openPartition } from 'hotadd';

let cacheBytes = 0;
const partition = await openPartition({ apply: true });
const cache = buffers('cache', {
  size: () => cacheBytes,
  resize: (bytes) => {
    cacheBytes = bytes;
  },
});
partition.register(cache, { max: { percent: 25 }, existing: true });
setInterval(() => console.log(`cache: ${cacheBytes} bytes`), 100);
