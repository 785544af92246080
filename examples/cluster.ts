// A cluster whose workers share the memory of one container. `node examples/cluster.ts` in this repository
// needs `npm run build` first.
// #region cluster
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import { buffers, openPartition } from 'hotadd';
import { Thumbnails } from './thumbnails.ts';

const processes = availableParallelism();
if (cluster.isPrimary) {
  for (let count = 0; count < processes; count += 1) cluster.fork();
} else {
  const thumbnails = new Thumbnails();
  const resize = (bytes: number) => thumbnails.setMaxBytes(bytes);
  const cache = buffers('thumbnails', { size: () => thumbnails.maxBytes, resize });
  const partition = await openPartition({ apply: true, processes });
  partition.register(cache, { existing: true });
}
// #endregion
