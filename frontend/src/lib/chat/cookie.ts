/** Whether the chat is open beside the page: "open" or "closed". */
export const CHAT_COOKIE = "todo_chat";
