const NAME = "todo_chat";
const MAX_AGE_SECONDS = 365 * 24 * 60 * 60;

type Cookies = { get: (name: string) => { value: string } | undefined };

/** Whether the chat was open the last time, so that the server can render the page with the chat or without it. */
export const isChatOpen = (cookies: Cookies) => cookies.get(NAME)?.value === "open";

export function saveChatOpen(open: boolean) {
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs HTTPS
  document.cookie = `${NAME}=${open ? "open" : "closed"}; path=/; max-age=${MAX_AGE_SECONDS}; samesite=lax`;
}
