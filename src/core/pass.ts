// One pass: carries a plan out among the drivers. Shrinks first, all at once; each growth is sent as soon as
// room for it is there, so a slow driver delays only growth that needs what it has not yet given (P1, E5).
import type { PhysicalMemory } from './memory.ts';
import type { Answer } from './outcome.ts';
import type { Budget } from './plan.ts';
import { DEAD_BAND } from './plan.ts';
import type { Round } from './round.ts';
import type { Reading, Survey } from './survey.ts';
import { inWaves } from './waves.ts';

/** What one driver counts in room now (P1). */
interface Counted {
  bytes: number;
  /** Its answer is awaited. */
  asked: boolean;
}

interface Mover {
  readonly reading: Reading;
  readonly budget: Budget;
  readonly counted: Counted;
}

interface Sending {
  readonly mover: Mover;
  readonly bytes: number;
}

export interface PassOptions {
  readonly round: Round;
  /** Only shrinks are sent: the start of a planned shrink. */
  readonly shrinksOnly: boolean;
  /** Everything as it is by then, for growth that had to wait. */
  lookAgain(): Promise<Survey>;
}

/** Runs a plan; resolves with an answer for each driver that was told. */
export function runPass(survey: Survey, options: PassOptions): Promise<Answer[]> {
  return new Pass(survey, options).run();
}

class Pass {
  readonly #memory: PhysicalMemory;
  readonly #options: PassOptions;
  readonly #shrinks: Mover[];
  readonly #followers: Mover[];
  #growths: Mover[];
  readonly #movers: Mover[] = [];
  /** By driver; made when room is looked at again, which most passes never do. */
  #counted: Map<string, Counted> | null = null;
  /** The sum over all drivers. */
  #committedBytes = 0;
  readonly #answers: Answer[] = [];
  /** Calls and looks under way. */
  readonly #running = new Set<Promise<void>>();
  #shrinksLeft: number;
  #looking = false;
  #lookAgain = false;
  readonly #plannedRoomBytes: number;

  constructor({ memory, plan, readings }: Survey, options: PassOptions) {
    this.#memory = memory;
    this.#plannedRoomBytes = plan.growthRoomBytes;
    this.#options = options;
    for (const [index, budget] of plan.budgets.entries()) {
      const reading = readings[index];
      if (reading === undefined) continue;
      const counted = { bytes: committedOf(reading), asked: false };
      this.#committedBytes += counted.bytes;
      this.#movers.push({ reading, budget, counted });
    }
    const excess = ({ budget }: Mover) => budget.costBytes - budget.budgetBytes;
    this.#shrinks = this.#movers
      .filter(({ budget }) => budget.move === 'shrink')
      .sort((a, b) => excess(b) - excess(a));
    const others = options.shrinksOnly ? [] : this.#movers;
    // One whose last call is still under way would get its growth when that returns: whether there is room
    // by then nobody knows. The next pass sees to it (E10).
    this.#growths = others.filter(
      ({ budget, reading }) => budget.move === 'grow' && !reading.member.shell.busy,
    );
    this.#followers = others.filter(({ budget }) => budget.move === 'follow');
    this.#shrinksLeft = this.#shrinks.length;
  }

  async run(): Promise<Answer[]> {
    this.#send(this.#shrinks.map((mover) => ({ mover, bytes: lessThanNow(mover) })));
    this.#send(this.#followers.map((mover) => ({ mover, bytes: 0 })));
    this.#sendGrowths(this.#plannedRoomBytes);
    while (this.#running.size > 0) await Promise.all(this.#running);
    return this.#answers;
  }

  #follow(work: Promise<unknown>): void {
    const followed = work.then(() => {
      this.#running.delete(followed);
    });
    this.#running.add(followed);
  }

  /** One look serves all shrinks that end while it is under way. */
  #lookForRoom(): void {
    if (this.#growths.length === 0) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#lookAgain = false;
    this.#follow(this.#look());
  }

  async #look(): Promise<void> {
    const now = await this.#options.lookAgain();
    this.#looking = false;
    this.#countAgain(now);
    this.#sendGrowths(roomOf(now));
    if (this.#lookAgain) this.#lookForRoom();
  }

  /** Drivers hold what they hold by now, some have registered since; a shrink counts until it is proven. */
  #countAgain({ readings }: Survey): void {
    this.#counted ??= new Map(this.#movers.map(({ budget, counted }) => [budget.driver, counted]));
    for (const reading of readings) {
      const { name } = reading.member;
      const counted = this.#counted.get(name) ?? { bytes: 0, asked: false };
      this.#counted.set(name, counted);
      this.#count(counted, Math.max(counted.asked ? counted.bytes : 0, committedOf(reading)));
    }
  }

  #sendGrowths(roomBytes: number): void {
    if (this.#growths.length === 0 || this.#options.round.overtaken) return;
    let free = roomBytes - this.#committedBytes;
    const last = this.#shrinksLeft === 0;
    const waiting: Mover[] = [];
    const fits: Sending[] = [];
    // Where drivers take more than there is, nobody grows, not even into what it holds already.
    if (free < 0) {
      if (last) this.#growths = [];
      return;
    }
    for (const mover of this.#growths) {
      const { budgetBytes, costBytes } = mover.budget;
      const own = mover.counted.bytes;
      const bytes = last ? fitting(mover, own + free) : budgetBytes;
      if (bytes - own > free) {
        waiting.push(mover);
        continue;
      }
      if (bytes <= costBytes) continue;
      free -= Math.max(0, bytes - own);
      this.#count(mover.counted, Math.max(bytes, own));
      fits.push({ mover, bytes });
    }
    this.#growths = last ? [] : waiting;
    this.#send(fits);
  }

  #send(sendings: readonly Sending[]): void {
    for (const { mover } of sendings) mover.counted.asked = true;
    if (sendings.length > 0) this.#follow(inWaves(sendings, (sending) => this.#carry(sending)));
  }

  async #carry({ mover: { reading, budget, counted }, bytes }: Sending): Promise<void> {
    if (reading.state === null) return;
    const target = { bytes, memory: this.#memory };
    const answer = await reading.member.shell.resize(target, reading.state, this.#options.round);
    counted.asked = false;
    this.#answers.push(answer);
    if (budget.move === 'follow' && isHeard(answer)) reading.member.followed = reading.state.instance;
    const growing = bytes > budget.costBytes;
    if (answer.proven || !growing) this.#count(counted, committedAfter(answer, reading));
    if (budget.move !== 'shrink') return;
    this.#shrinksLeft -= 1;
    this.#lookForRoom();
  }

  #count(counted: Counted, bytes: number): void {
    this.#committedBytes += bytes - counted.bytes;
    counted.bytes = bytes;
  }
}

/**
 * What waits for a restart is larger than the budget; what the driver takes now may be smaller: to take the
 * one back is no reason to let the other grow before there is room (P1).
 */
function lessThanNow({ reading: { state }, budget }: Mover): number {
  if (state?.afterRestartBytes === undefined) return budget.budgetBytes;
  return Math.max(state.floorBytes, Math.min(budget.budgetBytes, state.costBytes));
}

/** A growth cut down to what fits, or nothing when that is not worth telling. */
function fitting({ reading, budget }: Mover, bytes: number): number {
  if (bytes >= budget.budgetBytes) return budget.budgetBytes;
  const step = Math.max(1, reading.state?.stepBytes ?? 1);
  const cut = Math.floor(bytes / step) * step;
  return cut > budget.costBytes + Math.max(step, cut * DEAD_BAND) ? cut : 0;
}

/** While a reading is missing nothing grows (S2). */
function roomOf({ memory, plan }: Survey): number {
  return memory.gone || memory.stale.length > 0 ? 0 : plan.growthRoomBytes;
}

function committedOf({ state, member }: Reading): number {
  if (state === null || state.ceilingBytes === 0) return 0;
  return Math.max(
    state.costBytes,
    state.afterRestartBytes ?? 0,
    state.heldBytes ?? 0,
    member.shell.askedBytes ?? 0,
  );
}

/** It has been asked, and it has said what it can do: to ask again would change nothing. */
function isHeard({ verdict }: Answer): boolean {
  return verdict !== 'failed' && verdict !== 'stuck';
}

/** A shrink that is not proven still counts at what it may take or holds. */
function committedAfter(answer: Answer, reading: Reading): number {
  if (answer.costAfterBytes === null || answer.verdict === 'stuck') return committedOf(reading);
  return Math.max(answer.costAfterBytes, answer.heldAfterBytes ?? 0);
}
