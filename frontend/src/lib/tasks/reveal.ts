type RevealHandler = (id: string) => boolean;

const handlers = new Set<RevealHandler>();

/** Registers a list that can show one of its tasks. The handler returns whether the list has the task. */
export function onReveal(handler: RevealHandler) {
  handlers.add(handler);
  return () => void handlers.delete(handler);
}

/** Shows a task in the list on this page. Returns false when no list has loaded it. */
export const revealTask = (id: string) => [...handlers].some((handler) => handler(id));
