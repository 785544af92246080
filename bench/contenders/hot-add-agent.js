// Contender in a guest of the lab: the agent as built, with its Redis driver, told to say when the driver is
// called and when the change has ended. One JSON value a line; times are CLOCK_MONOTONIC, microseconds.
const dist = '/cargo/node_modules/hotadd/dist';
const { openAgent } = await import(`${dist}/agent/agent.js`);
const { readConfig } = await import(`${dist}/agent/config.js`);
const { DRIVERS } = await import(`${dist}/drivers/list.js`);

const nowUs = () => Number(process.hrtime.bigint() / 1000n);
const say = (value) => process.stdout.write(`${JSON.stringify({ atUs: nowUs(), ...value })}\n`);

function watched(driver) {
  const { resize } = driver;
  driver.resize = (...words) => {
    say({ called: driver.name });
    return resize.apply(driver, words);
  };
  return driver;
}

const kinds = DRIVERS.map((kind) => ({
  ...kind,
  open: (name, options) => watched(kind.open(name, options)),
}));
const agent = await openAgent({
  config: await readConfig(process.argv[2]),
  program: 'bench',
  kinds,
  onOutcome: ({ result, change, report }) => say({ ended: result, toBytes: change.toBytes, report }),
});
await agent.firstPass();
say({ ready: agent.partition.identity });
