// `hotadd plan`: who would get how much, and why. It asks the agent that runs, or looks by itself; it does
// nothing (P5).
import type { planView } from '../agent/api-views.ts';
import { findAgent, withAgent } from './agent-door.ts';
import { wholePages } from './bytes-argument.ts';
import { CONFIG_OPTION, type Command, EXIT, JSON_OPTION } from './command.ts';
import { findConfig } from './config-place.ts';
import { stopSignal } from './output.ts';
import { planText } from './plan-text.ts';

export type PlanView = ReturnType<typeof planView>;

export const plan: Command = {
  name: 'plan',
  summary: 'Who would get how much memory, and why; does nothing.',
  about:
    'Room is usable memory without headroom and without what is set aside; drivers share it by weight ' +
    'above their minima. Asks the agent that runs; else it reads memory and drivers once by itself.',
  examples: ['plan', 'plan --memory 1GiB --config hotadd.yaml'],
  arguments: [],
  options: [
    {
      form: '--memory <bytes>',
      summary: "plan as if the partition's own limit, or the machine's MemTotal, were this",
    },
    CONFIG_OPTION,
    JSON_OPTION,
  ],
  run: async (given, output) => {
    const stop = stopSignal();
    const asked = given.option('memory');
    const limitBytes = asked === null ? undefined : wholePages('--memory', asked);
    const { config } = await findConfig(given);
    const agent = await findAgent(config);
    const path = limitBytes === undefined ? '/v1/plan' : `/v1/plan?limitBytes=${limitBytes}`;
    const view = agent === null ? await lookOnce() : await agent.get<PlanView>(path);
    if (output.json) output.value('plan', view);
    else for (const line of planText(view, limitBytes ?? null)) output.line(line);
    return view.errors.length === 0 ? EXIT.done : EXIT.partly;

    async function lookOnce(): Promise<PlanView> {
      const { planView } = await import('../agent/api-views.ts');
      const options = { config: { ...config, apply: false }, program: 'hotadd plan' };
      return withAgent(options, stop, async ({ partition }) => planView(await partition.plan(limitBytes)));
    }
  },
};
