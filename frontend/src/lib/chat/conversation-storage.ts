const STORAGE_KEY = "todo.conversation";

/** The conversation that this tab had open before a reload. */
export function loadConversationId() {
  try {
    return sessionStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}

export function saveConversationId(id: string | null) {
  try {
    if (id) sessionStorage.setItem(STORAGE_KEY, id);
    else sessionStorage.removeItem(STORAGE_KEY);
  } catch {
    // Without storage, the user can still find the conversation in the list.
  }
}
