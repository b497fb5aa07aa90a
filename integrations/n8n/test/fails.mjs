// How a run that must fail is looked at.
//
// It must not know what is run.

import assert from 'node:assert/strict';

/** The run fails, and `check` looks at its error. */
export const fails = (run, check) =>
  assert.rejects(run, (error) => {
    check(error);
    return true;
  });
