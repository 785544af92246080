// Contender: a program that uses the library, from compiled JavaScript as it is shipped: one partition that
// applies, one driver, one listener. Arguments: the folder of the compiled sources, the cgroup. Says `ready`,
// then what it has used each time it is asked.
import { createInterface } from 'node:readline';

const [compiled, cgroup] = process.argv.slice(2);
const { buffers, openPartition } = await import(`${compiled}/index.js`);
let size = 0;
const resize = (bytes) => {
  size = bytes;
};
const partition = await openPartition({ partition: `cgroup:${cgroup}`, apply: true, program: 'bench' });
partition.register(buffers('bench', { size: () => size, resize }), { existing: true });
partition.onChange(() => {});
process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${user + system} ${process.memoryUsage.rss()}\n`);
}
