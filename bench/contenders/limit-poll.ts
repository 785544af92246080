// Contender: the limit file read once a second.
import { readFileSync } from 'node:fs';

const [limitFile = ''] = process.argv.slice(2);
let last = readFileSync(limitFile, 'utf8');

setInterval(() => {
  const text = readFileSync(limitFile, 'utf8');
  if (text === last) return;
  last = text;
  process.stdout.write(`${process.hrtime.bigint()}\n`);
}, 1_000);
process.stdout.write('ready\n');
