// A pass that is due and waits for its turn. Whoever comes meanwhile joins it: a thousand drivers that
// register one after the other are planned for once, not a thousand times.

export class DuePass<Result> {
  #due: { readonly pass: Promise<Result>; others: number } | null = null;

  /**
   * Joins the pass that waits, or takes a turn for one.
   * @param take takes the turn; when that comes it calls `begin`, which tells what the pass is for.
   */
  join(cause: string, take: (begin: () => string) => Promise<Result>): Promise<Result> {
    if (this.#due !== null) {
      this.#due.others += 1;
      return this.#due.pass;
    }
    const begin = () => {
      const others = this.#due?.others ?? 0;
      this.#due = null;
      return others === 0 ? cause : `${cause}, and ${others} more`;
    };
    const pass = take(begin);
    this.#due = { pass, others: 0 };
    return pass;
  }
}
