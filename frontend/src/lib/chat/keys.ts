export const chatKeys = {
  info: ["chat", "info"] as const,
  lists: ["chat", "conversations"] as const,
  list: (q: string) => ["chat", "conversations", q] as const,
  conversation: (id: string) => ["chat", "conversation", id] as const,
};
