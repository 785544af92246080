// A loop that does nothing but measure how late it is: what the machine itself does to a process in the same
// minutes. `forget` and `look` on its standard input.
import { createInterface } from 'node:readline';
import { Lag } from '../lag.ts';

const lag = new Lag();
createInterface({ input: process.stdin }).on('line', (word) => {
  if (word === 'forget') lag.forget();
  else console.log(JSON.stringify(lag.figures));
});
console.log('{}');
