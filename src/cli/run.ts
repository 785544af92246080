// `hotadd run`: the agent. It keeps a partition open with its drivers and its API, and logs a line for each
// outcome.
import type { Agent } from '../agent/agent.ts';
import type { Api } from '../agent/api.ts';
import { messageOf } from '../core/errors.ts';
import type { Outcome } from '../core/outcome.ts';
import { CONFIG_OPTION, type Command, EXIT, JSON_OPTION } from './command.ts';
import { needConfig } from './config-place.ts';
import { lowerOomScore } from './oom-score.ts';
import { aborted, type Output, stopSignal } from './output.ts';

export const run: Command = {
  name: 'run',
  summary: 'The agent: follows memory, and resizes what the configuration names.',
  about:
    'Logs one line for each change, until SIGINT or SIGTERM. Sizes stay as they are when it ends. With ' +
    'apply: false, the default of the configuration, it plans and reports and touches nothing.',
  examples: ['run --config /etc/hotadd/hotadd.yaml'],
  arguments: [],
  options: [CONFIG_OPTION, { ...JSON_OPTION, summary: 'log JSON, one value a line' }],
  run: async (given, output) => {
    const stop = stopSignal();
    const { path, config } = await needConfig(given);
    const { openAgent } = await import('../agent/agent.ts');
    lowerOomScore();
    const log = new Log(output);
    let api: Api | null = null;
    const agent = await openAgent({
      config,
      program: 'hotadd run',
      onNotice: (notice) => log.notice(notice),
      onOutcome: (outcome) => {
        log.outcome(outcome);
        api?.tell(outcome);
      },
    });
    try {
      const { openApi } = await import('../agent/api.ts');
      api = await openApi(agent);
      log.begin(agent, path, api.path);
      firstLook(agent, log).catch((error: unknown) => log.notice(messageOf(error)));
      await aborted(stop);
      log.notice(`${stop.reason}: closing`);
    } finally {
      // Together: a change that somebody waits for on the socket ends because the agent closes.
      await Promise.all([api?.close(), agent.close()]);
    }
    return EXIT.done;
  },
};

/** Begins to repair what was missed (E1), and names drivers that cannot be reached: the others go on (D6). */
async function firstLook(agent: Agent, log: Log): Promise<void> {
  if (agent.config.apply) await agent.firstPass();
  const { readings } = await agent.partition.plan();
  for (const { member, error } of readings) {
    if (error !== null) log.notice(`driver ${member.name} cannot be read: ${error}`);
  }
}

class Log {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  begin(agent: Agent, config: string, socket: string): void {
    const { partition, warnings } = agent;
    const { usableBytes, boundBy } = partition.memory;
    const drivers = agent.config.drivers.map(({ name }) => name);
    if (!agent.config.apply) this.notice('apply: false: hotadd plans and reports, and resizes nothing');
    for (const warning of warnings) this.notice(`warning: ${warning}`);
    const at = new Date().toISOString();
    if (this.#output.json) {
      const { apply } = agent.config;
      const about = { partition: partition.identity, apply, config, socket, drivers, usableBytes, boundBy };
      this.#output.value('ready', { at, ...about });
      return;
    }
    const named = drivers.length === 0 ? 'no driver' : drivers.join(', ');
    this.#output.line(`${at} ready: ${partition.identity} with ${named}; listening on ${socket}`);
  }

  outcome(outcome: Outcome): void {
    if (this.#output.json) this.#output.value('outcome', outcome);
    else this.#output.line(`${new Date().toISOString()} ${outcome.report}`);
  }

  notice(notice: string): void {
    const at = new Date().toISOString();
    if (this.#output.json) this.#output.value('notice', { at, notice });
    else this.#output.line(`${at} ${notice}`);
  }
}
