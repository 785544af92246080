// Contender: hotadd as a library. A partition on the cgroup given, one driver of this process; says when
// the driver's resize was called, once the change is over and the partition is idle again.
import { buffers, openPartition } from '../../src/index.ts';

const [cgroup = ''] = process.argv.slice(2);
let bytes = 0;
let calledNs = 0n;

const partition = await openPartition({
  partition: `cgroup:${cgroup}`,
  apply: true,
  program: 'bench',
  onOutcome: ({ change, answers }) => {
    if (answers.length > 0) process.stdout.write(`${calledNs} ${change.kind === 'shrink' ? -1 : 1}\n`);
  },
});
const driver = buffers('bench', {
  size: () => bytes,
  resize: (asked) => {
    calledNs = process.hrtime.bigint();
    bytes = asked;
  },
});
partition.register(driver, { existing: true });
