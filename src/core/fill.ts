// Water-filling: an amount shared by weight among spans, each with a lowest and a highest amount; what one
// cannot take goes to the others (P2). The water level rises from 0; each span has min(high, max(low, start +
// weight x level)).

export interface Span {
  /** Below this it cannot go at all. */
  readonly floorBytes: number;
  /** Below this it should not go: its minimum. */
  readonly lowBytes: number;
  /** Above this it takes nothing; may be Infinity. */
  readonly highBytes: number;
  /** Where its share begins; at most `lowBytes`. */
  readonly startBytes: number;
  readonly weight: number;
}

export interface Filled {
  /** Whole bytes, in the order of the spans. */
  readonly amounts: readonly number[];
  /** How much the floors exceed what there is. */
  readonly shortBytes: number;
}

/** A level at which a span starts or stops rising. */
interface Point {
  readonly level: number;
  readonly slope: number;
}

/**
 * Shares amounts among the spans, any number of them for one sorting: O(n log n) for the first, O(n) for each
 * other. Spans that cannot all have their minimum are served in order of the list, floors first.
 */
export function filling(spans: readonly Span[]): (bytes: number) => Filled {
  let lows = 0;
  let floors = 0;
  for (const span of spans) {
    lows += span.lowBytes;
    floors += span.floorBytes;
  }
  let rise: Rise | null = null;
  return (bytes) => {
    if (lows > bytes) return serveInOrder(spans, bytes - floors);
    rise ??= riseOf(spans);
    const level = waterLevel(rise, bytes - lows);
    const amounts = spans.map((span) => {
      const share = Math.max(span.lowBytes, span.startBytes + span.weight * level);
      return Math.floor(Math.min(span.highBytes, share));
    });
    return { amounts, shortBytes: 0 };
  };
}

function serveInOrder(spans: readonly Span[], aboveFloors: number): Filled {
  let left = Math.max(0, aboveFloors);
  const amounts = spans.map((span) => {
    const given = Math.min(left, span.lowBytes - span.floorBytes);
    left -= given;
    return Math.floor(span.floorBytes + given);
  });
  return { amounts, shortBytes: Math.max(0, -aboveFloors) };
}

interface Rise {
  /** Of the spans that rise from level 0: most do, and need no sorting. */
  readonly slope: number;
  readonly points: readonly Point[];
}

function riseOf(spans: readonly Span[]): Rise {
  const points: Point[] = [];
  let slope = 0;
  for (const { lowBytes, highBytes, startBytes, weight } of spans) {
    // Weight 0: it has its minimum and no share of the rest.
    if (highBytes <= lowBytes || !(weight > 0)) continue;
    if (lowBytes === startBytes) slope += weight;
    else points.push({ level: (lowBytes - startBytes) / weight, slope: weight });
    if (highBytes === Number.POSITIVE_INFINITY) continue;
    points.push({ level: (highBytes - startBytes) / weight, slope: -weight });
  }
  points.sort((a, b) => a.level - b.level);
  return { slope, points };
}

/** The level at which the spans hold so many bytes above their minima: a walk along the sorted points. */
function waterLevel({ slope: first, points }: Rise, bytes: number): number {
  let held = 0;
  let slope = first;
  let level = 0;
  for (const point of points) {
    const risen = held + slope * (point.level - level);
    if (risen >= bytes) break;
    held = risen;
    slope += point.slope;
    level = point.level;
  }
  // Rounding can leave a slope of almost 0 when all spans are full: then the level no longer matters.
  return slope > 1e-9 ? level + (bytes - held) / slope : level;
}
