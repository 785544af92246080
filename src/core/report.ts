// The report line: what moved, what is proven, what stays unclaimed and why (F4). It is the product, and it
// adds up: costs + unclaimed = room.
import { formatBytes } from './bytes.ts';
import type { Change } from './change.ts';
import type { Answer, Outcome, Unclaimed } from './outcome.ts';
import { sayShort } from './pool.ts';
import { costsOf, type Survey } from './survey.ts';

export interface ReportParts {
  readonly change: Change;
  readonly result: Outcome['result'];
  readonly answers: readonly Answer[];
  readonly handedBack: Outcome['handedBack'];
  readonly unclaimed: Unclaimed;
  readonly reason: string | null;
  /** The last look: what room and costs are now. */
  readonly survey: Survey | null;
  /** False: nothing was sent to any driver; the line says what the plan would do. */
  readonly applied: boolean;
}

export function reportLine(parts: ReportParts): string {
  const following = followersOf(parts);
  const moves = parts.applied
    ? parts.answers.filter(({ driver }) => !following.has(driver)).map(sayAnswer)
    : sayPlan(parts.survey);
  const back = parts.handedBack.map(({ driver, asBefore, note }) =>
    asBefore ? `${driver} has its settings back` : `${driver} could not be set back (${note ?? 'stuck'})`,
  );
  const ending =
    parts.result === 'failed' || parts.result === 'refused'
      ? [`${parts.result}: ${parts.reason ?? 'no reason told'}`]
      : [];
  const said = [...ending, ...moves, ...back];
  const noted = parts.reason !== null && ending.length === 0 ? [parts.reason] : [];
  const body = [
    said.length === 0 ? nobody(parts) : said.join(', '),
    ...noted,
    ...sayRoom(parts),
    ...sayFollowers(parts, following),
    ...sayPools(parts),
  ];
  return `${sayChange(parts.change)}: ${body.join('; ')}`;
}

function nobody({ result }: ReportParts): string {
  return result === 'done' ? 'nobody had to move' : 'nobody was asked to move';
}

function sayChange({ kind, fromBytes, toBytes, cause }: Change): string {
  if (kind === 'repair') return `repair at ${formatBytes(toBytes)} (${cause})`;
  const sign = toBytes >= fromBytes ? '+' : '-';
  const size = formatBytes(Math.abs(toBytes - fromBytes));
  return `${sign}${size} (${formatBytes(fromBytes)} -> ${formatBytes(toBytes)}, ${cause})`;
}

/** `redis 160 MiB -> 330 MiB resized, proven`. */
function sayAnswer(answer: Answer): string {
  const to = answer.costAfterBytes === null ? 'unknown' : formatBytes(answer.costAfterBytes);
  const held = answer.heldAfterBytes !== null && answer.heldAfterBytes > answer.budgetBytes;
  const notes = [
    ...(answer.note === null ? [] : [answer.note]),
    ...(held && answer.verdict === 'resized'
      ? [`holds ${formatBytes(answer.heldAfterBytes ?? 0)} of ${formatBytes(answer.budgetBytes)}`]
      : []),
  ];
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  const proven = answer.proven ? 'proven' : 'not proven';
  const from = formatBytes(answer.costBeforeBytes);
  return `${answer.driver} ${from} -> ${to} ${answer.verdict}, ${proven}${note}`;
}

function sayPlan(survey: Survey | null): string[] {
  return (survey?.plan.budgets ?? [])
    .filter(({ move }) => move === 'grow' || move === 'shrink')
    .map(
      ({ driver, costBytes, budgetBytes }) =>
        `${driver} would go ${formatBytes(costBytes)} -> ${formatBytes(budgetBytes)}`,
    );
}

function sayRoom({ survey, unclaimed }: ReportParts): string[] {
  if (survey === null) return [];
  const costs = costsOf(survey);
  const room = survey.plan.roomBytes;
  if (costs > room) {
    const kept = survey.plan.budgets.flatMap(({ driver, reason }) => `${driver}: ${reason}`).join('; ');
    return [`room ${formatBytes(room)} is short: drivers take ${formatBytes(costs)} (${kept})`];
  }
  const reasons = unclaimed.reasons.length === 0 ? '' : ` (${unclaimed.reasons.join('; ')})`;
  return [
    `room ${formatBytes(room)} = ${formatBytes(costs)} in drivers` +
      ` + ${formatBytes(unclaimed.bytes)} unclaimed${reasons}`,
  ];
}

/** A budget of 0 alone says nothing: a driver may have been shrunk to nothing. */
function followersOf({ survey }: ReportParts): ReadonlySet<string> {
  const readings = survey?.readings ?? [];
  return new Set(readings.flatMap(({ member, state }) => (state?.ceilingBytes === 0 ? [member.name] : [])));
}

function sayFollowers({ answers }: ReportParts, following: ReadonlySet<string>): string[] {
  const followers = answers.filter(({ driver }) => following.has(driver));
  if (followers.length === 0) return [];
  const said = followers.map(({ driver, verdict, settingsBefore, settingsAfter }) => {
    const moved = (settingsAfter ?? []).flatMap(({ name, value }) => {
      const was = settingsBefore.find((setting) => setting.name === name)?.value;
      return was === value ? [] : [`${name} ${was ?? 'unset'} -> ${value ?? 'unset'}`];
    });
    return `${driver} ${moved.length === 0 ? verdict : moved.join(', ')}`;
  });
  return [`follows: ${said.join('; ')}`];
}

/** What stays as it was sized at start: not a part of the sum, and news only where memory has changed. */
function sayPools({ change, survey }: ReportParts): string[] {
  if (change.kind === 'repair' || survey === null) return [];
  const short = survey.pools.flatMap((pool) => sayShort(pool) ?? []);
  return short.length === 0 ? [] : [`stays: ${short.join(', ')}`];
}
