// board-undo: what was done on the board and can be taken back, the last first. Must not know what was done.

/** @typedef {ReturnType<typeof undoSteps>} Steps */

/** The steps; each says whose task it was (`id`) and how it is taken back (`undo`). */
export function undoSteps() {
  /** @type {{id: string, undo: () => void}[]} */
  const steps = [];
  return {
    /**
     * Remembers one; answers how it is forgotten.
     * @param {{id: string, undo: () => void}} step
     */
    add(step) {
      steps.push(step);
      return () => {
        const at = steps.indexOf(step);
        if (at >= 0) steps.splice(at, 1);
      };
    },
    /** Takes the last one back; answers the id of its task, or null where there is none. */
    undoLast() {
      const step = steps.pop();
      step?.undo();
      return step?.id ?? null;
    },
  };
}
