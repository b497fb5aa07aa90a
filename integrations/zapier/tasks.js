// Where a task is on the server, and what one looks like.
//
// It must not know what is done with it.

/** The path of the task with this ID. An ID that no address can hold is said to be so. */
export function pathOf(id, z) {
  // Only an incoming webhook can make such a task; in an address these two mean folders.
  if (['.', '..'].includes(String(id))) {
    throw new z.errors.Error(`A task with the ID ${JSON.stringify(id)} cannot be reached by an address.`, 'bad_id');
  }
  return `/api/tasks/${encodeURIComponent(id)}`;
}

export const isTask = (data) => typeof data?.id === 'string' && typeof data.title === 'string';

export const isListOf = (isOne) => (data) => Array.isArray(data) && data.every(isOne);
