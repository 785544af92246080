// A cluster of HTTP servers whose heaps follow the memory of their container.
// #region cluster
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { getHeapStatistics } from 'node:v8';
import { openPartition } from 'hotadd';
import { leaveWhenAsked, openCluster, workers } from 'hotadd/workers';

if (cluster.isPrimary) {
  const set = await openCluster({ cluster, count: 2 });
  const partition = await openPartition({ apply: true, onOutcome: ({ report }) => console.log(report) });
  partition.register(workers('web', set), { existing: true });
} else {
  const server = createServer((_request, response) => {
    response.end(`a heap of ${getHeapStatistics().heap_size_limit} bytes`);
  });
  leaveWhenAsked(server);
  server.listen(Number(process.env.PORT ?? 8080));
}
// #endregion
