// The program of author.test.ts in CommonJS: every part of the package is required, none is imported.
const { HotaddError, openPartition } = require('hotadd');
const { checkDriver, MachineSim, ClockSim } = require('hotadd/testing');
const { LabError } = require('hotadd/lab');
const { follow } = require('./follow.js');

async function main() {
  try {
    checkDriver(() => undefined, { smallBytes: 1, largeBytes: 1 });
  } catch (error) {
    if (!(error instanceof HotaddError)) throw new Error('hotadd/testing has a HotaddError of its own');
  }
  if (!(LabError.prototype instanceof Error)) throw new Error('hotadd/lab is not whole');
  const clock = new ClockSim();
  const machine = new MachineSim({ bootBytes: 2 ** 30 });
  const simulated = await openPartition({ partition: 'machine', machine, clock });
  if (simulated.memory.usableBytes !== 2 ** 30) throw new Error('the simulated machine is not read');
  await clock.until(simulated.close());
  await follow(...process.argv.slice(2));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
