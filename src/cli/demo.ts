// `hotadd demo`: memory modules come and go on a simulated machine, and two real caches of this process
// follow. Nothing outside this process is touched. It is a check too: if RSS does not follow, it fails.
import { type Command, EXIT, JSON_OPTION } from './command.ts';
import { stepText } from './demo-steps.ts';

export const demo: Command = {
  name: 'demo',
  summary: 'Memory modules come and go, and two real caches follow: a story of a few seconds.',
  about:
    'The machine is simulated; the code that senses, plans, resizes and proves is the real one, and so is ' +
    'the memory of the caches. Needs no root, no server and no configuration, and touches nothing outside ' +
    'its own process. Fails when the memory of the process does not follow.',
  examples: ['demo'],
  arguments: [],
  options: [{ ...JSON_OPTION, summary: 'print each step as JSON, one value a line' }],
  run: async (_given, output) => {
    // Nobody reads any more: nothing here has to be brought to an end.
    output.unread.addEventListener('abort', () => process.exit(EXIT.done), { once: true });
    const { playDemo } = await import('./demo-story.ts');
    const startedMs = performance.now();
    const passed = await playDemo((step) => {
      const atMs = Math.round(performance.now() - startedMs);
      if (output.json) return output.value('demo', { atMs, ...step });
      const [first = '', ...more] = stepText(step);
      output.line(step.step === 'scene' ? first : emphasize(first));
      for (const line of more) output.line(step.step === 'scene' ? output.style('bold', line) : line);
    });
    return passed ? EXIT.done : EXIT.failed;

    function emphasize(line: string): string {
      return output.style('cyan', line.slice(0, 10)) + line.slice(10);
    }
  },
};
