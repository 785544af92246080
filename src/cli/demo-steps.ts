// The steps of the demo: what is printed, as values (`--json`) and as text of 80 columns.
import { formatBytes } from '../core/bytes.ts';
import type { Change, News } from '../core/change.ts';
import type { PhysicalMemory } from '../core/memory.ts';
import type { Answer } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { wrap } from './columns.ts';

export type Step =
  | { readonly step: 'scene'; readonly text: string }
  | { readonly step: 'machine'; readonly text: string; readonly uevents: Readonly<Record<string, number>> }
  | ({ readonly step: 'sense' } & Pick<
      PhysicalMemory,
      'presentBytes' | 'onlineBytes' | 'usableBytes' | 'boundBy'
    >)
  | { readonly step: 'offline'; readonly blocks: readonly number[]; readonly command: string | null }
  | { readonly step: 'change'; readonly change: Change }
  | { readonly step: 'plan'; readonly plan: Plan }
  | { readonly step: 'notify'; readonly driver: string; readonly bytes: number }
  | { readonly step: 'prove'; readonly answer: Answer }
  | { readonly step: 'record'; readonly report: string }
  | ({ readonly step: 'news'; readonly listener: string; readonly usableBytes: number | null } & News)
  | ({ readonly step: 'witness' } & Witness)
  | ({ readonly step: 'end' } & Ending);

/** The process's own memory, as the operating system counts it, beside what the caches say. */
export interface Witness {
  readonly rssBeforeBytes: number;
  readonly rssAfterBytes: number;
  readonly heldBeforeBytes: number;
  readonly heldAfterBytes: number;
  readonly follows: boolean;
}

export interface Ending {
  readonly roomBytes: number;
  readonly costsBytes: number;
  readonly unclaimedBytes: number;
  readonly reasons: readonly string[];
  readonly tookMs: number;
  readonly passed: boolean;
}

const WIDTH = 80;
const LABEL = 11;

/** A step as lines; the label is in the first. */
export function stepText(step: Step): string[] {
  if (step.step === 'scene') return ['', ...wrap(step.text, WIDTH)];
  const [first = '', ...more] = bodyOf(step).flatMap((line) => wrap(line, WIDTH - LABEL, '  '));
  return [`  ${step.step}`.padEnd(LABEL) + first, ...more.map((line) => ' '.repeat(LABEL) + line)];
}

function bodyOf(step: Exclude<Step, { step: 'scene' }>): string[] {
  switch (step.step) {
    case 'machine':
      return [`${step.text}; uevents: ${ueventsText(step.uevents)}`];
    case 'sense': {
      const [present, online, usable] = [step.presentBytes, step.onlineBytes, step.usableBytes].map(amount);
      const bound = step.boundBy === null ? '' : ` (${step.boundBy.file})`;
      return [`present ${present}, online ${online}, usable ${usable}${bound}`];
    }
    case 'offline':
      return [
        `added, not online: ${step.blocks.length} blocks; on a real machine, as root:`,
        step.command ?? '',
      ];
    case 'change': {
      const { kind, fromBytes, toBytes, cause } = step.change;
      return [`${kind}: ${formatBytes(fromBytes)} -> ${formatBytes(toBytes)}, ${cause}`];
    }
    case 'plan':
      return planBody(step.plan);
    case 'notify':
      return [`${step.driver} is asked for ${formatBytes(step.bytes)}`];
    case 'prove':
      return [proofText(step.answer)];
    case 'record':
      return [step.report];
    case 'news':
      return [
        `${step.listener} hears "${step.kind}" and reads memory itself: ${amount(step.usableBytes)} usable`,
      ];
    case 'witness':
      return [witnessText(step)];
    case 'end':
      return endBody(step);
  }
}

function amount(bytes: number | null): string {
  return bytes === null ? 'not known' : formatBytes(bytes);
}

function ueventsText(uevents: Readonly<Record<string, number>>): string {
  const said = Object.entries(uevents).map(([action, count]) => `${count} ${action}`);
  return said.length === 0 ? 'none' : said.join(', ');
}

function planBody({ usableBytes, headroomBytes, setAsideBytes, roomBytes, budgets }: Plan): string[] {
  const [room, usable, headroom, aside] = [roomBytes, usableBytes, headroomBytes, setAsideBytes].map(
    formatBytes,
  );
  const rows = budgets.map(({ driver, move, costBytes, budgetBytes, reason }) => {
    const to = move === 'keep' ? '' : ` -> ${formatBytes(budgetBytes)}`;
    return `${driver}: ${move} ${formatBytes(costBytes)}${to} (${reason})`;
  });
  return [`room ${room} = usable ${usable} - headroom ${headroom} - set aside ${aside}`, ...rows];
}

function proofText(answer: Answer): string {
  const held = answer.heldAfterBytes === null ? 'not known' : formatBytes(answer.heldAfterBytes);
  const proven = answer.proven ? 'proven' : 'NOT proven';
  const took = `${(answer.tookMs / 1000).toFixed(2)} s`;
  const holds = `holds ${held} of ${formatBytes(answer.budgetBytes)} after ${took}`;
  return `${answer.driver} ${answer.verdict}, ${proven}: ${holds}`;
}

function witnessText(seen: Witness): string {
  const moved = (from: number, to: number) => `${to >= from ? '+' : '-'}${formatBytes(Math.abs(to - from))}`;
  const rss = `RSS of this process ${formatBytes(seen.rssBeforeBytes)} -> ${formatBytes(seen.rssAfterBytes)}`;
  const held = `${moved(seen.heldBeforeBytes, seen.heldAfterBytes)} in the caches`;
  const ending = seen.follows ? 'it follows' : 'IT DOES NOT FOLLOW';
  return `${rss} (${moved(seen.rssBeforeBytes, seen.rssAfterBytes)}; ${held}): ${ending}`;
}

function endBody(end: Ending): string[] {
  const unclaimed = `${formatBytes(end.unclaimedBytes)} unclaimed`;
  return [
    `room ${formatBytes(end.roomBytes)} = ${formatBytes(end.costsBytes)} in caches + ${unclaimed}`,
    ...end.reasons.map((reason) => `unclaimed because of ${reason}`),
    `${end.passed ? 'all of it proven' : 'NOT ALL OF IT PROVEN'}, in ${(end.tookMs / 1000).toFixed(1)} s`,
  ];
}
