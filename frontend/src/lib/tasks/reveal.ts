type Reveal = (id: string) => boolean;

const lists = new Set<Reveal>();

/** A list on the page that can show one of its tasks; answers whether it has it. */
export function onReveal(reveal: Reveal) {
  lists.add(reveal);
  return () => void lists.delete(reveal);
}

/** Leads to a task in the list on this page. False when no list has it loaded. */
export const revealTask = (id: string) => [...lists].some((reveal) => reveal(id));
