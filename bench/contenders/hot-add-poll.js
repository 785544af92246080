// Contender in a guest of the lab: software that looks at MemTotal every so often. One timer of a second, and
// ten of a minute that begin six seconds apart, so that a module meets them at any moment of their minute.
import { readFileSync } from 'node:fs';

const nowUs = () => Number(process.hrtime.bigint() / 1000n);

function poll(name, everyMs) {
  const look = () => {
    const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]) * 1024;
    process.stdout.write(`${JSON.stringify({ name, atUs: nowUs(), total })}\n`);
  };
  look();
  setInterval(look, everyMs);
}

poll('1 s', 1_000);
for (let phase = 0; phase < 10; phase += 1) setTimeout(() => poll(`60 s, ${phase}`, 60_000), phase * 6_000);
