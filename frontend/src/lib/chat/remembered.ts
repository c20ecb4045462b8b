const STORAGE_KEY = "todo.conversation";

/** The conversation that this tab shows, also after a reload. */
export const remembered = {
  get() {
    try {
      return sessionStorage.getItem(STORAGE_KEY);
    } catch {
      return null;
    }
  },
  set(id: string | null) {
    try {
      if (id) sessionStorage.setItem(STORAGE_KEY, id);
      else sessionStorage.removeItem(STORAGE_KEY);
    } catch {
      // Without storage the conversation is still in the list.
    }
  },
};
