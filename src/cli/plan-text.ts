// A plan as people read it: the arithmetic of the room, a line for each driver with its reason, what stays
// unclaimed.
import { formatBytes } from '../core/bytes.ts';
import { amount, columns, shorten } from './columns.ts';
import type { PlanView } from './plan.ts';

const NAME_WIDTH = 40;

/** @param ifLimitBytes the own limit that was assumed; `null`: as it is. */
export function planText(view: PlanView, ifLimitBytes: number | null): string[] {
  const { memory, plan, costsBytes, unclaimed } = view;
  const level = memory.levels.find(({ name }) => name === plan.boundBy);
  const name = shorten(plan.boundBy, NAME_WIDTH);
  const assumed = ifLimitBytes !== null && memory.levels[0]?.name === plan.boundBy;
  const where = level === undefined ? '' : `${assumed ? 'assumed for' : `${level.file} of`} ${name}`;
  const limit = assumed ? ifLimitBytes : (level?.limitBytes ?? plan.usableBytes);
  const room = columns(
    [
      ['usable', amount(limit), where],
      ['- headroom', formatBytes(plan.headroomBytes), 'kept free for what nobody planned'],
      ['- set aside', formatBytes(plan.setAsideBytes), 'the reserve, or what others use'],
      ['= room', formatBytes(plan.roomBytes), 'for drivers to share'],
    ],
    [1],
  );
  const drivers =
    plan.budgets.length === 0 ? ['no driver is configured'] : columns(plan.budgets.map(row), [2]);
  const over = costsBytes > plan.roomBytes;
  const sum = over
    ? `room is short: drivers take ${formatBytes(costsBytes)}`
    : `${formatBytes(costsBytes)} in drivers now, ${formatBytes(unclaimed.bytes)} unclaimed`;
  return [
    memory.partition,
    '',
    ...room,
    '',
    ...drivers,
    '',
    sum,
    ...(over ? [] : unclaimed.reasons.map((reason) => `  ${reason}`)),
    ...(plan.shortBytes > 0 ? [`the minima exceed the room by ${formatBytes(plan.shortBytes)}`] : []),
    ...plan.shortage.map((line) => `  ${line}`),
  ];
}

function row({
  driver,
  move,
  costBytes,
  budgetBytes,
  reason,
}: PlanView['plan']['budgets'][number]): string[] {
  if (costBytes === null || budgetBytes === null) return [driver, move, 'not known', reason];
  if (move === 'follow') return [driver, move, '', reason];
  const to = move === 'keep' ? '' : ` -> ${formatBytes(budgetBytes)}`;
  return [driver, move, `${formatBytes(costBytes)}${to}`, reason];
}
