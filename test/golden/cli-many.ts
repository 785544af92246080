// Runs a list of command lines, given as JSON on stdin, one after another in this process, and prints for
// each what it wrote and its exit code. Only for those that end by themselves.
import { text } from 'node:stream/consumers';
import { runCommandLine } from '../../src/cli/command-line.ts';

const list = JSON.parse(await text(process.stdin)) as string[][];
const streams = { stdout: process.stdout, stderr: process.stderr } as const;
const write = process.stdout.write.bind(process.stdout);
const ran: object[] = [];
for (const words of list) {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    streams[name].write = (chunk: string | Uint8Array) => {
      said[name] += chunk.toString();
      return true;
    };
  }
  const code = await runCommandLine(words);
  ran.push({ code, ...said });
  for (const stream of Object.values(streams)) stream.removeAllListeners('error');
  for (const signal of ['SIGINT', 'SIGTERM']) process.removeAllListeners(signal);
}
write(JSON.stringify(ran));
