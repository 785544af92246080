// The program of author.test.ts as a module, also of a worker thread, and as what bundlers begin with.
import { follow } from './follow.js';

follow(...process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
