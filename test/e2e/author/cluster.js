// A clustered program of an author, for cluster.test.ts: each worker opens the cgroup that it runs in as one
// of so many. Workers say what came of each change; `fork` and `close` on the primary's channel are done.
// Argument: the number of workers.
import cluster from 'node:cluster';
import { buffers, openPartition } from 'hotadd';

const processes = Number(process.argv[2]);

async function work() {
  let size = 0;
  const resize = (bytes) => {
    size = bytes;
  };
  const tell = () => {
    const { applies, memory } = partition;
    process.send?.({ pid: process.pid, applies, size, usableBytes: memory.usableBytes });
  };
  const partition = await openPartition({ apply: true, processes, onOutcome: () => tell() });
  partition.register(buffers('pictures', { size: () => size, resize }), { existing: true });
  process.on('message', async (word) => {
    if (word !== 'close') return;
    await partition.close();
    process.disconnect();
  });
}

function fork() {
  cluster.fork().on('message', (said) => process.send?.(said));
}

if (cluster.isPrimary) {
  for (let count = 0; count < processes; count += 1) fork();
  process.on('message', (word) => {
    if (word === 'fork') return fork();
    for (const worker of Object.values(cluster.workers ?? {})) worker?.send('close');
    process.disconnect();
  });
} else await work();
