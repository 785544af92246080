// `hotadd memory`: how much memory there is, what binds, and what was added and is not online. It needs no
// agent and no configuration, changes nothing, and reads captured machines too.
import { statSync } from 'node:fs';
import { HotaddError } from '../core/errors.ts';
import { openPartition } from '../partition/open.ts';
import { type Command, EXIT, type Given, JSON_OPTION, PARTITION_OPTION } from './command.ts';
import { memoryText } from './memory-text.ts';

export const ROOT_OPTION = {
  form: '--root <folder>',
  summary: 'read a captured machine: all files below this folder',
};

export const memory: Command = {
  name: 'memory',
  summary: 'How much memory there is: present, online, usable, and what binds.',
  about:
    'Reads the kernel, and changes nothing. Usable is the smallest of what is online and every limit ' +
    'from the own cgroup up. Memory that is there and not online is named with the command that ' +
    'would bring it online.',
  examples: ['memory', 'memory --partition unit:redis.service --json'],
  arguments: [],
  options: [
    { ...PARTITION_OPTION, summary: `${PARTITION_OPTION.summary} (default: self)` },
    ROOT_OPTION,
    { form: '--verbose', summary: 'also say which hints of changes cannot be had here' },
    JSON_OPTION,
  ],
  run: async (given, output) => {
    const root = rootOf(given);
    const partition = await openPartition({
      partition: given.option('partition') ?? 'self',
      ...(root === null ? {} : { root }),
    });
    try {
      const { sensor } = partition;
      const seen = {
        ...partition.memory,
        offline: sensor.offlineBlocks(),
        hintsMissing: sensor.hintsMissing,
      };
      if (output.json) output.value('memory', seen);
      else for (const line of memoryText(seen, given.flag('verbose'), output)) output.line(line);
    } finally {
      await partition.close();
    }
    return EXIT.done;
  },
};

export function rootOf(given: Given): string | null {
  const root = given.option('root');
  if (root === null || statSync(root, { throwIfNoEntry: false })?.isDirectory()) return root;
  throw new HotaddError('HOTADD_BAD_USAGE', `there is no folder ${root}`, {
    place: '--root',
    mend: 'name a folder that holds proc and sys of a machine',
  });
}
