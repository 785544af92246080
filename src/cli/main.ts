// The command `hotadd`: what the shell starts. The command line itself is in command-line.ts.
import { runCommandLine } from './command-line.ts';
import { fail } from './failure.ts';
import { Output } from './output.ts';

/** A driver's connection that does not close must not keep a finished command alive. */
const LINGER_MS = 2_000;

const words = process.argv.slice(2);
// An error out of a callback is one error like any other, and the end.
process.on('uncaughtException', (error) => process.exit(fail(error, new Output(words.includes('--json')))));
process.exitCode = await runCommandLine(words);
setTimeout(() => process.exit(), LINGER_MS).unref();
