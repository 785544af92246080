// `hotadd resize`: a planned change of a cgroup's limit, or of the machine's memory. The agent carries it out
// where one applies; else this command does, as the one planner for as long as it takes.
import type { Config } from '../agent/config.ts';
import type { Outcome } from '../core/outcome.ts';
import { openPartition } from '../partition/open.ts';
import { findAgent, mustApply, type RunningAgent, withAgent } from './agent-door.ts';
import { wholePages } from './bytes-argument.ts';
import {
  CONFIG_OPTION,
  type Command,
  EXIT,
  type ExitCode,
  JSON_OPTION,
  PARTITION_OPTION,
} from './command.ts';
import { findConfig } from './config-place.ts';
import { stopSignal } from './output.ts';

export const APPLY_OPTION = {
  form: '--apply',
  summary: 'act even where no configuration says apply: true',
};

export const resize: Command = {
  name: 'resize',
  summary: 'A planned change: buffers first and the memory after, so that nobody is killed.',
  about:
    'Sets the limit of a cgroup, or takes memory blocks of a machine offline and brings added ones ' +
    'online. On a shrink each driver resizes down first, and the memory goes when real use has made ' +
    'room for that; if it cannot be had, settings are handed back and nothing has changed. On growth ' +
    'the memory comes first. A machine changes by whole memory blocks: the amount is rounded down to ' +
    'them, and what was reached is told. Needs apply: true in the configuration, or --apply.',
  examples: [
    'resize 2GiB',
    'resize 512MiB --partition unit:redis.service --apply',
    'resize 1.5GiB --partition machine --apply',
  ],
  arguments: [
    { form: '<bytes>', summary: 'the limit or MemTotal as it is to be, such as 512MiB; rounded down' },
  ],
  options: [
    { ...PARTITION_OPTION, summary: `${PARTITION_OPTION.summary} (default: as configured)` },
    CONFIG_OPTION,
    APPLY_OPTION,
    JSON_OPTION,
  ],
  run: async (given, output) => {
    const stop = stopSignal();
    const toBytes = wholePages('<bytes>', given.argument('<bytes>'));
    const { path, config: found } = await findConfig(given);
    const partition = given.option('partition');
    const config = partition === null ? found : { ...found, partition };
    const agent = await agentFor(config, partition);
    let outcome: Outcome;
    if (agent?.status.apply) {
      outcome = await agent.post<Outcome>('/v1/resize', { toBytes });
    } else {
      const applying = mustApply(config, path, given.flag('apply'));
      outcome = await withAgent({ config: applying, program: 'hotadd resize' }, stop, (opened) =>
        opened.resize(toBytes),
      );
    }
    if (output.json) output.value('outcome', outcome);
    else output.line(outcome.report);
    return exitOf(outcome);
  },
};

export function exitOf({ result }: Outcome): ExitCode {
  return result === 'done' ? EXIT.done : result === 'partly' ? EXIT.partly : EXIT.failed;
}

/** The agent that runs, if the partition that was named is its own. */
async function agentFor(config: Config, named: string | null): Promise<RunningAgent | null> {
  const agent = await findAgent(config);
  if (agent === null || named === null) return agent;
  const partition = await openPartition({ partition: named });
  const { identity } = partition;
  await partition.close();
  return identity === agent.status.partition ? agent : null;
}
