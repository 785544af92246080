// Contender: what an author writes without hotadd. fs.watch on the limit file, the file read again, and a
// function called with the number.
import { readFileSync, watch } from 'node:fs';

const [limitFile = ''] = process.argv.slice(2);
let bytes = 0;
let calledNs = 0n;

function resize(asked: number): void {
  calledNs = process.hrtime.bigint();
  bytes = asked;
}

watch(limitFile, () => {
  const limit = Number(readFileSync(limitFile, 'utf8'));
  if (limit === bytes) return;
  resize(limit);
  process.stdout.write(`${calledNs}\n`);
});
process.stdout.write('ready\n');
