// Contender: the agent as `hotadd run` keeps it, on a cgroup, from compiled JavaScript as it is shipped.
// Arguments: the folder of the compiled sources, a folder for its state, the cgroup, `apply` or `observe`,
// and `driver` for one driver of this process. Says `ready`, then what it has used each time it is asked.
import { createInterface } from 'node:readline';

const [compiled, folder, cgroup, apply, driver] = process.argv.slice(2);
const { openAgent } = await import(`${compiled}/agent/agent.js`);
const config = {
  version: 1,
  partition: `cgroup:${cgroup}`,
  apply: apply === 'apply',
  online: 'off',
  reserve: null,
  stateFolder: `${folder}/state`,
  runFolder: `${folder}/run`,
  onDrift: 'report',
  drivers: [],
};
const agent = await openAgent({ config, program: 'bench' });
if (driver === 'driver') {
  const { buffers } = await import(`${compiled}/buffers/buffers.js`);
  let size = 0;
  const resize = (bytes) => {
    size = bytes;
  };
  agent.partition.register(buffers('bench', { size: () => size, resize }), { existing: true });
}
process.stdout.write('ready\n');
for await (const _ of createInterface({ input: process.stdin })) {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${user + system} ${process.memoryUsage.rss()}\n`);
}
